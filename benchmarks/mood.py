"""Measure how well tracks follow a wanted mood: `mood.py CORPUS RUN [--songs N] [--ends]`.

Songs of the validation split, of a minute or more, are made two minutes longer: towards a lively end, a calm end, a
lively middle, without change, and unsteered. RUN holds what was measured of each track; nothing is done twice.
With --ends, RUN/ends gets the last half minute of those that end calm or lively, for `listen/make.py --calmer`.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.analysis import RATE, Analysis
from extrapcli.analysis.spectra import MOMENTS_PER_SECOND
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.continuation import Join
from extrapcli.evaluation.bootstrap import interval, mean_interval
from extrapcli.evaluation.following import following, tagged_energy
from extrapcli.evaluation.reference import Reference
from extrapcli.evaluation.tagger import PATCH_FRAMES, Tagger
from extrapcli.extrapolators.base import Style
from extrapcli.model import Model, load
from extrapcli.mood import Arc, Curve
from extrapcli.training.corpus import Corpus

LEAST_SECONDS, MOST_SECONDS, ADDED_SECONDS, END_SECONDS = 60, 240, 120, 30
WINDOW_SECONDS, STEP_SECONDS = 10.0, 2.0
UNSTEERED = "unsteered"
ARCS: dict[str, str | None] = {
    "up": "calm:lively",
    "down": "lively:calm",
    "hill": "calm:lively:calm",
    "keep": "keep",
    UNSTEERED: None,
}
CHANGING = ("up", "down", "hill")
ENDS = {"up": "lively", "down": "calm"}
PATCHES_PER_SECOND = 16000 / 256 / PATCH_FRAMES  # of the tagger
MEASURES = (
    "join_sharpness", "join_flux", "join_level_step", "clicks_per_minute", "beat_error", "bar_continuity",
    "jumps_per_minute", "off_beat_jumps", "off_bar_jumps", "layers_off_beat", "copied_share", "longest_copy_seconds",
    "repeated_within_minute", "median_return_seconds", "loop_share", "longest_loop_seconds",
)  # fmt: skip

Values = NDArray[np.float64]
Sound = NDArray[np.floating]


def songs(corpus: Path, count: int) -> Iterator[Song]:
    """Decode so many songs, in an order that is always the same, cut off after four minutes."""
    files = Corpus.open(corpus).songs("validation")
    random.Random(0).shuffle(files)
    decoded = (replace(decode(file), name=file.stem) for file in files)
    for song in islice((song for song in decoded if song.seconds >= LEAST_SECONDS), count):
        yield replace(song, samples=song.samples[: MOST_SECONDS * song.sample_rate])


def sampled(values: Values, per_second: float, begin: float, end: float) -> Values:
    """Return values averaged over 10 s, one every 2 s from `begin` to `end`."""
    at = np.arange(begin + WINDOW_SECONDS / 2, end - WINDOW_SECONDS / 2, STEP_SECONDS)
    window = np.ones(max(1, round(WINDOW_SECONDS * per_second)))
    even = np.convolve(values, window, "same") / np.convolve(np.ones(len(values)), window, "same")
    smooth: Values = np.interp(at, (np.arange(len(even)) + 0.5) / per_second, even)
    return smooth


@dataclass(frozen=True)
class Made:
    """A track that was made of a song."""

    song: Song
    samples: Sound
    joins: list[Join]

    @classmethod
    def of(cls, song: Song, arc: str | None, model: Model) -> "Made":
        style = Style(ending="cut", arc=Arc.parse(arc) if arc else None)
        made = model.continuation(song, round((song.seconds + ADDED_SECONDS) * song.sample_rate), style)
        return cls(song, np.concatenate(list(made)), made.joins)

    def measure(self, reference: Reference, tagger: Tagger) -> dict[str, Any]:
        song, begin, end = self.song, self.joins[0].seconds, self.song.seconds + ADDED_SECONDS
        analysis, track = Analysis(song.as_heard), Analysis(replace(song.as_heard, samples=self.samples))
        tags = tagged_energy(tagger.tag(track.mono, RATE), tagger.names)
        reached = {
            "features": sampled(track.energy, MOMENTS_PER_SECOND, begin, end),
            "tagger": sampled(tags, PATCHES_PER_SECOND, begin, end),
        }
        at = np.arange(begin + WINDOW_SECONDS / 2, end - WINDOW_SECONDS / 2, STEP_SECONDS)
        found: dict[str, Any] = {}
        for wanted in CHANGING:
            curve = Curve.of(Arc.parse(str(ARCS[wanted])), analysis, end)
            for name, values in reached.items():
                result = following(curve.at(at), values, step_seconds=STEP_SECONDS)
                found[f"{wanted}, {name}"] = [result.correlation, result.lag_seconds]
        levels = curve.scale.levels(reached["features"])
        found["away"] = float(np.abs(levels - curve.kept).mean())
        joins = [join for join in self.joins if join.jump]
        found["audible"] = 100 * sum(bool(join.jump and join.jump.audible) for join in joins) / len(joins)
        measured = reference.measure(self.samples.astype(np.float32), round(begin * song.sample_rate), self.joins)
        return found | {name: measured.values[name] for name in MEASURES}


def table(run: Path) -> Iterator[str]:
    """Give lines of two Markdown tables, of following and of joins and repetition, with 95 % intervals over songs."""
    found = {name: [json.loads(file.read_text()) for file in sorted(run.glob(f"*.{name}.json"))] for name in ARCS}
    count = len(found[UNSTEERED])
    yield f"| wanted curve ({count} songs) | steered | unsteered | lag |"
    yield "|---|---|---|---|"
    for row in (f"{wanted}, {name}" for wanted in CHANGING for name in ("features", "tagger")):
        cells = []
        for method in (row.partition(",")[0], UNSTEERED):
            values = np.array([one[row] for one in found[method]], float)
            low, high = interval(partial(_median, values[:, 0]), count)
            cells.append(f"{np.nanmedian(values[:, 0]):.2f} ({low:.2f} to {high:.2f})")
        lag = np.median([one[row][1] for one in found[row.partition(",")[0]]])
        yield f"| {row} | {' | '.join(cells)} | {lag:.0f} s |"
    yield ""
    yield f"| | {' | '.join(ARCS)} |"
    yield f"|---{'|---' * len(ARCS)}|"
    for name in ("away", "audible", *MEASURES):
        of = {method: np.array([one[name] for one in found[method]], float) for method in ARCS}
        cells = []
        for method in ARCS:
            difference = of[method] - of[UNSTEERED]
            text = f"{np.nanmean(of[method]):.2f}"
            if method != UNSTEERED:
                low, high = mean_interval(difference)
                text += f" ({low:+.2f} to {high:+.2f})"
            cells.append(text)
        yield f"| {name} | {' | '.join(cells)} |"


def _median(values: Values, drawn: NDArray[np.int_]) -> float:
    return float(np.nanmedian(values[drawn]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--ends", action="store_true")
    asked = parser.parse_args()
    asked.run.mkdir(parents=True, exist_ok=True)
    model, tagger = load("recall"), Tagger()
    for song in songs(asked.corpus, asked.songs):
        reference = None
        for name, arc in ARCS.items():
            file = asked.run / f"{song.name}.{name}.json"
            end = asked.run / "ends" / ENDS[name] / f"{song.name}.flac" if asked.ends and name in ENDS else None
            if file.exists() and (end is None or end.exists()):
                continue
            made = Made.of(song, arc, model)
            if end:
                end.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(end, made.samples[-END_SECONDS * song.sample_rate :], song.sample_rate)
            if not file.exists():
                reference = reference or Reference(
                    song.samples.astype(np.float32), song.sample_rate, tagger, layout=song.layout
                )
                file.write_text(json.dumps(made.measure(reference, tagger)))
            print(file.name, file=sys.stderr, flush=True)
    print("\n".join(table(asked.run)))


if __name__ == "__main__":
    main()
