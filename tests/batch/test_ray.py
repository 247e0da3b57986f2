"""The same work on a real Ray cluster on this machine, with two workers, and with some of it killed."""

import json
import shutil
import signal
import subprocess
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import soundfile

from extrapcli.batch.manifest import Record
from extrapcli.batch.worker import Assignment
from extrapcli.errors import MissingDependency, UsageError
from tests.batch.conftest import OPTIONS, jobs_of
from tests.batch.processes import start_with_narrow_pipe, wait_until
from tests.batch.rays import free_port, kill_worker_at_work, linux_only, workers
from tests.conftest import EXTRAP, chord

pytestmark = pytest.mark.slow
VARIES = ("run", "wall_seconds", "output_mtime_ns", "input_stat")
NAMES = ["a.wav", "b b.ogg", "album/c#1.wav", "album/é.flac"]
TRACKS = ["a-0m20s.wav", "b b-0m20s.ogg", "album/c#1-0m20s.wav", "album/é-0m20s.flac"]


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four songs in two folders."""
    folder = tmp_path_factory.mktemp("songs")
    (folder / "album").mkdir()
    for number, name in enumerate(NAMES):
        soundfile.write(folder / name, chord(4 + number, 22050, 2), 22050)
    return folder


@pytest.fixture(scope="module")
def local(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracks that processes of this machine make of them."""
    tracks = tmp_path_factory.mktemp("made")
    batch(songs, tracks)
    return tracks


def batch(*args: str | Path, status: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(*args), capture_output=True, text=True, timeout=600, cwd=cwd)
    assert done.returncode == status, done.stderr
    return done


def command(*args: str | Path) -> list[str]:
    length = () if {"--add", "--minutes"} & {*args} else ("--minutes", "0:20")
    return [str(EXTRAP), "batch", *map(str, args), *length]


def tracks_of(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.jsonl"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def lines_of(manifest: Path) -> list[dict[str, Any]]:
    text = manifest.read_text()
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def constant(manifest: Path) -> list[str]:
    """The lines without what no two runs have in common, sorted."""
    lines = lines_of(manifest)
    return sorted(json.dumps({key: value for key, value in line.items() if key not in VARIES}) for line in lines)


def test_it_makes_what_local_workers_make(cluster: str, songs: Path, local: Path, tmp_path: Path) -> None:
    """With a model that no worker has: its files are sent; nothing is looked up by name or path where they are."""
    mine = tmp_path / "models" / "mine"
    mine.mkdir(parents=True)
    for file in (Path(__file__).parents[2] / "models" / "recall").glob("model.*"):
        shutil.copy(file, mine)
    shutil.copytree(songs, tmp_path / "songs")
    (tmp_path / "songs" / "broken.mp3").write_text("no song")
    ray = ("--engine", "ray", "--address", cluster, "--model", "models/mine")
    ran = batch("songs", "tracks", *ray, status=7, cwd=tmp_path)
    assert "broken.mp3" in ran.stderr
    manifest = tmp_path / "tracks" / "manifest.jsonl"
    assert [line["state"] for line in lines_of(manifest) if line["input"] == "broken.mp3"] == ["started", "failed"]
    assert tracks_of(tmp_path / "tracks") == tracks_of(local)
    assert [line for line in constant(manifest) if "broken" not in line] == constant(local / "manifest.jsonl")


def test_from_bucket_to_bucket(cluster: str, s3: str, songs: Path, local: Path, tmp_path: Path) -> None:
    import s3fs

    store = s3fs.S3FileSystem()
    for path in songs.rglob("*.*"):
        store.put_file(str(path), f"{s3}/songs/{path.relative_to(songs).as_posix()}")
    manifest = tmp_path / "manifest.jsonl"
    here = (f"{s3}/songs", f"{s3}/songs/tracks", "--manifest", manifest)
    ray = (*here, "--engine", "ray", "--address", cluster, "--jobs", "1")
    ran = batch(*ray)
    assert sorted(ran.stdout.splitlines()) == sorted(f"{s3}/songs/tracks/{track}" for track in TRACKS)
    store.get(f"{s3}/songs/tracks/", str(tmp_path / "tracks"), recursive=True)
    assert tracks_of(tmp_path / "tracks") == tracks_of(local)
    assert constant(manifest) == constant(local / "manifest.jsonl")
    before = manifest.read_bytes()
    for command in (ray, here):
        assert sorted(batch(*command).stdout.splitlines()) == sorted(ran.stdout.splitlines())
        assert manifest.read_bytes() == before


@linux_only
def test_a_worker_that_is_killed_fails_only_its_song(cluster: str, songs: Path, local: Path, tmp_path: Path) -> None:
    args = command(songs, tmp_path, "--engine", "ray", "--address", cluster, "--retry", "1")
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        kill_worker_at_work()
        output, errors = running.communicate(timeout=600)
    assert running.returncode == 0, errors
    assert tracks_of(tmp_path) == tracks_of(local)
    assert len(output.splitlines()) == len(NAMES)
    lines = lines_of(tmp_path / "manifest.jsonl")
    [failed] = [line for line in lines if line["state"] == "failed"]
    assert "the worker that had it died" in failed["error"]
    assert sum(line["state"] == "done" for line in lines) == len(NAMES)


@linux_only
def test_a_stopped_run_can_be_continued(cluster: str, songs: Path, local: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    args = command(songs, tmp_path, "--engine", "ray", "--address", cluster, "--jobs", "1")
    line = max(len(f"{tmp_path / track}\n".encode()) for track in TRACKS)
    for number, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        more = len(outputs(manifest)) + 1
        running = start_with_narrow_pipe(args, more * line)  # it can make one more track, and not be done
        wait_until(partial(has_outputs, manifest, more), running)
        running.send_signal(number)
        running.communicate(timeout=120)
        assert running.returncode == status
        wait_until(lambda: not workers())
        assert tracks_of(tmp_path).items() <= tracks_of(local).items()  # nothing is half a track
    batch(*args[2:])
    assert tracks_of(tmp_path) == tracks_of(local)
    assert sorted(outputs(manifest)) == sorted(TRACKS)  # none was recorded twice


def outputs(manifest: Path) -> list[str]:
    lines = lines_of(manifest) if manifest.exists() else []
    return [line["output"] for line in lines if line["state"] == "done"]


def has_outputs(manifest: Path, count: int) -> bool:
    return len(outputs(manifest)) >= count


def test_a_song_that_takes_too_long(cluster: str, songs: Path, tmp_path: Path) -> None:
    args = (songs, tmp_path, "--include", "a.wav", "--engine", "ray", "--address", cluster, "--jobs", "1")
    ran = batch(*args, "--timeout", "0.01", "--add", "600", "--format", "flac", status=7)
    assert "took more than 0.01 minutes; give it more with --timeout MINUTES" in ran.stderr
    assert not tracks_of(tmp_path)


def test_an_address_without_a_cluster() -> None:
    from extrapcli.batch.cluster import RayEngine

    with pytest.raises(UsageError, match="ray start --head"):
        RayEngine(OPTIONS, None, address=f"127.0.0.1:{free_port()}")


def test_workers_of_another_version_end_the_batch(
    cluster: str, songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from extrapcli.batch import cluster as ray_engine

    monkeypatch.setattr(ray_engine, "version", lambda package: "99.0")
    job = jobs_of(songs, tmp_path)[0]
    assignment = Assignment(job, Record("started", job.input, job.output, "run"), (), interrupted=False)
    with (
        closing(ray_engine.RayEngine(OPTIONS, 1, address=cluster)) as engine,
        pytest.raises(MissingDependency, match="99"),
    ):
        engine.submit(assignment)
