"""Measure songs that are fitted to other lengths: `fit.py CORPUS RUN [--songs N]`.

Whole songs of the validation split, of one to six minutes, are played at 0.3, 0.5, 0.8, 1.5 and 3 times their length
and, to compare, continued to 1.5 and 3 times. RUN holds what was measured of each track; nothing is done twice.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis, Beats
from extrapcli.analysis.beats import find_beats
from extrapcli.audio.decode import decode
from extrapcli.audio.downmix import to_mono
from extrapcli.audio.song import Song
from extrapcli.continuation import Join
from extrapcli.evaluation.bootstrap import mean_interval
from extrapcli.evaluation.join_audibility import Curves, join_percentiles
from extrapcli.evaluation.jumps import measure_jumps
from extrapcli.evaluation.metre import bar_continuity
from extrapcli.evaluation.reference import mono
from extrapcli.extrapolators.base import Fit, Style
from extrapcli.model import Model, load
from extrapcli.training.corpus import Corpus

LEAST_SECONDS, MOST_SECONDS = 60, 360
SHARES = 0.3, 0.5, 0.8, 1.5, 3.0
CONTINUED = 1.5, 3.0
SILENT = 0.1  # percentiles below which a join lies in silence
MEASURES = {
    "exact": "tracks of exactly the length",
    "beginning": "seconds of the song's beginning, sample for sample",
    "ending": "seconds of its ending, sample for sample",
    "joins": "joins",
    "sharpness": "sharpness of the joins",
    "flux": "flux of the joins",
    "level": "step of level at the joins",
    "stand_out": "joins that stand out from 99 % of the song's beats",
    "off_beat": "joins off the beat",
    "off_bar": "joins off the bar",
    "bars": "bars that keep the metre",
    "bars_lost": "less than in the song",
    "seconds": "time to make it",
}

Sound = NDArray[np.floating]
Values = NDArray[np.float64]


def songs(corpus: Path, count: int) -> Iterator[Song]:
    """Decode so many songs, in an order that is always the same."""
    files = Corpus.open(corpus).songs("validation")
    random.Random(0).shuffle(files)
    decoded = (replace(decode(file), name=file.stem) for file in files)
    return islice((song for song in decoded if LEAST_SECONDS <= song.seconds <= MOST_SECONDS), count)


class Measured:
    """A song that tracks are compared with."""

    def __init__(self, song: Song) -> None:
        self.song, self.analysis = song, Analysis(song.as_heard)
        sound = to_mono(song.samples, song.sample_rate)
        self.rms = float(np.sqrt(np.square(sound, dtype=np.float64).mean()))
        self.curves = Curves.of(sound, song.sample_rate, level=self.rms)

    def measure(self, track: Sound, joins: list[Join], wanted: int, seconds: float) -> dict[str, float | None]:
        song, rate = self.song, self.song.sample_rate
        beats, curves = self.analysis.beats, Curves.of(to_mono(track, rate), rate, level=self.rms)
        heard = [join for join in joins if join.jump and max(join.jump.flux_percentile, join.jump.level_percentile)]
        ranks = [join_percentiles(self.curves, curves, join.seconds, join.fade_seconds) for join in heard]
        jumps = measure_jumps(heard, beats, wanted / rate)
        bars, own = (_percent(bar_continuity(found, 0)) for found in (_beats(track, rate), beats))
        return {
            "exact": 100.0 * (len(track) == wanted),
            "beginning": _same(track, song.samples) / rate,
            "ending": _same(track[::-1], song.samples[::-1]) / rate,
            "joins": len(heard),
            "sharpness": _mean([rank.sharpness for rank in ranks]),
            "flux": _mean([rank.flux for rank in ranks]),
            "level": _mean([rank.level for rank in ranks]),
            "stand_out": _mean([100.0 * bool(join.jump and join.jump.audible) for join in heard]),
            "off_beat": _percent(jumps.off_beat if jumps else None),
            "off_bar": _percent(jumps.off_bar if jumps else None),
            "bars": bars,
            "bars_lost": None if bars is None or own is None else own - bars,
            "seconds": seconds,
        }


def _beats(track: Sound, rate: int) -> Beats:
    return find_beats(mono(track.astype(np.float32), rate))


def _same(one: Sound, other: Sound) -> int:
    """Count the samples up to the first that differs."""
    size = min(len(one), len(other))
    differ = np.flatnonzero((one[:size] != other[:size]).any(axis=1))
    return int(differ[0]) if len(differ) else size


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def made(song: Song, share: float, style: Style, model: Model) -> tuple[Sound, list[Join], int, float]:
    begun, wanted = perf_counter(), round(share * len(song.samples))
    made = model.continuation(song, wanted, style, Analysis(song.as_heard))
    samples = np.concatenate(list(made))
    return samples, made.joins, wanted, perf_counter() - begun


def table(run: Path) -> Iterator[str]:
    """Give the lines of a Markdown table: means over songs, with 95 % intervals."""
    columns = [f"fit-{share:g}" for share in SHARES] + [f"continue-{share:g}" for share in CONTINUED]
    found = {name: [json.loads(file.read_text()) for file in sorted(run.glob(f"*.{name}.json"))] for name in columns}
    yield f"| {len(found[columns[0]])} songs | {' | '.join(columns)} |"
    yield f"|---{'|---' * len(columns)}|"
    for name, title in MEASURES.items():
        cells = []
        for column in columns:
            values = np.array([one[name] for one in found[column]], float)
            low, high = mean_interval(values)
            cells.append(f"{np.nanmean(values):.1f} ({low:.1f} to {high:.1f})")
        yield f"| {title} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--songs", type=int, default=24)
    asked = parser.parse_args()
    asked.run.mkdir(parents=True, exist_ok=True)
    model = load("recall")
    ways = [(f"fit-{share:g}", share, Style(fit=Fit())) for share in SHARES]
    ways += [(f"continue-{share:g}", share, Style()) for share in CONTINUED]
    for song in songs(asked.corpus, asked.songs):
        measured = None
        for name, share, style in ways:
            file = asked.run / f"{song.name}.{name}.json"
            if not file.exists():
                measured = measured or Measured(song)
                file.write_text(json.dumps(measured.measure(*made(song, share, style, model))))
                print(file.name, file=sys.stderr, flush=True)
    print("\n".join(table(asked.run)))


if __name__ == "__main__":
    main()
