"""Failures of all kinds, inflicted on the real command: docs/batch.md has the table."""

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.batch import processes, soak
from tests.batch.processes import EXTRAP, alive, file_of, wait_until, workers
from tests.batch.soak import RATE

pytestmark = pytest.mark.slow
COUNT = 6
TRACKS = {f"s{k}-0m06s.wav" for k in range(COUNT)}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with songs and, made without any fault, their tracks."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "songs").mkdir()
    rng = np.random.default_rng(5)
    for k in range(COUNT):
        soundfile.write(folder / "songs" / f"s{k}.wav", soak.song(rng, 3.0), RATE)
    assert start(folder).wait() == 0
    return folder


@pytest.fixture
def folder(undisturbed: Path, tmp_path: Path) -> Path:
    """A folder with the same songs and no tracks."""
    shutil.copytree(undisturbed / "songs", tmp_path / "songs")
    return tmp_path


def start(
    folder: Path, *options: str, tracks: str = "tracks", memory: int = 0, lines: int | None = None
) -> subprocess.Popen[str]:
    """Run `extrap batch` in a process group of its own, as a shell does.

    With `lines`, it can print so many and no more before `end` reads them, so that it can't be done before that.
    """

    def prepare() -> None:
        os.setpgid(0, 0)
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    command = [EXTRAP, "batch", "songs", tracks, "--minutes", "0:06", "--jobs", "2", *options]
    if lines is None:
        return processes.start(command, cwd=folder, preexec_fn=prepare)
    room = lines * len("tracks/s0-0m06s.wav\n")
    return processes.start_with_narrow_pipe(command, room, cwd=folder, preexec_fn=prepare)


def end(running: subprocess.Popen[str], status: int) -> str:
    """Wait for it, and return what it wrote to stderr."""
    _, errors = running.communicate(timeout=300)
    assert running.returncode == status, errors
    assert "Traceback" not in errors or status == -signal.SIGKILL  # of a worker that was about to start
    return errors


def lines(tracks: Path) -> list[dict[str, str]]:
    """The whole lines of the manifest."""
    path = tracks / "manifest.jsonl"
    text = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def check_whole(folder: Path, undisturbed: Path) -> None:
    """There is nothing but the manifest and tracks, each as it should be, and every one that is done is there."""
    found = {path.name for path in (folder / "tracks").glob("*")} - {"manifest.jsonl"}
    assert found <= TRACKS
    for name in found:
        assert (folder / "tracks" / name).read_bytes() == (undisturbed / "tracks" / name).read_bytes()
    assert {line["output"] for line in lines(folder / "tracks") if line["state"] == "done"} <= found


SIGNALS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 128 + signal.SIGTERM, signal.SIGINT: 130}


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("group", [False, True], ids=["alone", "with its workers"])
def test_stopped_at_any_moment_it_loses_nothing(
    number: signal.Signals, group: bool, folder: Path, undisturbed: Path
) -> None:
    chance = random.Random(number + group)
    after = chance.randrange(1, 2 * COUNT)
    running = start(folder, lines=COUNT - 1)
    wait_until(lambda: len(lines(folder / "tracks")) >= after, running)
    time.sleep(chance.uniform(0, 0.2))
    at_work = workers(running.pid)
    (os.killpg if group else os.kill)(running.pid, number)
    end(running, SIGNALS[number])
    wait_until(lambda: not any(map(alive, at_work)))
    check_whole(folder, undisturbed)
    done = {line["output"]: (folder / "tracks" / line["output"]).stat().st_mtime_ns
            for line in lines(folder / "tracks") if line["state"] == "done"}  # fmt: skip
    assert end(start(folder), 0) == ""
    check_whole(folder, undisturbed)
    assert {path.name for path in (folder / "tracks").iterdir()} == TRACKS | {"manifest.jsonl"}
    for name, time_made in done.items():
        assert (folder / "tracks" / name).stat().st_mtime_ns == time_made


def test_a_worker_that_is_killed_fails_only_its_song(folder: Path, undisturbed: Path) -> None:
    running = kill_worker_at_work(folder)
    errors = end(running, 7)
    assert re.search(r"songs/s\d.wav: the process working on it died \(SIGKILL\)", errors)
    assert f"1 of {COUNT} songs failed" in errors
    check_whole(folder, undisturbed)
    assert end(start(folder), 0) == ""
    check_whole(folder, undisturbed)


def states(folder: Path) -> set[str]:
    return {line["state"] for line in lines(folder / "tracks")}


def kill_worker_at_work(folder: Path) -> subprocess.Popen[str]:
    """Start a batch and kill its worker while that has a song. One that has none is replaced, and nobody notices."""

    def has_song() -> bool:
        return any(b"onnxruntime" in file_of(worker, "maps") for worker in workers(running.pid))

    while True:
        running = start(folder, "--jobs", "1", lines=0)  # a song that is done is its last before `communicate`
        wait_until(has_song, running)
        os.kill(workers(running.pid)[0], signal.SIGKILL)
        wait_until(lambda: {"done", "failed"} & states(folder), running)
        if "failed" in states(folder):
            return running
        running.communicate()
        shutil.rmtree(folder / "tracks")


def test_two_runs_at_once_do_not_harm_each_other(folder: Path, undisturbed: Path) -> None:
    runs = [start(folder) for _ in range(2)]
    assert [end(running, 0) for running in runs] == ["", ""]
    check_whole(folder, undisturbed)
    assert {path.name for path in (folder / "tracks").iterdir()} == TRACKS | {"manifest.jsonl"}


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 256 KB, which two or three tracks fill."""
    tracks = folder / "tracks"
    tracks.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tracks], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield tracks
    subprocess.run(["umount", tracks], check=True)


def remount(path: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", path], check=True)


def test_a_full_disk(small_disk: Path, folder: Path, undisturbed: Path) -> None:
    running = start(folder)
    _, errors = running.communicate(timeout=300)
    assert running.returncode in (6, 7)  # 6 where there was no room for the manifest either
    assert "No space left on device" in errors
    assert "Traceback" not in errors
    check_whole(folder, undisturbed)
    done = [line for line in lines(small_disk) if line["state"] == "done"]
    assert done
    remount(small_disk, "size=4m")
    assert end(start(folder), 0) == ""
    check_whole(folder, undisturbed)
    again = [line for line in lines(small_disk) if line["state"] == "done"]
    assert again[: len(done)] == done
    assert len(again) == COUNT


def test_a_read_only_folder(small_disk: Path, folder: Path) -> None:
    remount(small_disk, "ro")
    errors = end(start(folder), 6)
    assert errors == "extrap: tracks/manifest.jsonl: cannot be written: Read-only file system\n"
    errors = end(start(folder, tracks="tracks/more"), 6)
    assert errors == "extrap: tracks/more: cannot be made: Read-only file system\n"
    assert not any(small_disk.iterdir())


def test_half_a_gigabyte_of_address_space(folder: Path, undisturbed: Path) -> None:
    assert end(start(folder, "--jobs", "1", memory=512 * 2**20), 0) == ""
    check_whole(folder, undisturbed)
