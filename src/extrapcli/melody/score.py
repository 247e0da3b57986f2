"""A score as the readers give it: parts, each with its notes at their times.

Times are in steps of a sixteenth from the beginning of the piece, exact.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

_METRE = re.compile(r"[1-9]\d?/(1|2|4|8|16|32|64)")


class TimedNote(NamedTuple):
    begin: Fraction
    end: Fraction
    pitch: int  # MIDI number, as it sounds


class Metre(NamedTuple):
    begin: Fraction  # where the first whole bar in this metre begins
    name: str  # as 3/4

    @property
    def bar(self) -> Fraction:
        """The length of a bar in steps."""
        above, below = map(int, self.name.split("/"))
        return Fraction(16 * above, below)


def metre_at(begin: Fraction, name: str) -> tuple[Metre, ...]:
    """Make a metre, or none of what can't be one, such as 0/4."""
    return (Metre(begin, name),) if _METRE.fullmatch(name) else ()


@dataclass(frozen=True)
class Part:
    """What one instrument or voice plays; several notes may sound together.

    Attributes:
        name: empty where the file has none.
        notes: in the order in which they begin; none for drums.
        metres: in the order in which they begin; none where the file doesn't say.
    """

    name: str
    notes: tuple[TimedNote, ...]
    metres: tuple[Metre, ...] = ()
    drums: bool = False


@dataclass(frozen=True)
class Score:
    """A piece of music; `remarks` are sentences about what its reader had to change or leave out."""

    title: str
    parts: tuple[Part, ...]
    remarks: tuple[str, ...] = ()
