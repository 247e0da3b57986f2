"""Runs `extrap batch` on thousands of short songs, some of them broken, and watches its memory.

python -m tests.batch.soak FOLDER --songs 2000 --broken-every 100
"""

import argparse
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.batch.processes import EXTRAP, resident, workers

RATE = 8000
LENGTH = "0:08"
SAMPLE_SECONDS = 0.5

Sound = NDArray[np.float64]


def song(rng: np.random.Generator, seconds: float) -> Sound:
    """Make plucked notes of a scale over a little noise, `(n,)`."""
    t = np.arange(round(seconds * RATE)) / RATE
    notes = 110 * 2 ** (rng.choice([0, 2, 4, 7, 9, 12, 14, 16], int(seconds * 4) + 1) / 12)
    tone = np.sin(2 * np.pi * notes[(t * 4).astype(int)] * t) * np.exp(-6 * (t % 0.25))
    sound: Sound = 0.4 * tone + 0.01 * rng.standard_normal(len(t))
    return sound


def _cut(path: Path, sound: Sound) -> None:
    soundfile.write(path, sound, RATE)
    os.truncate(path, path.stat().st_size // 2)


def _no_numbers(path: Path, sound: Sound) -> None:
    sound[100] = np.nan
    soundfile.write(path, sound, RATE, subtype="FLOAT")


BROKEN: dict[str, Callable[[Path, Sound], object]] = {
    "an empty file": lambda path, sound: path.write_bytes(b""),
    "not audio": lambda path, sound: path.write_text("no music\n" * 99),
    "cut off": _cut,
    "silent": lambda path, sound: soundfile.write(path, 0 * sound, RATE),
    "are infinite or NaN": _no_numbers,
    "0.20 s of music": lambda path, sound: soundfile.write(path, sound[: RATE // 5], RATE),
    "already": lambda path, sound: soundfile.write(path, np.tile(sound, 5), RATE),
    "No such file": lambda path, sound: path.symlink_to("gone.wav"),
    "symbolic links": lambda path, sound: path.symlink_to(path.name),
    "not a regular file": lambda path, sound: os.mkfifo(path),
}
"""Part of an error of the batch, and how to make a song that has it."""


def write_songs(folder: Path, count: int, broken_every: int) -> dict[str, str]:
    """Write songs of 2 to 6 s in folders of a hundred; return the broken ones and their errors."""
    rng = np.random.default_rng(count)
    kinds = list(BROKEN)
    broken = {}
    for k in range(count):
        path = folder / f"{k // 100:02d}" / f"song {k:04d}.{('wav', 'flac', 'ogg')[k % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = song(rng, rng.uniform(2, 6))
        if k % broken_every == broken_every // 2:
            kind = kinds[k // broken_every % len(kinds)]
            path = path.with_suffix(".wav")
            BROKEN[kind](path, sound)
            broken[path.relative_to(folder).as_posix()] = kind
        else:
            soundfile.write(path, sound, RATE)
    return broken


@dataclass(frozen=True)
class Soaked:
    """The exit status, the last line of each song in the manifest, stderr, the seconds it took, and rows of seconds,
    memory of the command and memory of its largest worker, in MB."""

    status: int
    records: dict[str, dict[str, object]]
    stderr: str
    seconds: float
    memory: list[tuple[float, float, float]]


def soak(songs: Path, tracks: Path, jobs: int) -> Soaked:
    start = time.monotonic()
    command = [EXTRAP, "batch", str(songs), str(tracks), "--minutes", LENGTH, "--jobs", str(jobs), "-q"]
    with (tracks.parent / "stderr").open("w+") as stderr:
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr)
        memory = []
        while running.poll() is None:
            time.sleep(SAMPLE_SECONDS)
            largest = max(map(resident, workers(running.pid)), default=0.0)
            memory.append((time.monotonic() - start, resident(running.pid), largest))
        stderr.seek(0)
        errors = stderr.read()
    lines = map(json.loads, (tracks / "manifest.jsonl").read_text().splitlines())
    records = {line["input"]: line for line in lines}
    return Soaked(running.returncode, records, errors, time.monotonic() - start, memory)


def check(soaked: Soaked, songs: Path, count: int, broken: dict[str, str]) -> None:
    """Check that every good song has its track, and every broken one its error."""
    assert soaked.status == (7 if broken else 0), soaked.stderr[-2000:]
    states = Counter(line["state"] for line in soaked.records.values())
    assert states == Counter(done=count - len(broken), failed=len(broken)), states
    for name, kind in broken.items():
        errors = [line for line in soaked.stderr.splitlines() if str(songs / name) in line]
        assert len(errors) == 1, (name, errors)
        assert kind in errors[0], errors
        assert kind in str(soaked.records[name]["error"])
        assert name in soaked.stderr.splitlines()[-1]
    for line in soaked.records.values():
        assert line["state"] == "failed" or line["output_seconds"] == 8.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="an empty folder, or a new one")
    parser.add_argument("--songs", type=int, default=2000)
    parser.add_argument("--broken-every", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    songs, tracks = args.folder / "songs", args.folder / "tracks"
    broken = write_songs(songs, args.songs, args.broken_every)
    soaked = soak(songs, tracks, args.jobs)
    check(soaked, songs, args.songs, broken)
    print(f"{args.songs} songs in {soaked.seconds:.0f} s, {len(broken)} of them broken, each named")
    print("seconds  command MB  largest worker MB")
    for seconds, command, worker in soaked.memory[:: max(1, len(soaked.memory) // 20)]:
        print(f"{seconds:7.0f}  {command:10.0f}  {worker:17.0f}")
    quarter = len(soaked.memory) // 4
    for column, name in ((1, "command"), (2, "worker")):
        early, late = (median(row[column] for row in part) for part in (soaked.memory[quarter : 2 * quarter],
                                                                        soaked.memory[-quarter:]))  # fmt: skip
        print(f"{name}: {early:.0f} MB in the second quarter, {late:.0f} MB in the last")
        assert late < 1.1 * early + 10, f"the memory of the {name} grows"


if __name__ == "__main__":
    main()
