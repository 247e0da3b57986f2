"""The form of new music: which phrase of the song each new phrase follows.

A new phrase has the harmonies and the energy of a phrase of the song, its guide, in other sounds. Where sections of
the song return, the guides are the phrases that its own form leads to: those that followed the last time. Elsewhere
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


def phrases_of(slots: Slots, sections: Sequence[Section]) -> list[Phrase]:
    """Cut a song into phrases of four bars, from the beginnings of its sections on; leave out a last bar in part."""
    edges = [*np.flatnonzero(slots.places == 0).tolist(), len(slots)]
    if len(edges) > 2 and edges[-1] - edges[-2] < slots.per_bar:
        del edges[-1]
    starts = slots.edges[edges[:-1]]
    if not len(starts):
        return [Phrase(0, len(slots), "A")]
    bars = [int(np.abs(starts - section.begin).argmin()) for section in sections] + [len(starts)]
    return [
        Phrase(edges[bar], edges[after], section.label)
        for section, (first, end) in zip(sections, pairwise(bars), strict=True)
        for bar, after in _cut(first, end)
    ]


def _cut(first: int, after: int) -> Iterator[tuple[int, int]]:
    """Cut bars into phrases: yield the first bar of each, and the one after its last."""
    while first < after:
        end = min(first + PHRASE_BARS, after)
        end = end if after - end >= LEAST_BARS else after
        yield first, end
        first = end


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
    into, begun = max(0, first - phrases[left].begin), first < phrases[left].end
    back = _earlier(phrases, left) if begun else None
    if back is None:
        back = _after(phrases, left)
    if not begun:
        into %= per_bar
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


def _after(phrases: Sequence[Phrase], number: int) -> int | None:
    """Return the phrase that followed the last time; where a section is new, the last one counts that was not.

    None where no section has returned up to this phrase.
    """
    earlier = (_earlier(phrases, k) for k in range(number, -1, -1))
    return next((back + 1 for back in earlier if back is not None), None)


def _by_form(phrases: Sequence[Phrase], number: int) -> Iterator[int]:
    """Yield the numbers of phrases from one on; after the last comes what followed before."""
    while True:
        yield from range(number, len(phrases))
        number = _after(phrases, len(phrases) - 1) or 0


def _in_turns(phrases: Sequence[Phrase], near: NDArray[np.floating], into: int) -> Iterator[int]:
    """Yield the numbers of phrases two by two, those first that would follow best: A A B A."""
    at = [min(phrase.begin + into, phrase.end - 1) for phrase in phrases]
    best = [int(k) for k in np.argsort(-near[at], kind="stable")]
    for pair in range(0, sys.maxsize, 2):
        one, other = best[pair % len(best)], best[(pair + 1) % len(best)]
        for letter in ROUND:
            yield one if letter == ROUND[0] else other
