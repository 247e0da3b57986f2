"""Which songs are found, and how their tracks are named."""

import os
import re
import tempfile
from pathlib import Path, PurePath, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extrapcli.batch.jobs import Job, Naming, find_jobs
from extrapcli.continuation import Length
from extrapcli.errors import CannotWrite, UnreadableAudio, UsageError

THREE = Length(3.0)
STEMS = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/\0"), min_size=1, max_size=20)
PATHS = st.lists(
    st.tuples(
        st.sampled_from(["", "one", "one/two", "three"]), STEMS, st.sampled_from([".mp3", ".WAV", ".wma", ".txt"])
    ),
    min_size=1,
    unique=True,
)


def planned(songs: Path, *include: str, exclude: tuple[str, ...] = (), out: Path | None = None) -> list[Job]:
    tracks = out or songs.parent / "tracks"
    jobs, _ = find_jobs(songs, tracks, Naming(THREE, "recall"), include=include, exclude=exclude)
    return jobs


def names(jobs: list[Job]) -> list[str]:
    return [job.input for job in jobs]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.mp3", "b.txt", "demos/c.flac", "demos/old/d.mp3", "live/e.OGG", "live/.hidden.mp3"):
        path = tmp_path / "songs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "songs"


@settings(deadline=None, max_examples=40)
@given(PATHS)
def test_tracks_are_in_the_folders_of_their_songs(paths: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "songs"
        for folder_name, stem, suffix in paths:
            (root / folder_name).mkdir(parents=True, exist_ok=True)
            (root / folder_name / f"_{stem}{suffix}").touch()
        (root / "song.mp3").touch()
        jobs = planned(root, out=root.parent / "out")
        assert names(jobs) == sorted(names(jobs), key=PurePosixPath)
        assert len({job.output for job in jobs}) == len(jobs) > 0
        for job in jobs:
            song, track = PurePosixPath(job.input), PurePosixPath(job.output)
            assert song.parent == track.parent
            suffix = {".mp3": ".mp3", ".WAV": ".wav", ".wma": ".flac"}[song.suffix]
            assert track.name == f"{song.stem}-3m00s{suffix}"
            assert job.target == root.parent / "out" / track


def test_tracks_need_a_folder(tree: Path) -> None:
    with pytest.raises(CannotWrite, match="is a file; name a folder"):
        planned(tree, out=tree / "a.mp3")


@pytest.mark.parametrize("pattern", ["{stem:>999999999}.{ext}", "{stem!r}.{ext}", "{minutes:{ext}}.{ext}"])
def test_fields_of_a_name_are_bare(pattern: str) -> None:
    with pytest.raises(UsageError, match="the fields are"):
        Naming(THREE, "recall", pattern)


def test_patterns_choose_songs_and_leave_out_folders(tree: Path) -> None:
    assert names(planned(tree)) == ["a.mp3", "demos/c.flac", "demos/old/d.mp3", "live/e.OGG"]
    assert names(planned(tree, "*.mp3")) == ["a.mp3", "demos/old/d.mp3", "live/.hidden.mp3"]
    assert names(planned(tree, "*.txt", "demos/*")) == ["b.txt", "demos/c.flac"]
    assert names(planned(tree, exclude=("demos",))) == ["a.mp3", "live/e.OGG"]
    assert names(planned(tree, exclude=("old", "*.OGG"))) == ["a.mp3", "demos/c.flac"]
    with pytest.raises(UnreadableAudio, match="no songs"):
        planned(tree, "*.xm")
    for pattern in ("", ".", "./", "**/live/**"):
        with pytest.raises(UsageError, match="not a supported pattern"):
            planned(tree, pattern)


def test_the_tracks_of_a_run_are_not_songs_of_the_next(tree: Path) -> None:
    before = names(planned(tree, out=tree / "longer"))
    for job in planned(tree, out=tree / "longer"):
        track = tree / "longer" / job.output
        track.parent.mkdir(parents=True, exist_ok=True)
        track.touch()
    assert names(planned(tree, out=tree / "longer")) == before
    (tree.parent / "link").symlink_to(tree / "longer")
    assert names(planned(tree, out=tree.parent / "link")) == before


def test_links_in_a_circle_end(tree: Path) -> None:
    (tree / "demos" / "up").symlink_to(tree)
    (tree / "round.mp3").symlink_to("round.mp3")
    assert names(planned(tree)) == ["a.mp3", "demos/c.flac", "demos/old/d.mp3", "live/e.OGG", "round.mp3"]


def test_a_folder_that_cannot_be_read_is_left_out_and_counted(tree: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (tree / "live").chmod(0)
    assert names(planned(tree)) == ["a.mp3", "demos/c.flac", "demos/old/d.mp3"]
    found = find_jobs(tree, tree / "out", Naming(THREE, "recall"), include=(), exclude=())[1]
    assert (PurePath("live"), "folder that cannot be read") in found.left_out


@pytest.mark.parametrize("name", ["{title}.{ext}", "{stem}", "{}.{ext}", "{stem", "{stem:d}.{ext}", "{stem.a}.{ext}",
                                  "a/{stem}.{ext}", "{stem}.mp3"])  # fmt: skip
def test_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=re.escape(repr(name))):
        Naming(THREE, "recall", name)


def test_names_contain_their_fields() -> None:
    naming = Naming(Length(1.5, beyond=True), "models/recall", "{model} {stem} {minutes}.{ext}", "opus")
    assert naming.track_name(Path("x/Song.mp3")) == ("recall Song plus-1m30s.opus", "opus")
    assert Naming(THREE, "recall", "{stem}.mp3", "mp3").track_name(Path("a.wav")) == ("a.mp3", "mp3")


def test_collisions_are_refused(tree: Path) -> None:
    (tree / "b.mp3").touch()
    assert len(planned(tree, "?.mp3")) == 3
    (tree / "a.MP3").touch()
    with pytest.raises(UsageError, match=re.escape("a.MP3 and a.mp3 would both")):
        planned(tree)
    (tree / "a.MP3").unlink()
    with pytest.raises(UsageError, match=re.escape("same.mp3: a.mp3 and b.mp3 would both")):
        find_jobs(tree, tree / "out", Naming(THREE, "recall", "same.{ext}"), include=("*.mp3",), exclude=())


def test_a_song_is_never_a_target(tree: Path) -> None:
    with pytest.raises(UsageError, match="holds the songs"):
        planned(tree, out=tree)
    (tree.parent / "tracks").mkdir()
    (tree.parent / "tracks" / "a-3m00s.mp3").symlink_to(tree / "a.mp3")
    with pytest.raises(UsageError, match="is one of the songs"):
        planned(tree)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match="no such folder"):
        planned(tmp_path / "gone")
