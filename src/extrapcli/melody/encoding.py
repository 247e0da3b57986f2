"""A tune as a list of symbols, one for each sixteenth: what the network reads and writes.

    67 _ _ _ r _ 65 _ /

A MIDI number begins a note, `r` a rest, `_` holds on what began, `/` stands between pieces. Lengths are counted in
steps of a sixteenth.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from extrapcli.errors import UsageError

REST, HOLD, DELIMITER = "r", "_", "/"
STEPS_PER_QUARTER = 4
DURATIONS = frozenset({1, 2, 3, 4, 6, 8, 12, 16})
"""Sixteenth, eighth, dotted eighth, quarter, dotted quarter, half, dotted half and whole, in steps."""

METRES = {"2/4": 8, "3/4": 12, "4/4": 16, "6/8": 12, "3/8": 6, "6/4": 24, "3/2": 24, "2/2": 16}
"""The metres whose bars are counted, with the steps of each; a tune in another one has none."""
_FIRST = {name: 1 + sum(list(METRES.values())[:place]) for place, name in enumerate(METRES)}
BEATS = 1 + sum(METRES.values())
"""How many numbers `beat` gives."""


@dataclass(frozen=True)
class Note:
    pitch: int | None  # MIDI number; None for a rest
    steps: int


@dataclass(frozen=True)
class Tune:
    """`metre` is one of METRES or empty; `upbeat` is how many steps come before the first whole bar."""

    title: str
    notes: tuple[Note, ...]
    metre: str = ""
    upbeat: int = 0

    @property
    def steps(self) -> int:
        return sum(note.steps for note in self.notes)

    @property
    def pitches(self) -> list[int]:
        return [note.pitch for note in self.notes if note.pitch is not None]

    def moved(self, semitones: int) -> "Tune":
        """The tune so much higher, or lower."""
        notes = (n if n.pitch is None else replace(n, pitch=n.pitch + semitones) for n in self.notes)
        return replace(self, notes=tuple(notes))


def encode(notes: Iterable[Note]) -> list[str]:
    """`[Note(67, 4), Note(None, 2)]` as `67 _ _ _ r _`."""
    symbols = []
    for note in notes:
        symbols += [REST if note.pitch is None else str(note.pitch), *[HOLD] * (note.steps - 1)]
    return symbols


def decode(symbols: Sequence[str]) -> tuple[Note, ...]:
    """The notes of symbols, up to the first `/`; the inverse of `encode`. A `_` with nothing to hold is a rest."""
    notes: list[Note] = []
    for symbol in symbols:
        if symbol == DELIMITER:
            break
        if symbol == HOLD and notes:
            notes[-1] = replace(notes[-1], steps=notes[-1].steps + 1)
        else:
            notes.append(Note(None if symbol in (REST, HOLD) else int(symbol), 1))
    return tuple(notes)


def parse(text: str) -> list[str]:
    """The symbols in a text, between spaces; raises UsageError for what is none, and where nothing sounds."""
    symbols = text.split()
    for place, symbol in enumerate(symbols):
        is_pitch = symbol.isascii() and symbol.isdigit() and len(symbol) <= 3 and int(symbol) < 128
        if symbol not in (REST, HOLD) and not is_pitch:
            ends = "; a tune ends where / stands, so it can't be gone on with" if symbol == DELIMITER else ""
            raise UsageError(f"seed: {symbol[:20]!r} is no note{ends}; write MIDI numbers from 0 to 127, r and _")
        if symbol == HOLD and place == 0:
            raise UsageError("seed: begins with _, which has nothing to hold; begin with a MIDI number or r")
    if all(symbol in (REST, HOLD) for symbol in symbols):
        raise UsageError('seed: holds no note; write some, as "67 _ 67 _ 65 _ 64 _"')
    return [str(int(s)) if s.isdigit() else s for s in symbols]


def beat(metre: str, upbeat: int, step: int) -> int:
    """A number below BEATS for the place in its bar of a step, counted from the beginning; 0 without a metre."""
    if not metre:
        return 0
    return _FIRST[metre] + (step - upbeat) % METRES[metre]
