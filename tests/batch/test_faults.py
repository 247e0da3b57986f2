"""What can go wrong with a batch, done to the real command: docs/batch.md has the table."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.batch import soak
from tests.batch.soak import EXTRAP, RATE, alive, workers

COUNT = 6
TRACKS = {f"s{k}-0m06s.wav" for k in range(COUNT)}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with songs and, done without any fault, their tracks."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "songs").mkdir()
    rng = np.random.default_rng(5)
    for k in range(COUNT):
        soundfile.write(folder / "songs" / f"s{k}.wav", soak.song(rng, 3.0), RATE)
    assert begin(folder).wait() == 0
    return folder


@pytest.fixture
def folder(undisturbed: Path, tmp_path: Path) -> Path:
    """A folder with the same songs and no tracks."""
    shutil.copytree(undisturbed / "songs", tmp_path / "songs")
    return tmp_path


def begin(folder: Path, *options: str, tracks: str = "tracks", memory: int = 0) -> subprocess.Popen[str]:
    """`extrap batch` in a process group of its own, as a shell begins it."""

    def prepare() -> None:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell in the background ignores it
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    command = [EXTRAP, "batch", "songs", tracks, "--minutes", "0:06", "--jobs", "2", *options]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=prepare
    )


def end(running: subprocess.Popen[str], status: int) -> str:
    """Wait for it, and give what it said on stderr."""
    _, told = running.communicate(timeout=300)
    assert running.returncode == status, told
    assert "Traceback" not in told or status == -signal.SIGKILL  # a worker that was about to begin
    return told


def lines(tracks: Path) -> list[dict[str, str]]:
    """The whole lines of the manifest."""
    path = tracks / "manifest.jsonl"
    text = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def wait_until(met: Callable[[], object], running: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + 200
    while not met() and (running is None or running.poll() is None):
        assert time.monotonic() < deadline
        time.sleep(0.005)


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
def test_ended_at_any_moment_it_loses_nothing(
    number: signal.Signals, group: bool, folder: Path, undisturbed: Path
) -> None:
    chance = random.Random(number + group)
    after = chance.randrange(1, 2 * COUNT)
    running = begin(folder)
    wait_until(lambda: len(lines(folder / "tracks")) >= after, running)
    time.sleep(chance.uniform(0, 0.2))
    at_work = workers(running.pid)
    (os.killpg if group else os.kill)(running.pid, number)
    end(running, SIGNALS[number])
    wait_until(lambda: not any(map(alive, at_work)))
    check_whole(folder, undisturbed)
    done = {line["output"]: (folder / "tracks" / line["output"]).stat().st_mtime_ns
            for line in lines(folder / "tracks") if line["state"] == "done"}  # fmt: skip
    assert end(begin(folder), 0) == ""
    check_whole(folder, undisturbed)
    assert {path.name for path in (folder / "tracks").iterdir()} == TRACKS | {"manifest.jsonl"}
    for name, time_made in done.items():
        assert (folder / "tracks" / name).stat().st_mtime_ns == time_made


def test_a_worker_that_is_killed_takes_its_song_with_it_alone(folder: Path, undisturbed: Path) -> None:
    running = begin(folder, "--jobs", "1")
    wait_until(lambda: workers(running.pid), running)
    [worker] = workers(running.pid)
    os.kill(worker, signal.SIGSTOP)  # so that it has its song, and has not done it
    wait_until(lambda: lines(folder / "tracks"), running)
    time.sleep(0.5)
    os.kill(worker, signal.SIGKILL)
    told = end(running, 7)
    assert "songs/s0.wav: the process at work on it died (SIGKILL)" in told
    assert f"1 of {COUNT} songs failed" in told
    check_whole(folder, undisturbed)
    assert end(begin(folder), 0) == ""
    check_whole(folder, undisturbed)


def test_two_runs_at_once_do_not_harm_each_other(folder: Path, undisturbed: Path) -> None:
    runs = [begin(folder) for _ in range(2)]
    assert [end(running, 0) for running in runs] == ["", ""]
    check_whole(folder, undisturbed)
    assert {path.name for path in (folder / "tracks").iterdir()} == TRACKS | {"manifest.jsonl"}


def test_songs_that_vanish_are_named(folder: Path, undisturbed: Path) -> None:
    running = begin(folder, "--jobs", "1")
    wait_until(lambda: lines(folder / "tracks"), running)
    for name in ("s4.wav", "s5.wav"):
        (folder / "songs" / name).unlink()
    told = end(running, 7)
    assert told.count("cannot be read: No such file or directory") == 2
    assert all(f"songs/{name}" in told for name in ("s4.wav", "s5.wav"))
    check_whole(folder, undisturbed)


def test_a_song_that_ends_while_it_is_read_is_named(folder: Path, undisturbed: Path) -> None:
    """It loses its second half between the look at its head and its last sample, or else before both."""
    large = folder / "songs" / "large.wav"
    soundfile.write(large, np.zeros(10), RATE)
    running = begin(folder, "--jobs", "1", "--include", "large.wav", "--include", "s1.wav")
    soundfile.write(large, np.tile(soak.song(np.random.default_rng(1), 5.0), 20), RATE)
    wait_until(lambda: lines(folder / "tracks"), running)
    os.truncate(large, large.stat().st_size // 2)
    told = end(running, 7)
    assert "songs/large.wav: cut off or damaged" in told
    check_whole(folder, undisturbed)


def test_a_folder_of_tracks_that_is_taken_away_ends_it(folder: Path) -> None:
    running = begin(folder)
    wait_until(lambda: any(line["state"] == "done" for line in lines(folder / "tracks")), running)
    (folder / "tracks").rename(folder / "elsewhere")
    told = end(running, 6)
    assert "tracks/manifest.jsonl: cannot be written: No such file or directory" in told
    assert {path.name for path in (folder / "elsewhere").iterdir()} <= TRACKS | {"manifest.jsonl"}


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
    running = begin(folder)
    _, told = running.communicate(timeout=300)
    assert running.returncode in (6, 7)  # 6 where there was no room for the manifest either
    assert "No space left on device" in told
    assert "Traceback" not in told
    check_whole(folder, undisturbed)
    done = [line for line in lines(small_disk) if line["state"] == "done"]
    assert done
    remount(small_disk, "size=4m")
    assert end(begin(folder), 0) == ""
    check_whole(folder, undisturbed)
    again = [line for line in lines(small_disk) if line["state"] == "done"]
    assert again[: len(done)] == done
    assert len(again) == COUNT


def test_a_folder_that_may_not_be_written_to(small_disk: Path, folder: Path) -> None:
    remount(small_disk, "ro")
    told = end(begin(folder), 6)
    assert told == "extrap: tracks/manifest.jsonl: cannot be written: Read-only file system\n"
    told = end(begin(folder, tracks="tracks/more"), 6)
    assert told == "extrap: tracks/more: cannot be made: Read-only file system\n"
    assert not any(small_disk.iterdir())


def test_half_a_gigabyte_of_address_space(folder: Path, undisturbed: Path) -> None:
    assert end(begin(folder, "--jobs", "1", memory=512 * 2**20), 0) == ""
    check_whole(folder, undisturbed)
