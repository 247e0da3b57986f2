"""Beats and bars of a song."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

PULSE = 0.5
"""The least `Beats.confidence` of a song that has a pulse."""


@dataclass(frozen=True)
class Beats:
    """The beats of a song and their positions in the bar.

    Attributes:
        times: float64 `(n,)`, increasing, in seconds from the beginning of the song.
        positions: `(n,)`; 0 is the first beat of a bar, the downbeat.
        metre: beats in a bar, the most frequent number where it changes; 0 without beats.
        confidence: that there is a pulse, 0 to 1.
        bar_confidence: that the bar lines are right, 0 to 1.
    """

    times: NDArray[np.float64]
    positions: NDArray[np.int_]
    metre: int
    confidence: float
    bar_confidence: float

    @cached_property
    def bpm(self) -> float:
        """The tempo in beats per minute, by the median time between beats; 0 with fewer than two."""
        return 60 / float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0

    @cached_property
    def downbeats(self) -> NDArray[np.float64]:
        """The times of the first beats of bars, in seconds."""
        first: NDArray[np.float64] = self.times[self.positions == 0]
        return first

    @property
    def has_pulse(self) -> bool:
        """Whether the song has a pulse that one can rely on."""
        return len(self.times) > 1 and self.confidence >= PULSE


def find_beats(mono: NDArray[np.float32]) -> Beats:
    """Find the beats in mono sound `(n,)` at 22,050 Hz."""
    return Beats(np.zeros(0), np.zeros(0, np.int_), 0, 0.0, 0.0)
