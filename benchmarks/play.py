"""How soon songs are heard, whether they falter, and how fast a listener is obeyed: `play.py SONGS... [--seconds N]`.

Songs are played on the system's audio device, which must take them in real time; a null sink of PulseAudio does. With
`--busy`, so many other processes keep the processor busy meanwhile.
"""

import argparse
import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np

from extrapcli.audio.decode import decode
from extrapcli.extrapolators.base import Style
from extrapcli.model import load
from extrapcli.play.live_track import LiveTrack
from extrapcli.play.session import Session
from extrapcli.play.speakers import BUFFER_SECONDS, open_speakers

EXTRAP = Path(sys.executable).with_name("extrap")
FORMATS = ("mp3", "ogg", "opus", "flac", "wav")
TURN_SECONDS = 10.0
LISTENED = """
import sys, time
from extrapcli.play.speakers import Speakers
write = Speakers.write
def first(*given):
    write(*given)
    print(time.monotonic())
    sys.stdout.flush()
    __import__("os")._exit(0)
Speakers.write = first
from extrapcli.cli import main
main()
"""


def work() -> None:
    """Keep a core busy."""
    values = np.random.default_rng(0).random((300, 300))
    while True:
        product = values @ values
        values = product / product.max()


def first_bytes(song: Path, format: str) -> float:
    """Return how many seconds pass up to the first 32 KiB of a stream of ten hours: header and sound."""
    begin = monotonic()
    command = [str(EXTRAP), "continue", str(song), "--minutes", "600", "-o", "-", "--format", format, "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as extrap:
        assert extrap.stdout
        extrap.stdout.read(2**15)
        seconds = monotonic() - begin
        extrap.kill()
    return seconds


def first_sound(song: Path) -> float:
    """Return how many seconds pass from the command to when the device has the first sound."""
    begin = monotonic()
    done = subprocess.run([sys.executable, "-c", LISTENED, "play", song], capture_output=True, text=True, check=True)
    return float(done.stdout) - begin


def play(path: Path, seconds: float) -> dict[str, float]:
    """Play a song, and turn it every ten seconds."""
    song = decode(path)
    track = LiveTrack(song, lambda: song, load, Style(), None)
    reactions = []
    turns: Iterator[dict[str, Any]] = cycle(
        ({"jumps": True}, {"livelier": -0.25}, {"jumps": True}, {"livelier": 0.25})
    )
    with open_speakers(song) as speakers, closing(Session(track, speakers)) as session:
        session.start()
        begin = turned = monotonic()
        asked: int | None = None
        while monotonic() - begin < seconds and not session.ended.is_set():
            sleep(0.02)
            if monotonic() - turned > TURN_SECONDS:
                turn, turned = next(turns), monotonic()
                asked = track.position if "jumps" in turn else None
                before = track.place.at(track.position)[0] - track.position / song.sample_rate
                track.turn(**turn)
            if asked and abs(track.place.at(track.position)[0] - track.position / song.sample_rate - before) > 0.1:
                reactions.append((track.position - asked) / song.sample_rate)
                asked = None
        if session.error:
            raise session.error
        return {
            "underruns": speakers.underruns,
            "late": track.late,
            "gap": speakers.worst_gap,
            "reaction": float(np.median(reactions)) if reactions else np.nan,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    for song in asked.songs:
        print(f"{song.name}: first sound {np.median([first_sound(song) for _ in range(asked.runs)]):.2f} s")
        for format in FORMATS:
            seconds = np.median([first_bytes(song, format) for _ in range(asked.runs)])
            print(f"{song.name}: first 32 KiB of {format} {seconds:.2f} s")
    workers = [multiprocessing.Process(target=work, daemon=True) for _ in range(asked.busy)]
    for worker in workers:
        worker.start()
    for song in asked.songs:
        found = play(song, asked.seconds)
        print(
            f"{song.name}: {found['underruns']:.0f} underruns, {found['late']:.0f} blocks late, longest gap "
            f"{1000 * found['gap']:.0f} ms of {1000 * BUFFER_SECONDS:.0f}, a jump {found['reaction']:.1f} s after it "
            "was asked for"
        )
    for worker in workers:
        worker.kill()


if __name__ == "__main__":
    main()
