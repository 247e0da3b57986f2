"""How good `compose` sounds, beside other models and what really follows: `compose.py CORPUS [--songs 48]`.

Clips of half a minute are continued to 90 seconds; with --whole, songs that stop after two to four minutes are made
twice as long. In a further row the plan is right: each slot of what really follows is replaced by the slots of the
song that are nearest to it, with the costs that `compose` has for joins and repetitions. Prints a Markdown table,
with 95 % intervals where they were drawn from the songs. With --tracks, the tracks are kept, for listen/make.py.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from benchmark_songs import Excerpt, clip, excerpts, whole_song
from numpy.typing import NDArray

import extrapcli
from extrapcli.analysis import RATE
from extrapcli.analysis.beats import find_beats
from extrapcli.audio import loudness
from extrapcli.evaluation import copying
from extrapcli.evaluation.bootstrap import interval
from extrapcli.evaluation.discriminator import Discriminator, WindowScores, told_apart
from extrapcli.evaluation.harmony import chroma, chroma_similarity
from extrapcli.evaluation.join_audibility import PER_SECOND, flux
from extrapcli.evaluation.metre import bar_continuity
from extrapcli.evaluation.reference import mono
from extrapcli.evaluation.self_repetition import self_repetition
from extrapcli.evaluation.sets import kad, set_distance
from extrapcli.evaluation.tagger import Tagger
from extrapcli.extrapolators.compose.bands import NAMES, Bands
from extrapcli.extrapolators.compose.candidates import HALVES, Candidates
from extrapcli.extrapolators.compose.choosing import Chooser, join_costs
from extrapcli.extrapolators.compose.composer import MOST_RUN
from extrapcli.extrapolators.compose.pieces import BEFORE_SECONDS, FADE_SECONDS, Layer, mixed
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import Spectra

MODELS = "compose", "recall", "seq2seq", "study"
NEARNESS, COLD = 6.0, 0.3  # of a plan that is right: what a distance costs, and how the slots are drawn
OUTLIER_PERCENTILE = 99
TRUE = "the real future"

Track = NDArray[np.float32]


@dataclass(frozen=True)
class Figures:
    """What is measured of a continuation; `scores` and `embeddings` are for figures of the set."""

    scores: WindowScores
    embeddings: NDArray[np.floating]
    outliers: float  # of flux, times the song's share
    level: float  # against the song, LU
    copied: float
    copied_layers: tuple[float, float]  # harmonic, percussive
    notes: float  # in common with the song
    off_bar: float  # bars that are broken
    looped: float


def continued(excerpt: Excerpt, model: str) -> Track:
    """Continue a clip by a model."""
    minutes = excerpt.track_seconds / 60
    made = extrapcli.load(model).continue_song(excerpt.head, excerpt.sample_rate, minutes=minutes, ending="cut")
    return made.samples.astype(np.float32)


def foreseen(excerpt: Excerpt) -> Track:
    """Play what really follows with the slots of the head."""
    rate, head, true = excerpt.sample_rate, excerpt.head, mono(excerpt.true, excerpt.sample_rate)
    known = true[: round(excerpt.seconds * RATE)]
    song, slots = Spectra.of(known), Slots.of(find_beats(known), 0.0, excerpt.seconds)
    ahead = Slots.of(find_beats(true), 0.0, len(excerpt.true) / rate).edges
    ahead = ahead[ahead >= excerpt.seconds]
    planned = Spectra.of(true, song.floor).between(ahead[:-1], ahead[1:], HALVES)
    apart = Candidates.of(slots, song).apart(planned)
    choose = Chooser(join_costs(slots, song, excerpt.seconds), played=len(slots), heat=COLD, most=MOST_RUN, seed=0)
    bands = Bands(head, rate)
    layers = [Layer(bands, band) for band in range(len(NAMES))]
    for number, layer in enumerate(layers):
        before = len(slots) - 1
        for at, distances in zip(ahead, apart[number], strict=False):
            slot = choose(number, -NEARNESS * distances)
            if slot != before + 1:
                layer.add(round(float(at) * rate), round(float(slots.edges[slot]) * rate))
            before = slot
    begin, end = int((ahead[0] - BEFORE_SECONDS - max(FADE_SECONDS)) * rate), len(excerpt.true)
    made = [mixed(head, layers, at, min(at + rate, end)) for at in range(begin, end, rate)]
    return np.concatenate([head[:begin], *made])


WAYS: Mapping[str, Callable[[Excerpt], Track]] = {
    **{model: partial(continued, model=model) for model in MODELS},
    "compose, if its plan were right": foreseen,
    TRUE: lambda excerpt: excerpt.true,
}


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
    kept = bar_continuity(find_beats(sound), excerpt.seconds)
    return Figures(
        Discriminator(threads=1).score(sound, excerpt.seconds, excerpt.seconds),
        Tagger(threads=1).tag(made, RATE).embeddings,
        float((curve[own:] > limit).mean() / (1 - OUTLIER_PERCENTILE / 100)),
        loud[0] - loud[1],
        copying.copies(song, made).share,
        (harmonic, percussive),
        chroma_similarity(chroma(song), chroma(made)),
        np.nan if kept is None else 1 - kept,
        self_repetition(sound, excerpt.seconds).looped,
    )


def figures(excerpt: Excerpt, ways: Sequence[str], tracks: Path | None) -> dict[str, Figures]:
    """Measure some ways to go on from a song, and the real future; keep the tracks, unless `tracks` is None."""
    found = {}
    for name in dict.fromkeys([*ways, TRUE]):
        track = WAYS[name](excerpt)
        if tracks:
            keep(excerpt, track, tracks / name)
        found[name] = measure(excerpt, track)
    return found


def keep(excerpt: Excerpt, track: Track, folder: Path) -> None:
    """Write a track into a folder, and beside it where the song ends."""
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / f"{excerpt.name}.flac", np.clip(track, -1, 1), excerpt.sample_rate)
    (folder / f"{excerpt.name}.json").write_text(json.dumps({"head_seconds": excerpt.seconds}))


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
        *(f"{np.nanmean([getattr(one, name) for one in made]):.2f}" for name in ("notes", "off_bar", "looped")),
    ]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", nargs="+", default=["validation", "extra"], help="the second fills up the first")
    parser.add_argument("--songs", type=int, default=48)
    parser.add_argument(
        "--ways", nargs="+", default=list(WAYS), choices=WAYS, help="that are measured; all by default"
    )
    parser.add_argument("--whole", action="store_true", help="whole songs instead of clips of 30 s")
    parser.add_argument("--tracks", type=Path, help="folder for the tracks, one in it for each way")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder, ProcessPoolExecutor(2) as pool:
        choose = whole_song if asked.whole else clip
        songs = excerpts(asked.corpus, asked.split, asked.songs, choose, Path(folder))
        measured = list(pool.map(partial(figures, ways=asked.ways, tracks=asked.tracks), songs))
    columns = [
        "", "AUC at the first join", "AUC at the worst place", "AUC anywhere", "KAD x100", "flux outliers",
        "level, LU", "copied", "copied, harmonic", "copied, percussive", "notes in common", "bars broken",
        "heard as a loop",
    ]  # fmt: skip
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    true = [found[TRUE] for found in measured]
    for name in measured[0]:
        print(row(name, true if name == TRUE else [found[name] for found in measured], true))


if __name__ == "__main__":
    main()
