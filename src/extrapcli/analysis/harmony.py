"""The key of a song, and its chords."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
NO_CHORD = 24


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        tonic: 0 to 11, in semitones from C.
        mode: `major` or `minor`.
        confidence: that it is this one and no other, 0 to 1.
    """

    tonic: int
    mode: str
    confidence: float

    @property
    def name(self) -> str:
        """As in `A minor`."""
        return f"{NAMES[self.tonic]} {self.mode}"


@dataclass(frozen=True)
class Chords:
    """The chord of each beat, or of each half second where a song has no pulse.

    Attributes:
        edges: float64 `(n + 1,)`, increasing, in seconds: where each one begins, and the last one ends.
        numbers: `(n,)`, 0 to 11 for major chords by their root from C, 12 to 23 for minor ones, 24 for none.
    """

    edges: NDArray[np.float64]
    numbers: NDArray[np.int_]

    @property
    def names(self) -> list[str]:
        """As `C`, `Am`, or `-` for none."""
        return [chord_name(int(number)) for number in self.numbers]


def chord_name(number: int) -> str:
    """Return the name of a chord by its number, 0 to 24."""
    return "-" if number == NO_CHORD else NAMES[number % 12] + ("m" if number >= 12 else "")
