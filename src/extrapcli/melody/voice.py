"""One voice out of the notes of a part, on a grid of sixteenths."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from extrapcli.melody.encoding import DURATIONS, Note
from extrapcli.melody.score import TimedNote

TICKS = 12  # per step, in which it is decided what hides what
LONG_REST = 32  # steps; between two phrases
FEWEST_NOTES = 4  # of a phrase to begin with
HIDDEN = 0.5  # of a note that is covered by higher ones, and so left out


class Quantized(NamedTuple):
    """Notes on the grid.

    `moved` has how far, in steps, each note was moved that began between two steps, by the step where it begins now.
    `dropped` has the steps of notes that lost theirs to a higher one that began soon before or after.
    """

    notes: tuple[Note, ...]
    moved: dict[int, Fraction]
    dropped: list[int]


def from_first_phrase(notes: Sequence[TimedNote]) -> Sequence[TimedNote]:
    """Leave out single notes that are long before all others, such as one that only sets up an instrument."""
    begin, silent_from = 0, notes[0].end
    for index, note in enumerate(notes):
        if note.begin - silent_from >= LONG_REST:
            if index - begin >= FEWEST_NOTES:
                break
            begin = index
        silent_from = max(silent_from, note.end)
    return notes[begin:]


def top_voice(notes: Sequence[TimedNote]) -> list[TimedNote]:
    """Keep the highest of notes that sound together, in the order in which they begin.

    A note is left out where kept notes above it sound for half of its length or more.
    """
    origin = min(note.begin for note in notes)
    ticks = [(int((note.begin - origin) * TICKS), note) for note in _one_for_each_pitch(notes)]
    spans = [(begin, max(begin + 1, int((note.end - origin) * TICKS)), note) for begin, note in ticks]
    covered = np.zeros(max(end for _, end, _ in spans), bool)
    kept = []
    for begin, end, note in sorted(spans, key=lambda span: -span[2].pitch):
        if covered[begin:end].mean() < HIDDEN:
            covered[begin:end] = True
            kept.append(note)
    return sorted(kept)


def quantize(voice: Iterable[TimedNote], bar: int, first_bar: int) -> Quantized:
    """Round each note to steps. The highest of those that fall on one step gets it, and lasts to the next at most.

    Rests are cut at bar lines, `bar` steps apart, one of them at step `first_bar`, and into lengths that can be
    written.
    """
    by_step: dict[int, TimedNote] = {}
    voice = list(voice)
    for note in voice:
        step = round(note.begin)
        if step not in by_step or by_step[step].pitch < note.pitch:
            by_step[step] = note
    steps = sorted(by_step)
    last = max(steps[-1] + 1, round(by_step[steps[-1]].end))
    notes: list[Note] = []
    for step, following in pairwise([*steps, last]):
        end = min(following, max(step + 1, round(by_step[step].end)))
        notes.append(Note(by_step[step].pitch, end - step))
        while end < following:
            room = min(following - end, bar - (end - first_bar) % bar)
            notes.append(Note(None, max(length for length in DURATIONS if length <= room)))
            end += notes[-1].steps
    moved = {step: abs(by_step[step].begin - step) for step in steps if by_step[step].begin != step}
    dropped = [step for note in voice if note.begin != by_step[step := round(note.begin)].begin]
    return Quantized(tuple(notes), moved, dropped)


def _one_for_each_pitch(notes: Iterable[TimedNote]) -> list[TimedNote]:
    """End each note where the next of its pitch begins; of several that begin together, keep the longest."""
    by_pitch: dict[int, list[TimedNote]] = {}
    for note in sorted(notes):
        line = by_pitch.setdefault(note.pitch, [])
        if line and line[-1].begin == note.begin:
            line.pop()
        elif line and line[-1].end > note.begin:
            line[-1] = line[-1]._replace(end=note.begin)
        line.append(note)
    return [note for line in by_pitch.values() for note in line]
