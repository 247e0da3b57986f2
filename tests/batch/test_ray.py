"""The same work on a real Ray cluster of this machine, with three workers, and with some of it killed."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import soundfile

from extrapcli.continuation import Length
from extrapcli.errors import MissingDependency
from extrapcli.pipeline import Options
from tests.batch.rays import free_port, kill, linux_only, wait_for_worker, workers
from tests.conftest import EXTRAP, chord

MINUTES = "2"
VARIES = ("run", "took", "modified", "input_stamp")


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six songs in two folders."""
    folder = tmp_path_factory.mktemp("songs")
    (folder / "album").mkdir()
    for number, name in enumerate(["a.wav", "b.flac", "c c.ogg", "album/d#1.wav", "album/é.flac", "album/f.wav"]):
        soundfile.write(folder / name, chord(8 + number, 22050, 2), 22050)
    return folder


@pytest.fixture(scope="module")
def made(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What processes of this machine make of them."""
    tracks = tmp_path_factory.mktemp("made")
    batch(songs, tracks)
    return tracks


def batch(*args: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(*args), capture_output=True, text=True, timeout=600)
    assert done.returncode == status, done.stderr
    return done


def command(*args: str | Path) -> list[str]:
    return [str(EXTRAP), "batch", *map(str, args), *(() if "--add" in args else ("--minutes", MINUTES))]


def tracks_of(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.jsonl"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def lines_of(manifest: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in manifest.read_text().splitlines()]


def told(manifest: Path) -> list[str]:
    """The lines without what no two runs have in common, in an order of their own."""
    lines = lines_of(manifest)
    return sorted(json.dumps({key: value for key, value in line.items() if key not in VARIES}) for line in lines)


def test_it_makes_what_processes_make(cluster: str, songs: Path, made: Path, tmp_path: Path) -> None:
    (songs / "broken.mp3").write_text("no song")
    try:
        batch(songs, tmp_path / "local", "--include", "[ab]*", status=7)
        ran = batch(songs, tmp_path / "ray", "--include", "[ab]*", "--engine", "ray", "--address", cluster, status=7)
    finally:
        (songs / "broken.mp3").unlink()
    assert "broken.mp3" in ran.stderr
    assert tracks_of(tmp_path / "ray") == tracks_of(tmp_path / "local") != {}
    assert told(tmp_path / "ray" / "manifest.jsonl") == told(tmp_path / "local" / "manifest.jsonl")


def test_from_bucket_to_bucket(cluster: str, s3: str, songs: Path, made: Path, tmp_path: Path) -> None:
    import s3fs

    store = s3fs.S3FileSystem()
    for path in songs.rglob("*.*"):
        store.put_file(str(path), f"{s3}/songs/{path.relative_to(songs).as_posix()}")
    manifest = tmp_path / "manifest.jsonl"
    there = (f"{s3}/songs", f"{s3}/songs/tracks", "--manifest", manifest, "--engine", "ray", "--address", cluster)
    ran = batch(*there)
    assert len(ran.stdout.splitlines()) == 6
    store.get(f"{s3}/songs/tracks/", str(tmp_path / "tracks"), recursive=True)
    assert tracks_of(tmp_path / "tracks") == tracks_of(made)
    assert told(manifest) == told(made / "manifest.jsonl")
    before = manifest.read_bytes()
    assert batch(*there).stdout.splitlines() == sorted(ran.stdout.splitlines())
    assert batch(*there[:4]).stdout.splitlines() == sorted(ran.stdout.splitlines())
    assert manifest.read_bytes() == before


@linux_only
def test_a_worker_that_is_killed_takes_nothing_with_it(cluster: str, songs: Path, made: Path, tmp_path: Path) -> None:
    args = command(songs, tmp_path, "--engine", "ray", "--address", cluster, "--retry", "1")
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        kill(wait_for_worker("do"))
        output, errors = running.communicate(timeout=600)
    assert running.returncode == 0, errors
    assert tracks_of(tmp_path) == tracks_of(made)
    assert len(output.splitlines()) == 6
    lines = lines_of(tmp_path / "manifest.jsonl")
    [failed] = [line for line in lines if line["state"] == "failed"]
    assert "worker at work on it died" in failed["error"]
    assert sum(line["state"] == "done" for line in lines) == 6


@linux_only
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_is_gone_on_with(
    how: signal.Signals, cluster: str, songs: Path, made: Path, tmp_path: Path
) -> None:
    args = command(songs, tmp_path, "--engine", "ray", "--address", cluster)
    with subprocess.Popen(
        args,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell in the background ignores it
    ) as running:
        assert running.stdout
        first = running.stdout.readline().strip()
        running.send_signal(how)
        running.communicate(timeout=120)
    assert running.returncode == {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130}[how]
    for _ in range(600):
        if not workers():
            break
        time.sleep(0.1)
    assert not workers()
    assert all(made / name in made.rglob("*") for name in tracks_of(tmp_path))  # nothing that is half a track
    batch(songs, tmp_path, "--engine", "ray", "--address", cluster)
    assert tracks_of(tmp_path) == tracks_of(made)
    done = [line["output"] for line in lines_of(tmp_path / "manifest.jsonl") if line["state"] == "done"]
    assert done.count(Path(first).relative_to(tmp_path).as_posix()) == 1


def test_a_model_that_no_worker_has(cluster: str, songs: Path, tmp_path: Path) -> None:
    """Its bytes travel; nothing is looked for by name or path where the workers are."""
    (tmp_path / "models" / "mine").mkdir(parents=True)
    shutil.copy(Path(__file__).parents[2] / "models" / "recall" / "model.onnx", tmp_path / "models" / "mine")
    lines = tmp_path / "manifest.jsonl"
    mine = ("--model", "models/mine", "--engine", "ray", "--address", cluster, "--manifest", lines)
    done = subprocess.run(
        command("songs", "tracks", "--include", "a.wav", *mine),
        cwd=shutil.copytree(songs, tmp_path / "songs").parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert [line["options"]["model"].keys() for line in lines_of(lines)] == [{"model.onnx"}] * 2


def test_a_song_that_takes_too_long(cluster: str, songs: Path, tmp_path: Path) -> None:
    args = (songs, tmp_path, "--include", "a.wav", "--engine", "ray", "--address", cluster, "--timeout", "0.01")
    ran = batch(*args, "--add", "600", "--format", "flac", status=7)
    assert "took more than 0.01 minutes" in ran.stderr
    assert not tracks_of(tmp_path)


def test_an_address_without_a_cluster(songs: Path, tmp_path: Path) -> None:
    address = ("--address", f"127.0.0.1:{free_port()}")
    assert "--engine ray" in batch(songs, tmp_path, *address, status=2).stderr
    assert "ray start --head" in batch(songs, tmp_path, "--engine", "ray", *address, status=2).stderr


def test_workers_of_another_version_end_the_batch(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from extrapcli.batch import cluster as ray_engine

    monkeypatch.setattr(ray_engine, "version", lambda package: "99.0")
    options = Options(Length(minutes=1), "recall")
    with (
        ray_engine.RayEngine(options, 1, address=cluster) as engine,
        pytest.raises(MissingDependency, match="99"),
    ):
        assert engine.free
