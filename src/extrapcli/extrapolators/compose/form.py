"""The form of new music: which phrase of the song each new phrase follows.

A new phrase has the harmonies and the energy of a phrase of the song, its guide, in other sounds. Where the song's
sections return, the guides are the phrases that its own form leads to: those that followed the last time. Elsewhere
two phrases take turns, A A B A.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Section
from extrapcli.extrapolators.compose.slots import Slots

PHRASE_BARS = 4
LEAST_BARS = 2  # of a phrase; what is shorter belongs to the phrase before
NEAR_SLOTS = 1.5  # so near to a bar line begins what is taken to begin there
ROUND = "AABA"


@dataclass(frozen=True)
class Phrase:
    """A stretch of the song: its first slot, the first one after it, and the label of its section."""

    begin: int
    end: int
    label: str


def phrases_of(slots: Slots, sounding: NDArray[np.bool_], sections: Sequence[Section]) -> list[Phrase]:
    """Cut a song into phrases of four bars, from the beginnings of its sections on, without bars that are silent."""
    lines = np.flatnonzero(slots.places == 0)
    if not len(lines):
        return [Phrase(0, len(slots), "A")]
    starts, edges = slots.edges[lines], [*lines.tolist(), len(slots)]
    heard = np.logical_and.reduceat(sounding, lines)
    bars = [int(np.abs(starts - section.begin).argmin()) for section in sections] + [len(lines)]
    phrases = [
        Phrase(edges[bar], edges[after], section.label)
        for section, (first, end) in zip(sections, pairwise(bars), strict=True)
        for bar, after in _cut(heard[first:end], first)
    ]
    return phrases or [Phrase(0, len(slots), "A")]


def _cut(heard: NDArray[np.bool_], first: int) -> Iterator[tuple[int, int]]:
    """Cut bars from a first one on into phrases: yield the first bar of each, and the one after its last."""
    turns = first + np.flatnonzero(np.diff(np.pad(heard.astype(int), 1)))
    for bar, after in turns.reshape(-1, 2).tolist():
        while bar < after:
            end = min(bar + PHRASE_BARS, after)
            end = end if after - end >= LEAST_BARS else after
            yield bar, end
            bar = end


def guides(phrases: Sequence[Phrase], near: NDArray[np.floating], first: int, per_bar: int) -> Iterator[int]:
    """Yield a slot of the song for each new slot, without end: what the new one should have in common with it.

    The phrase in which the song is left is finished first, or the next one is begun where that has ended. Where a
    phrase ends amid a bar, the next one is entered at the same place of its first bar.

    Args:
        phrases: those of the song, in order.
        near: how well each slot of the song would follow what was played, `(n,)`.
        first: the slot of the song in whose place the first new one begins.
        per_bar: how many slots a bar has.
    """
    left = max((k for k, phrase in enumerate(phrases) if phrase.begin < first), default=0)
    into, back = max(0, first - phrases[left].begin), _earlier(phrases, left)
    if first >= phrases[left].end:
        into, back = into % per_bar, None if back is None else back + 1
    for number in _in_turns(phrases, near, into) if back is None else _by_form(phrases, back):
        begin, end = phrases[number].begin, phrases[number].end
        start = next(at for at in (begin + into, begin + into % per_bar, begin) if at < end)
        yield from range(start, end)
        into = (end - begin) % per_bar


def _earlier(phrases: Sequence[Phrase], number: int) -> int | None:
    """Return the phrase that is as far into the last earlier section with the same label as one is into its own."""
    begins = [0]
    for k in range(1, len(phrases)):
        begins.append(begins[-1] if phrases[k].label == phrases[k - 1].label else k)
    own, label = begins[number], phrases[number].label
    sections = [begin for begin in sorted(set(begins)) if begin < own and phrases[begin].label == label]
    return min(sections[-1] + number - own, own - 1) if sections else None


def _by_form(phrases: Sequence[Phrase], number: int) -> Iterator[int]:
    """Yield the numbers of phrases from one on; from the last, it goes back to an earlier one of its kind."""
    again = number
    while True:
        yield number
        number += 1
        if number == len(phrases):
            back = _earlier(phrases, number - 1)
            number = again if back is None else back + 1


def _in_turns(phrases: Sequence[Phrase], near: NDArray[np.floating], into: int) -> Iterator[int]:
    """Yield the numbers of phrases two by two, those first that would follow best: A A B A."""
    at = [min(phrase.begin + into, phrase.end - 1) for phrase in phrases]
    best = [int(k) for k in np.argsort(-near[at], kind="stable")]
    for pair in range(0, sys.maxsize, 2):
        one, other = best[pair % len(best)], best[(pair + 1) % len(best)]
        for letter in ROUND:
            yield one if letter == ROUND[0] else other
