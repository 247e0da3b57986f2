"""Which bar of a song comes next, as the planner sees it."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.backends.base import Backend
from extrapcli.errors import UnreadableAudio
from extrapcli.extrapolators.compose.material import Material
from extrapcli.extrapolators.compose.music import Music
from extrapcli.extrapolators.compose.planner import Heard, Planner


@dataclass(frozen=True)
class NextBar:
    """A bar of a song that could come after the last whole one before its ending.

    Attributes:
        bar: its number, as musicians count.
        seconds: where it begins in the song.
        probability: 0 to 1; those of all bars add up to 1.
    """

    bar: int
    seconds: float
    probability: float


def next_bars(analysis: Analysis, backend: Backend) -> list[NextBar]:
    """Say how likely each whole bar of a song is to come after the last one before its ending, in the song's order.

    Of a long song, these are the bars of its last five minutes or so.

    The probability of a bar is that of its slots one after another, in all three layers, if none but whole bars could
    come. Raises UnreadableAudio where the song has no pulse, and so no bars, or is too short.
    """
    if not analysis.beats.has_pulse:
        raise UnreadableAudio(f"{analysis.song.name}: no beat was found, so there are no bars to choose from")
    music = Music.of(analysis)
    material = Material.of(music)
    slots, song = material.slots, material.candidates
    lines = np.append(np.flatnonzero(slots.places == 0), len(slots))
    bars = [(int(begin), int(end)) for begin, end in pairwise(lines) if end - begin == slots.per_bar]
    if not bars:
        raise UnreadableAudio(f"{analysis.song.name}: no whole bar was found, so there are none to choose from")
    played = bars[-1][1]
    planner = Planner(backend, song, Heard.of(song, played))
    first, wanted = int(slots.moments[played - 1]) + 1, float(song.energies[played - 1])
    logits = np.array([_likelihood(planner, range(*bar), first, wanted) for bar in bars])
    chances = np.exp(logits - logits.max())
    chances /= chances.sum()
    rate = analysis.song.sample_rate
    begins = [music.in_song(round(float(slots.edges[begin]) * rate)) / rate for begin, _ in bars]
    known = min(len(bars) - 1, int(np.searchsorted(begins, analysis.beats.times[0])))  # before, bars were added
    numbers = [analysis.beats.place(begin).bar for begin in begins[known:]]
    numbers = [*range(numbers[0] - known, numbers[0]), *numbers]
    return [NextBar(*bar) for bar in zip(numbers, begins, chances.tolist(), strict=True)]


def _likelihood(planner: Planner, bar: range, first: int, wanted: float) -> float:
    """Return the logarithm of the probability that a bar comes next, of all that could."""
    planner, total = planner.fork(), 0.0
    for number, slot in enumerate(bar):

        def choose(_: int, logits: NDArray[np.floating], slot: int = slot) -> int:
            nonlocal total
            total += float(logits[slot] - np.logaddexp.reduce(logits))
            return slot

        planner.step(first + number, wanted, choose)
    return total
