"""Folders at URLs, as folders of this machine."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extrapcli.batch.batch import Batch
from extrapcli.batch.manifest import Manifest, Record
from extrapcli.batch.places import Remote, fetched, place, written
from extrapcli.batch.plan import Naming, Work, plan
from extrapcli.continuation import Length
from extrapcli.errors import CannotWrite, SomeFailed, UnreadableAudio, UsageError
from extrapcli.pipeline import Options
from tests.batch.conftest import Here
from tests.batch.test_batch import Heard
from tests.conftest import Extrap

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
HALF_A_MINUTE = Length(minutes=0.5, beyond=False)
NAMING = Naming(HALF_A_MINUTE, "recall")


@pytest.fixture
def memory() -> Iterator[Remote]:
    """A folder in the memory of this process."""
    folder = Remote(f"memory://{uuid4().hex}")
    yield folder
    fsspec.filesystem("memory").rm(folder.url, recursive=True)


def put(folder: Remote, name: str, content: bytes) -> None:
    fsspec.filesystem("memory").pipe_file(f"{folder}/{name}", content)


def planned(root: Remote | Path, out: Remote | Path, *, include: list[str], exclude: list[str]) -> list[Work]:
    return plan(root, out, NAMING, include=include, exclude=exclude)


def run(root: Remote, out: Remote, manifest: Path) -> list[Record]:
    options = Options(HALF_A_MINUTE, "recall")
    batch = Batch(planned(root, out, include=[], exclude=[]), Manifest(manifest), options)
    records = []
    with suppress(SomeFailed):
        for record in batch.run(Here(options), Heard()):
            records.append(record)
    return records


def test_songs_and_tracks_in_memory(memory: Remote, song_wav: Path, tmp_path: Path) -> None:
    for name in ("one.wav", "album/two.wav"):
        put(memory, f"songs/{name}", song_wav.read_bytes())
    songs, tracks, lines = memory / "songs", memory / "tracks", tmp_path / "manifest.jsonl"
    records = run(songs, tracks, lines)
    assert {record.state for record in records} == {"done"}
    assert set(tracks.files()) == {record.output for record in records} == {"one-0m30s.wav", "album/two-0m30s.wav"}
    with fetched(tracks / "one-0m30s.wav") as one, fetched(tracks / "album/two-0m30s.wav") as two:
        assert one.read_bytes() == two.read_bytes()
        assert one.stat().st_size == records[0].bytes
    assert sorted(run(songs, tracks, lines), key=str) == sorted(records, key=str)  # they are kept
    assert len(lines.read_text().splitlines()) == 4
    put(memory, "songs/one.wav", song_wav.read_bytes()[:-4000])  # the file declares more than it holds
    [first, second] = sorted(run(songs, tracks, lines), key=lambda record: record.output)
    assert (first.state, second.state) == ("done", "failed")
    assert f"{songs}/one.wav" in second.error


def test_what_lies_at_a_url_and_was_not_made_here_is_left_alone(
    memory: Remote, song_wav: Path, tmp_path: Path
) -> None:
    put(memory, "songs/one.wav", song_wav.read_bytes())
    put(memory, "tracks/one-0m30s.wav", b"mine")
    [record] = run(memory / "songs", memory / "tracks", tmp_path / "manifest.jsonl")
    assert (record.state, record.status) == ("failed", CannotWrite.exit_code)
    with fetched(memory / "tracks" / "one-0m30s.wav") as found:
        assert found.read_bytes() == b"mine"


NAMES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cc", "Cs"]), min_size=1)
    .filter(lambda name: name.strip(" .") == name)
    .map(lambda name: f"{name}.wav"),
    min_size=1,
    max_size=5,
    unique=True,
)


@settings(max_examples=50, deadline=None)
@given(NAMES, NAMES)
def test_every_name_is_found_where_it_is(here: list[str], below: list[str]) -> None:
    folder = Remote(f"memory://{uuid4().hex}")
    names = {*here, *(f"below/{name}" for name in below)}
    for name in names:
        put(folder, name, name.encode())
    works = planned(folder, folder / "tracks", include=["*"], exclude=[])
    assert {work.input for work in works} == names
    for work in works:
        with fetched(work.source) as file:
            assert file.read_text() == work.input


@pytest.mark.parametrize("name", ["../x.mp3", "/x.mp3", "a//x.mp3", "a/../../x.mp3", "./x.mp3"])
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Remote("memory://bucket")
    found = {which: bucket / which for which in (name, "good.mp3")}
    monkeypatch.setattr(Remote, "files", lambda folder: found)
    with pytest.raises(UsageError, match="leads out of its folder"):
        planned(bucket, tmp_path, include=[], exclude=[])
    assert [work.input for work in planned(bucket, tmp_path, include=[], exclude=["x.mp3"])] == ["good.mp3"]


def test_a_plan_is_that_of_the_same_folder_of_this_machine(memory: Remote, tmp_path: Path) -> None:
    for name in ("a.mp3", "b.txt", "demos/a.mp3", "demos/old/c.flac", "tracks/a-3m00s.mp3"):
        put(memory, name, b"")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for include, exclude in ([], []), (["*.mp3"], []), ([], ["demos/*"]), ([], ["old"]), (["*.txt"], ["*.mp3"]):
        there = planned(memory, memory / "tracks", include=include, exclude=exclude)
        here = planned(tmp_path, tmp_path / "tracks", include=include, exclude=exclude)
        assert [(work.input, work.output) for work in there] == [(work.input, work.output) for work in here]
    with pytest.raises(UsageError, match="holds the songs"):
        planned(memory, memory, include=[], exclude=[])
    with pytest.raises(UnreadableAudio, match="no songs"):
        planned(memory / "nothing", memory / "tracks", include=[], exclude=[])


def test_a_track_appears_when_it_is_whole(memory: Remote) -> None:
    with suppress(RuntimeError), written(memory / "track") as path:
        path.write_bytes(b"half of")
        raise RuntimeError
    assert not (memory / "track").exists()
    with written(memory / "track") as path:
        path.write_bytes(b"all of it")
    assert (memory / "track").stat().st_size == 9


def test_a_file_url_is_a_path() -> None:
    assert place("file:///music/a%20b") == Path("/music/a b")
    assert place("songs/s3") == Path("songs/s3")


@pytest.mark.parametrize(
    ("args", "status", "told"),
    [
        (("nowhere://songs", "tracks"), 2, "nowhere"),
        (("gs://songs", "tracks"), 5, "gcsfs"),
        (("songs", "memory://tracks"), 2, "memory of its own"),
        (("file://songs", "tracks"), 2, "from the root on"),
        (("", "tracks"), 2, "empty"),
        (("memory://songs", "tracks"), 3, "no songs"),
        (("songs", "tracks", "--address", "here:1"), 2, "--engine ray"),
    ],
)
def test_what_cannot_be(args: tuple[str, ...], status: int, told: str, extrap: Extrap) -> None:
    assert told in extrap("batch", *args, status=status).stderr


def test_a_bucket_that_is_not_there(s3: str, song_wav: Path, tmp_path: Path, extrap: Extrap) -> None:
    lines = ("--manifest", tmp_path / "lines.jsonl")
    assert "no-such-bucket" in extrap("batch", "s3://no-such-bucket/songs", "tracks", *lines, status=3).stderr
    assert "no-such-bucket" in extrap("batch", tmp_path, "s3://no-such-bucket/a", *lines, status=6).stderr
    with pytest.raises(CannotWrite, match="no-such-bucket"), written(Remote("s3://no-such-bucket/a")) as path:
        path.touch()
