"""Seeds from scores: a part of one voice in sixteenths, with room for a continuation.

What is chosen and changed on the way is told in remarks, sentences for whoever gave the score.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import zip_longest
from math import ceil, floor
from pathlib import Path
from statistics import fmean

from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.melody.encoding import DEFAULT_BAR, METRES, Tune, decode, encode
from extrapcli.melody.score import Metre, Part, Score
from extrapcli.melody.time_limit import TimeLimitExceeded, run_with_time_limit
from extrapcli.melody.tune_files import read_score
from extrapcli.melody.voice import Quantized, from_first_phrase, quantize, top_voice
from extrapcli.words import count, listed

COUNTED_AS = {"12/8": "6/8", "9/8": "3/8", "12/4": "6/4", "4/8": "2/4", "8/8": "4/4", "4/2": "2/2", "6/2": "3/2"}
"""Metres that models don't know, and the one in which their bars, or halves or thirds of them, are counted."""
_HAS_THE_MELODY = re.compile(
    r"melod|vocal|vox|voice|\bsing|lead|sopran|cantus|superius|gesang|\bchant|\bcanto\b", re.IGNORECASE
)
MOST_SECONDS = 8  # of processor time for a file
FEW_NOTES = 0.25  # of those that the fullest part has: a part with fewer is not chosen as the highest
MOST_BARS_NAMED = 5


@dataclass(frozen=True)
class Seed:
    """How a tune is to begin, at its own pitch, and remarks on what was chosen and changed to get it."""

    tune: Tune
    remarks: tuple[str, ...] = ()


def read_seed_file(path: Path, *, bars: int, part: str | None = None, metre: str | None = None) -> Seed:
    """Read the first piece of a file that has notes, and take a seed of it as `take_seed` does.

    Raises UnreadableAudio where there is none, or it takes too long to read, UsageError where there is no such part,
    MissingDependency.
    """
    try:
        return run_with_time_limit(
            MOST_SECONDS, lambda: take_seed(read_score(path), bars=bars, part=part, metre=metre)
        )
    except TimeLimitExceeded:
        raise UnreadableAudio(f"{path}: takes more than {MOST_SECONDS} s to read; give a shorter piece") from None


def take_seed(score: Score, *, bars: int, part: str | None = None, metre: str | None = None) -> Seed:
    """Take the top voice of a part of a score as the seed of a tune of `bars` bars.

    `part` is as for `choose_part`. `metre` is one of METRES, in which bars are counted from the first note on; None
    takes the score's. Raises UsageError as `choose_part` does.
    """
    chosen, remarks = choose_part(score, part)
    notes = from_first_phrase(chosen.notes)
    window = notes[0].begin + (bars + 1) * max(METRES.values())
    notes = [note._replace(end=min(note.end, window)) for note in notes if note.begin < window]
    voice = top_voice(notes)
    if len(voice) < len(notes):
        remarks.append("where several notes sound together, the highest is used")
    first = round(voice[0].begin)
    if (bar_number := _bar_number(chosen.metres, first)) > 1:
        remarks.append(f"the seed begins in bar {bar_number}")
    if metre:
        first_bar = first
    else:
        end = max(first + 1, min(first + bars * DEFAULT_BAR, round(voice[-1].end)))
        metre, first_bar, changes = _counted(chosen.metres, first, end)
        remarks += changes
    bar = METRES.get(metre, DEFAULT_BAR)
    quantized = quantize(voice, bar, first_bar)
    tune = Tune(score.title, quantized.notes, metre, (first_bar - first) % bar if metre else 0)
    short = shorten(tune, bars)
    remarks += _movements(quantized, chosen.metres, first + short.tune.steps)
    return Seed(short.tune, (*score.remarks, *remarks, *short.remarks))


def shorten(tune: Tune, bars: int) -> Seed:
    """Cut a tune to the first half of `bars` bars where it would leave less than half a bar of them."""
    bar = METRES.get(tune.metre, DEFAULT_BAR)
    if tune.steps + bar // 2 <= tune.upbeat + bars * bar:
        return Seed(tune)
    kept = tune.upbeat + max(bars // 2 * bar, bar // 2)
    notes = decode(encode(tune.notes)[:kept])
    while notes[-1].pitch is None:
        notes = notes[:-1]
    length = count(bars // 2, "bar") if bars > 1 else "half a bar"
    remark = f"the seed is cut after {length}, to leave room in a tune of {count(bars, 'bar')}"
    return Seed(replace(tune, notes=notes), (remark,))


def choose_part(score: Score, wanted: str | None) -> tuple[Part, list[str]]:
    """Choose a part that has notes, and say which.

    `wanted` is the number of a part from 1 on, its name, or some of that. Of several that it fits, the highest is
    chosen. Without it, that is a part named as the melody, or else the highest that has a fair share of the notes.
    Raises UsageError where no part fits, or only drums do.
    """
    parts = dict(enumerate(score.parts, 1))
    if wanted is None:
        with_notes = {number: part for number, part in parts.items() if part.notes}
        enough = FEW_NOTES * max(len(part.notes) for part in with_notes.values())
        fitting = {number: part for number, part in with_notes.items() if _HAS_THE_MELODY.search(part.name)}
        fitting = fitting or {number: part for number, part in with_notes.items() if len(part.notes) >= enough}
    else:
        fitting = {number: part for number, part in parts.items() if wanted.strip() == str(number)}
        fitting = fitting or {n: part for n, part in parts.items() if wanted.casefold() == part.name.casefold()}
        fitting = fitting or {n: part for n, part in parts.items() if wanted.casefold() in part.name.casefold()}
        if not any(part.notes for part in fitting.values()):
            there = ", ".join(f"{number} {part.name}".strip() for number, part in parts.items())
            fault = "has only drums in part" if fitting else "has no part"
            raise UsageError(f"the seed {fault} {wanted!r}; its parts are {there}")
    number, chosen = max(
        ((number, part) for number, part in fitting.items() if part.notes),
        key=lambda item: fmean(note.pitch for note in item[1].notes),
    )
    named = f": {chosen.name}" if chosen.name else ""
    return chosen, [f"part {number} of {len(parts)} is used{named}"] if len(parts) > 1 else []


def _counted(metres: tuple[Metre, ...], first: int, end: int) -> tuple[str, int, list[str]]:
    """Choose the metre of most steps, one of METRES or empty, and a step at which one of its bars begins."""
    if not metres:
        return "", first, []
    lengths: dict[str, Fraction] = {}
    bar_lines: dict[str, Fraction] = {}
    for metre, following in zip_longest(metres, metres[1:]):
        begin = Fraction(first) if metre is metres[0] else max(Fraction(first), metre.begin)
        length = min(following.begin if following else end, Fraction(end)) - begin
        if length > 0:
            lengths[metre.name] = lengths.get(metre.name, Fraction(0)) + length
            bar_lines.setdefault(metre.name, metre.begin)
    longest = max(lengths, key=lengths.__getitem__)
    name = COUNTED_AS.get(longest, longest)
    if name not in METRES:
        return "", first, [f"a metre of {name} is not supported, so bars are not counted"]
    remarks = []
    if len(lengths) > 1:
        remarks.append(f"the metre changes; bars are counted in {name}")
    elif name != longest:
        remarks.append(f"bars of {longest} are counted in {name}")
    return name, round(bar_lines[longest]), remarks


def _movements(quantized: Quantized, metres: tuple[Metre, ...], end: int) -> list[str]:
    """Say which notes before a step were moved or left out."""
    remarks = []
    if moved := {step: distance for step, distance in quantized.moved.items() if step < end}:
        bars = _bars(moved, metres)
        most = float(max(moved.values()))
        remarks.append(f"{count(len(moved), 'note')} in {bars} moved to a sixteenth, by up to {most:.2f} of one")
    if dropped := [step for step in quantized.dropped if step < end]:
        bars = _bars(dropped, metres)
        remarks.append(f"{count(len(dropped), 'note')} in {bars} left out, too short for a grid of sixteenths")
    return remarks


def _bars(steps: Iterable[int], metres: tuple[Metre, ...]) -> str:
    """List the bars of some steps; the upbeat is bar 0."""
    numbers = sorted({_bar_number(metres, step) for step in steps})
    return f"bar{'s' * (len(numbers) > 1)} {listed(map(str, numbers), most=MOST_BARS_NAMED)}"


def _bar_number(metres: tuple[Metre, ...], step: int) -> int:
    number = 1
    for metre, following in zip_longest(metres, metres[1:]):
        if following is None or step < following.begin:
            return max(0, number + floor((step - metre.begin) / metre.bar))
        number += ceil((following.begin - metre.begin) / metre.bar)
    return number + step // DEFAULT_BAR
