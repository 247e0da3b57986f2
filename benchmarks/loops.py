"""Compare the loops of extrap and PyMusicLooper: `loops.py CORPUS RUN [--songs N] [--clip SECONDS]`.

Songs of the validation split, whole or cut to clips of so many seconds from their middle. Each program runs as a
command on its own, and its best loop is repeated: extrap writes it, PyMusicLooper gives two samples between which it
jumps. RUN holds what was measured of each song; nothing is done twice. PyMusicLooper comes from .venv-looper (see
loopers.sh).
"""

import argparse
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from extrapcli.audio.downmix import to_mono
from extrapcli.audio.song import Song
from extrapcli.continuation import Join
from extrapcli.evaluation.bootstrap import mean_interval
from extrapcli.evaluation.join_audibility import Curves, join_percentiles
from extrapcli.evaluation.jumps import measure_jumps
from extrapcli.extrapolators.base import Jump
from extrapcli.training.corpus import Corpus

LOOPER = Path(__file__).parents[1] / ".venv-looper" / "bin" / "pymusiclooper"
EXTRAP = Path(sys.executable).with_name("extrap")
AROUND_SECONDS = 10.0
USABLE = 95.0  # percentile of the song's own moments that the wrap is below, in all three ways
MEASURES = {
    "found": "songs with a loop, %",
    "usable": "songs with a loop whose wrap is below the 95th percentile, %",
    "length": "length of the loop, s",
    "sharpness": "sharpness at the wrap",
    "flux": "spectral flux at the wrap",
    "level": "step of level at the wrap",
    "off_beat": "wraps off the beat, %",
    "off_bar": "wraps at another place in the bar, %",
    "seconds": "time, s",
    "megabytes": "memory, MB",
}

Values = NDArray[np.float64]
Found = dict[str, float | None]


def songs(corpus: Path, count: int, clip: float | None) -> Iterator[Song]:
    """Decode so many songs, in an order that is always the same."""
    files = Corpus.open(corpus).songs("validation")
    random.Random(0).shuffle(files)
    for song in islice((replace(decode(file), name=file.stem) for file in files), count):
        if clip is None or song.seconds <= clip:
            yield song
            continue
        begin, size = (round(seconds * song.sample_rate) for seconds in ((song.seconds - clip) / 2, clip))
        yield replace(song, samples=song.samples[begin : begin + size])


def run(command: list[Any]) -> tuple[str, float, float]:
    """Run a command under GNU time; return what it printed, how long it took, and how many megabytes."""
    begun = perf_counter()
    done = subprocess.run(["/usr/bin/time", "-f", "%M", *command], capture_output=True, text=True)
    return done.stdout, perf_counter() - begun, int(done.stderr.split()[-1]) / 1024


class Wraps:
    """A song that the wraps of its loops are compared with."""

    def __init__(self, song: Song) -> None:
        self.song, self.analysis = song, Analysis(song.as_heard)
        sound = to_mono(song.samples, song.sample_rate)
        self.rms = float(np.sqrt(np.square(sound, dtype=np.float64).mean()))
        self.curves = Curves.of(sound, song.sample_rate, level=self.rms)

    def measure(self, turn: NDArray[np.floating], begin: int, end: int, fade: int) -> Found:
        """Measure the wrap of a loop `(n, channels)`, from sample `end` of the song to `begin`, under a fade."""
        rate = self.song.sample_rate
        around = min(len(turn), round(AROUND_SECONDS * rate))
        track = np.concatenate([turn[-around:], turn[:around]]).astype(np.float32)
        curves = Curves.of(to_mono(track, rate), rate, level=self.rms)
        at = (around - fade) / rate
        ranks = join_percentiles(self.curves, curves, at, fade / rate)
        jump = Jump("all", end / rate, begin / rate, 0, 0, 0)
        metre = measure_jumps([Join(at, fade / rate, jump)], self.analysis.beats, len(track) / rate)
        assert metre
        return {
            "found": 100.0,
            "usable": 100.0 * (max(ranks) < USABLE),
            "length": len(turn) / rate,
            "sharpness": ranks.sharpness,
            "flux": ranks.flux,
            "level": ranks.level,
            "off_beat": None if metre.off_beat is None else 100 * metre.off_beat,
            "off_bar": None if metre.off_bar is None else 100 * metre.off_bar,
        }


def by_extrap(wraps: Wraps, file: Path) -> Found:
    loop = file.with_suffix(".loop.wav")
    printed, seconds, megabytes = run([EXTRAP, "loop", file, "-o", loop, "--overwrite", "--json", "--quiet"])
    made = json.loads(printed)["loop"]
    turn, rate = soundfile.read(loop, always_2d=True)
    loop.unlink()
    found = wraps.measure(turn, made["begin"], made["end"], round(made["fade_seconds"] * rate))
    return found | {"seconds": seconds, "megabytes": megabytes}


def by_pymusiclooper(wraps: Wraps, file: Path) -> Found:
    command = [LOOPER, "export-points", "--path", file, "--export-to", "stdout", "--fmt", "samples"]
    printed, seconds, megabytes = run(command)
    points = re.findall(r"LOOP_(?:START|END): (\d+)", printed)
    found: Found = {"found": 0.0, "usable": 0.0}
    if points:
        begin, end = map(int, points)
        found = wraps.measure(wraps.song.samples[begin:end], begin, end, 0)
    return found | {"seconds": seconds, "megabytes": megabytes}


WAYS = {"extrap": by_extrap, "PyMusicLooper": by_pymusiclooper}


def table(run: Path) -> Iterator[str]:
    """Give the lines of a Markdown table: means over songs and of the paired difference, with 95 % intervals."""
    found = {name: [json.loads(file.read_text()) for file in sorted(run.glob(f"*.{name}.json"))] for name in WAYS}
    count = len(found["extrap"])
    yield f"| {count} songs | {' | '.join(WAYS)} | difference |"
    yield f"|---{'|---' * (len(WAYS) + 1)}|"
    for name, title in MEASURES.items():
        values = [np.array([one.get(name) for one in found[way]], float) for way in WAYS]
        cells = []
        for column in (*values, values[0] - values[1]):
            low, high = mean_interval(column)
            cells.append(f"{np.nanmean(column):.1f} ({low:.1f} to {high:.1f})")
        yield f"| {title} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--songs", type=int, default=50)
    parser.add_argument("--clip", type=float)
    asked = parser.parse_args()
    asked.run.mkdir(parents=True, exist_ok=True)
    for song in songs(asked.corpus, asked.songs, asked.clip):
        wraps = None
        for name, way in WAYS.items():
            result = asked.run / f"{song.name}.{name}.json"
            if result.exists():
                continue
            wraps = wraps or Wraps(song)
            file = asked.run / f"{song.name}.wav"
            soundfile.write(file, song.samples, song.sample_rate, subtype="PCM_16")
            result.write_text(json.dumps(way(wraps, file)))
            file.unlink()
            print(result.name, file=sys.stderr, flush=True)
    print("\n".join(table(asked.run)))


if __name__ == "__main__":
    main()
