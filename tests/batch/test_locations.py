"""Folders at URLs behave like folders on this machine."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extrapcli.batch import Batch
from extrapcli.batch.jobs import Job, Naming, find_jobs
from extrapcli.batch.locations import RemotePath, local_input, local_output, parse_location
from extrapcli.batch.manifest import Manifest, Record
from extrapcli.batch.scheduler import Scheduler
from extrapcli.continuation import Length
from extrapcli.errors import (
    CannotWrite,
    ExtrapError,
    MissingDependency,
    SomeFailed,
    UnreadableAudio,
    UsageError,
)
from extrapcli.pipeline import Options
from tests.batch.conftest import OPTIONS, InProcessEngine

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
HALF_A_MINUTE = Length(minutes=0.5, beyond=False)
NAMING = Naming(HALF_A_MINUTE, "recall")


@pytest.fixture
def memory() -> Iterator[RemotePath]:
    """A folder in the memory of this process."""
    folder = RemotePath(f"memory://{uuid4().hex}")
    yield folder
    fsspec.filesystem("memory").rm(folder.url, recursive=True)


def put(folder: RemotePath, name: str, content: bytes) -> None:
    fsspec.filesystem("memory").pipe_file(f"{folder}/{name}", content)


def planned(root: RemotePath | Path, out: RemotePath | Path, *, include: list[str], exclude: list[str]) -> list[Job]:
    jobs, _ = find_jobs(root, out, NAMING, include=include, exclude=exclude)
    return jobs


def run(root: RemotePath, out: RemotePath, manifest: Path) -> list[Record]:
    options = Options(HALF_A_MINUTE, "recall")
    scheduler = Scheduler(planned(root, out, include=[], exclude=[]), Manifest(manifest), options)
    records: list[Record] = []
    with suppress(SomeFailed):
        records.extend(scheduler.run(InProcessEngine(options)))
    return records


def test_songs_and_tracks_in_memory(memory: RemotePath, song_wav: Path, tmp_path: Path) -> None:
    for name in ("one.wav", "album/two.wav"):
        put(memory, f"songs/{name}", song_wav.read_bytes())
    songs, tracks, lines = memory / "songs", memory / "tracks", tmp_path / "manifest.jsonl"
    records = run(songs, tracks, lines)
    assert {record.state for record in records} == {"done"}
    assert set(tracks.files()) == {record.output for record in records} == {"one-0m30s.wav", "album/two-0m30s.wav"}
    with local_input(tracks / "one-0m30s.wav") as one, local_input(tracks / "album/two-0m30s.wav") as two:
        assert one.read_bytes() == two.read_bytes()
        assert one.stat().st_size == records[0].output_bytes
    assert sorted(run(songs, tracks, lines), key=str) == sorted(records, key=str)  # all are kept
    assert len(lines.read_text().splitlines()) == 4
    put(memory, "songs/one.wav", song_wav.read_bytes()[:-4000])  # the file declares more than it holds
    [first, second] = sorted(run(songs, tracks, lines), key=lambda record: record.output)
    assert (first.state, second.state) == ("done", "failed")
    assert f"{songs}/one.wav" in second.error


def test_a_file_at_a_url_that_no_batch_made_is_left_alone(memory: RemotePath, song_wav: Path, tmp_path: Path) -> None:
    put(memory, "songs/one.wav", song_wav.read_bytes())
    put(memory, "tracks/one-0m30s.wav", b"mine")
    [record] = run(memory / "songs", memory / "tracks", tmp_path / "manifest.jsonl")
    assert (record.state, record.exit_status) == ("failed", CannotWrite.exit_code)
    with local_input(memory / "tracks" / "one-0m30s.wav") as found:
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
def test_every_name_is_found(here: list[str], below: list[str]) -> None:
    folder = RemotePath(f"memory://{uuid4().hex}")
    names = {*here, *(f"below/{name}" for name in below)}
    for name in names:
        put(folder, name, name.encode())
    jobs = planned(folder, folder / "tracks", include=["*"], exclude=[])
    assert {job.input for job in jobs} == names
    for job in jobs:
        with local_input(job.source) as file:
            assert file.read_text() == job.input


@pytest.mark.parametrize("name", ["../x.mp3", "/x.mp3", "a//x.mp3", "a/../../x.mp3", "./x.mp3"])
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = RemotePath("memory://bucket")
    found = {which: bucket / which for which in (name, "good.mp3")}
    monkeypatch.setattr(RemotePath, "files", lambda folder: found)
    with pytest.raises(UsageError, match="leads out of its folder"):
        planned(bucket, tmp_path, include=[], exclude=[])
    assert [job.input for job in planned(bucket, tmp_path, include=[], exclude=["x.mp3"])] == ["good.mp3"]


def test_jobs_are_the_same_as_in_a_local_folder(memory: RemotePath, tmp_path: Path) -> None:
    for name in ("a.mp3", "b.txt", "demos/a.mp3", "demos/old/c.flac", "tracks/a-3m00s.mp3"):
        put(memory, name, b"")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for include, exclude in ([], []), (["*.mp3"], []), ([], ["demos/*"]), ([], ["old"]), (["*.txt"], ["*.mp3"]):
        there = planned(memory, memory / "tracks", include=include, exclude=exclude)
        here = planned(tmp_path, tmp_path / "tracks", include=include, exclude=exclude)
        assert [(job.input, job.output) for job in there] == [(job.input, job.output) for job in here]
    with pytest.raises(UsageError, match="holds the songs"):
        planned(memory, memory, include=[], exclude=[])
    with pytest.raises(UnreadableAudio, match="no songs"):
        planned(memory / "nothing", memory / "tracks", include=[], exclude=[])


def test_a_track_appears_when_it_is_complete(memory: RemotePath) -> None:
    with suppress(RuntimeError), local_output(memory / "track") as path:
        path.write_bytes(b"half of")
        raise RuntimeError
    assert not (memory / "track").exists()
    with local_output(memory / "track") as path:
        path.write_bytes(b"all of it")
    assert (memory / "track").stat().st_size == 9


def test_a_file_url_is_a_path() -> None:
    assert parse_location("file:///music/a%20b") == Path("/music/a b")
    assert parse_location("songs/s3") == Path("songs/s3")


@pytest.mark.parametrize(
    ("songs", "tracks", "error", "text"),
    [
        ("nowhere://songs", "tracks", UsageError, "nowhere"),
        ("gs://songs", "tracks", MissingDependency, "gcsfs"),
        ("songs", "memory://tracks", UsageError, "its own memory"),
        ("s3://songs", "s3://tracks", UsageError, "manifest can't be kept there"),
        ("file://songs", "tracks", UsageError, "from the root"),
        ("", "tracks", UsageError, "empty"),
        ("memory://songs", "tracks", UnreadableAudio, "no songs"),
    ],
)
def test_locations_that_cannot_be_used(songs: str, tracks: str, error: type[ExtrapError], text: str) -> None:
    with pytest.raises(error, match=text):
        Batch(songs, tracks, OPTIONS)


@pytest.mark.slow
def test_a_bucket_that_does_not_exist(s3: str, song_wav: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    with pytest.raises(UnreadableAudio, match="no-such-bucket"):
        Batch("s3://no-such-bucket/songs", "tracks", OPTIONS, manifest=lines)
    with pytest.raises(CannotWrite, match="no-such-bucket"):
        Batch(str(tmp_path), "s3://no-such-bucket/a", OPTIONS, manifest=lines)
    with (
        pytest.raises(CannotWrite, match="no-such-bucket"),
        local_output(RemotePath("s3://no-such-bucket/a")) as path,
    ):
        path.touch()
