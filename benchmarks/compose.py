"""How good `compose` can sound when its plan is right: `compose.py CORPUS [--songs 48]`.

Clips of half a minute are continued to 90 seconds. What to play is known: it is what really follows, and each slot of
it is replaced by slots of the clip's three bands. Prints a Markdown table of the figures of the set, with 95 %
intervals where they were drawn from the songs, and of the real future beside it.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from benchmark_songs import Excerpt, clip, excerpts
from numpy.typing import NDArray

from extrapcli.analysis import RATE
from extrapcli.analysis.beats import find_beats
from extrapcli.audio import loudness
from extrapcli.evaluation import copying
from extrapcli.evaluation.bootstrap import interval
from extrapcli.evaluation.discriminator import Discriminator, WindowScores, told_apart
from extrapcli.evaluation.join_audibility import PER_SECOND, flux
from extrapcli.evaluation.reference import mono
from extrapcli.evaluation.sets import kad, set_distance
from extrapcli.evaluation.tagger import Tagger
from extrapcli.extrapolators.compose.bands import NAMES, Bands
from extrapcli.extrapolators.compose.pieces import Layer, mixed
from extrapcli.extrapolators.compose.selection import choose
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import Spectra
from extrapcli.extrapolators.compose.units import PARTS, PER_SLOT, Units

MOST_SLOTS = 8  # from one place
MOST_GAIN = 2.0  # decibels
OUTLIER_PERCENTILE = 99


@dataclass(frozen=True)
class Figures:
    """What is measured of a continuation; `scores` and `embeddings` are for figures of the set."""

    scores: WindowScores
    embeddings: NDArray[np.floating]
    outliers: float  # of flux, times the song's share
    level: float  # against the song, LU
    copied: float
    copied_layers: tuple[float, float]


def realised(excerpt: Excerpt) -> NDArray[np.float32]:
    """Play what really follows with the slots of the head."""
    rate, head = excerpt.sample_rate, excerpt.head
    true = mono(excerpt.true, rate)
    known = true[: round(excerpt.seconds * RATE)]
    song = Spectra.of(known)
    units = Units.of(Slots.of(find_beats(known), 0.0, excerpt.seconds), song, excerpt.seconds)
    ahead = Slots.of(find_beats(true), 0.0, len(excerpt.true) / rate)
    first = int(np.searchsorted(ahead.edges, excerpt.seconds, "right")) - 1
    begins, ends = ahead.edges[first:-1], ahead.edges[first + 1 :]
    planned = Spectra.of(true, song.floor).between(begins, ends, PARTS)
    bands = Bands(head, rate)
    layers = []
    for band in range(len(NAMES)):
        way = choose(units.targets(planned, band), units.joins(band), follows=PER_SLOT, most=MOST_SLOTS)
        gains = units.gains(planned, way, band, MOST_GAIN)
        layer = Layer(bands, band, rate)
        starts = np.flatnonzero(np.diff(way, prepend=-1) != PER_SLOT)
        for start, stop in zip(starts, np.append(starts[1:], len(way)), strict=True):
            line = round(begins[start] * rate)
            at = max(line, len(head))
            source = round(units.begins[way[start]] * rate) + at - line
            layer.add(at, source, 10 ** (float(gains[start:stop].mean()) / 20))
        layers.append(layer)
    begin, end = min(layer.pieces[1].begin for layer in layers), len(excerpt.true)
    made = [mixed(layers, at, min(at + rate, end)) for at in range(begin, end, rate)]
    return np.concatenate([head[:begin], *made])


def measure(excerpt: Excerpt, track: NDArray[np.float32]) -> Figures:
    rate, begin = excerpt.sample_rate, round(excerpt.seconds * RATE)
    sound, true = mono(track, rate), mono(excerpt.true, rate)
    song, made = true[:begin], sound[begin:]
    curve = flux(sound, RATE, level=float(song.std()))
    own = round(excerpt.seconds * PER_SECOND)
    limit = np.percentile(curve[:own], OUTLIER_PERCENTILE)
    loud = [
        loudness.integrated(loudness.momentary(part, rate)) for part in (track[len(excerpt.head) :], excerpt.head)
    ]
    layers = zip(copying.layers(song), copying.layers(made), strict=True)
    harmonic, percussive = (copying.copies(one, other).share for one, other in layers)
    return Figures(
        Discriminator(threads=1).score(sound, excerpt.seconds, excerpt.seconds),
        Tagger(threads=1).tag(made, RATE).embeddings,
        float((curve[own:] > limit).mean() / (1 - OUTLIER_PERCENTILE / 100)),
        loud[0] - loud[1],
        copying.copies(song, made).share,
        (harmonic, percussive),
    )


def figures(excerpt: Excerpt) -> tuple[Figures, Figures]:
    """Measure what `compose` makes of a clip, and the real future."""
    return measure(excerpt, realised(excerpt)), measure(excerpt, excerpt.true)


def row(name: str, made: list[Figures], true: list[Figures]) -> str:
    """Write a row of the table."""
    places = told_apart([one.scores for one in made], [one.scores for one in true])

    def auc(place: str) -> str:
        def of(drawn: NDArray[np.int_]) -> float:
            return told_apart([made[k].scores for k in drawn], [true[k].scores for k in drawn])[place]

        low, high = interval(of, len(made), draws=200)
        return f"{places[place]:.2f} ({low:.2f} to {high:.2f})"

    ours, theirs = ([one.embeddings for one in tracks] for tracks in (made, true))
    if made is true:  # the first half of each against the second halves
        ours, theirs = [one[: len(one) // 2] for one in ours], [one[len(one) // 2 :] for one in theirs]
    far = set_distance(ours, theirs, kad)
    cells = [
        *(auc(place) for place in places),
        f"{far.value:.2f} ({far.low:.2f} to {far.high:.2f})",
        f"{np.mean([one.outliers for one in made]):.2f}",
        f"{np.mean([one.level for one in made]):+.2f}",
        f"{np.nanmean([one.copied for one in made]):.2f}",
        *(f"{share:.2f}" for share in np.nanmean([one.copied_layers for one in made], axis=0)),
    ]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", nargs="+", default=["validation", "extra"], help="the second fills up the first")
    parser.add_argument("--songs", type=int, default=48)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder, ProcessPoolExecutor(2) as pool:
        songs = excerpts(asked.corpus, asked.split, asked.songs, clip, Path(folder))
        measured = list(pool.map(figures, songs))
    made, true = ([pair[side] for pair in measured] for side in (0, 1))
    columns = [
        "", "AUC at the first join", "AUC at the worst place", "AUC anywhere", "KAD x100", "flux outliers",
        "level, LU", "copied", "copied, harmonic", "copied, percussive",
    ]  # fmt: skip
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    print(row("the real future, with the clip's own slots", made, true))
    print(row("the real future", true, true))
    print(f"\n{len(made)} clips")


if __name__ == "__main__":
    main()
