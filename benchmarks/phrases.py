"""Whether new music comes in phrases that return varied, and leads into the ending: `phrases.py CORPUS [--songs 24]`.

Whole songs are continued by 90 seconds of new bars. Each new phrase follows a guide, a phrase of the song; the last
two bars follow those before the song's ending. Prints a Markdown table of how far the slots of two phrases are from
each other, layer by layer: 1 is the median distance of two slots of the song. Intervals are of 95 %, over songs.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from extrapcli.backends import open_model
from extrapcli.evaluation.bootstrap import mean_interval
from extrapcli.extrapolators.base import Sound, Style
from extrapcli.extrapolators.compose.bands import NAMES
from extrapcli.extrapolators.compose.composer import LEAD_BARS, Composer
from extrapcli.models import find_model
from extrapcli.training.corpus import Corpus

ADDED_SECONDS = 90
LEAST_SLOTS = 16  # of a phrase that is compared

Slots = NDArray[np.int_]


class Noting(Composer):
    """Notes the guide of each new slot, and the slots of the song that are played in it."""

    def __init__(self, analysis: Analysis, model: str, wanted: int) -> None:
        super().__init__(analysis, open_model(find_model(model), device="cpu"), Style(new=1.0), wanted)
        self.own, self.per_bar = self._candidates.own, self._per_bar
        self.guided: list[int] = []
        self.played: list[list[int]] = []

    def _play(self, slot: int, seconds: float, guide: int) -> tuple[Sound, ...]:
        self.guided.append(guide)
        return super()._play(slot, seconds, guide)

    def _go(self, chosen: Sequence[int] | Slots, seconds: float, *, together: bool, late: float) -> tuple[Sound, ...]:
        self.played.append([int(one) for one in chosen])
        return super()._go(chosen, seconds, together=together, late=late)


def distances(analysis: Analysis, model: str) -> dict[str, list[float]]:
    """Compose new bars and compare phrases, by kinds of pairs.

    Returns the mean distance in each layer, then the share of slots in which all layers play the same.
    """
    wanted = analysis.bounds.end + ADDED_SECONDS * analysis.song.sample_rate
    composer = Noting(analysis, model, wanted)
    for _ in composer.blocks():
        pass
    own, per_bar = composer.own, composer.per_bar
    guided, played = np.array(composer.guided), np.array(composer.played).T
    if composer.lands:
        played = played[:, :-1]  # the ending itself
    ends = [0, *(k + 1 for k, (one, other) in enumerate(pairwise(guided)) if other != one + 1), len(guided)]
    phrases = [(begin, end) for begin, end in pairwise(ends) if end - begin >= LEAST_SLOTS]
    found: dict[str, list[list[float]]] = defaultdict(list)

    def note(kind: str, one: Slots, other: Slots) -> None:
        """Compare slots `(3, n)`."""
        apart = [float(own[layer, one[layer], other[layer]].mean()) for layer in range(len(NAMES))]
        found[kind].append([*apart, float((one == other).all(axis=0).mean())])

    def stretch(begin: int, length: int) -> Slots:
        return played[:, begin : begin + length]

    def of_song(begin: int, length: int) -> Slots:
        return np.tile(np.arange(begin, begin + length), (len(NAMES), 1))

    for (one, one_end), (other, other_end) in combinations(phrases, 2):
        length = min(one_end - one, other_end - other)
        same = guided[one] == guided[other]
        kind = "two new phrases with the same guide" if same else "two new phrases with different guides"
        note(kind, stretch(one, length), stretch(other, length))
    for begin, end in phrases:
        note("a new phrase and its guide", stretch(begin, end - begin), of_song(guided[begin], end - begin))
    lead = LEAD_BARS * per_bar
    if composer.lands and len(guided) > 2 * lead:
        into = of_song(guided[-lead], lead)
        note("the last two bars and those before the song's ending", stretch(len(guided) - lead, lead), into)
        for begin in range(0, len(guided) - 2 * lead + 1, lead):
            note("other two new bars and those before the song's ending", stretch(begin, lead), into)
    return {kind: np.mean(pairs, axis=0).tolist() for kind, pairs in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--model", default="compose")
    asked = parser.parse_args()
    songs = Corpus.open(asked.corpus).songs("validation")
    random.Random(0).shuffle(songs)
    of_kinds: dict[str, list[list[float]]] = defaultdict(list)
    for path in songs[: asked.songs]:
        for kind, figures in distances(Analysis(decode(path).as_heard), asked.model).items():
            of_kinds[kind].append(figures)
    print(f"| | songs | {' | '.join(NAMES)} | the same in all layers |\n|{'---|' * (len(NAMES) + 3)}")
    for kind, rows in of_kinds.items():
        table = np.array(rows)
        cells = []
        for column in table.T:
            low, high = mean_interval(column)
            cells.append(f"{column.mean():.2f} ({low:.2f} to {high:.2f})")
        print(f"| {kind} | {len(rows)} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
