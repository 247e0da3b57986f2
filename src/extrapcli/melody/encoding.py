"""Tunes, and their form as a list of symbols, one for each sixteenth, which the network reads and writes.

    67 _ _ _ r _ 65 _ /

A MIDI number starts a note, `r` starts a rest, `_` holds the note or rest, and `/` separates tunes. Lengths are
counted in steps of a sixteenth.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from extrapcli.errors import UsageError

REST, HOLD, DELIMITER = "r", "_", "/"
STEPS_PER_QUARTER = 4
DURATIONS = frozenset({1, 2, 3, 4, 6, 8, 12, 16})
"""The note lengths of a tune, in steps: sixteenth; eighth, quarter and half, plain or dotted; whole."""

METRES = {"2/4": 8, "3/4": 12, "4/4": 16, "6/8": 12, "3/8": 6, "6/4": 24, "3/2": 24, "2/2": 16}
"""The steps in a bar of each metre that is supported; a tune in another metre has none."""
DEFAULT_BAR = 16  # steps that count as a bar in a tune without a metre
_FIRST_POSITION = {name: 1 + sum(list(METRES.values())[:index]) for index, name in enumerate(METRES)}
BAR_POSITIONS = 1 + sum(METRES.values())
"""How many values `bar_position` has."""


@dataclass(frozen=True)
class Note:
    pitch: int | None  # MIDI number; None for a rest
    steps: int


@dataclass(frozen=True)
class Tune:
    """A melody of one voice.

    `metre` is one of METRES or empty; `upbeat` is the number of steps before the first whole bar.
    """

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

    def transposed(self, semitones: int) -> "Tune":
        notes = (n if n.pitch is None else replace(n, pitch=n.pitch + semitones) for n in self.notes)
        return replace(self, notes=tuple(notes))


class RejectReason(StrEnum):
    """Why a piece of music can't be used as a tune."""

    durations = "has durations other than sixteenths to wholes, plain or dotted"
    voices = "has several notes at once"
    drums = "has only drums"
    empty = "has no notes"
    damaged = "cannot be read"


def encode(notes: Iterable[Note]) -> list[str]:
    """Write notes as symbols: `[Note(67, 4), Note(None, 2)]` becomes `67 _ _ _ r _`."""
    symbols = []
    for note in notes:
        symbols += [REST if note.pitch is None else str(note.pitch), *[HOLD] * (note.steps - 1)]
    return symbols


def decode(symbols: Sequence[str]) -> tuple[Note, ...]:
    """Read symbols up to the first `/`, the inverse of `encode`. A `_` at the beginning is a rest."""
    notes: list[Note] = []
    for symbol in symbols:
        if symbol == DELIMITER:
            break
        if symbol == HOLD and notes:
            notes[-1] = replace(notes[-1], steps=notes[-1].steps + 1)
        else:
            notes.append(Note(None if symbol in (REST, HOLD) else int(symbol), 1))
    return tuple(notes)


def parse_symbols(text: str) -> list[str]:
    """Split a seed into its symbols; raise UsageError for an unknown symbol and for a seed without notes."""
    symbols = text.split()
    for index, symbol in enumerate(symbols):
        is_pitch = symbol.isascii() and symbol.isdigit() and len(symbol) <= 3 and int(symbol) < 128
        if symbol not in (REST, HOLD) and not is_pitch:
            ends = ", and a tune that has ended with / can't be continued" if symbol == DELIMITER else ""
            raise UsageError(
                f"seed: {symbol[:20]!r} is not a note{ends}; write MIDI numbers up to 127, r and _, or name a file"
            )
        if symbol == HOLD and index == 0:
            raise UsageError("seed: begins with _, which has nothing to hold; begin with a MIDI number or r")
    if all(symbol in (REST, HOLD) for symbol in symbols):
        raise UsageError('seed: contains no notes; write some, as "67 _ 67 _ 65 _ 64 _"')
    return [str(int(s)) if s.isdigit() else s for s in symbols]


def bar_position(metre: str, upbeat: int, step: int) -> int:
    """Number the position of a step within its bar, below BAR_POSITIONS; each metre has numbers of its own.

    `step` counts from the beginning of the tune. Without a metre the number is 0.
    """
    if not metre:
        return 0
    return _FIRST_POSITION[metre] + (step - upbeat) % METRES[metre]
