"""The lines of a song at which a track may jump: bar lines and lines between them, or seconds without a beat."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.beats import Beats

LONGEST_SLOT_SECONDS = 1.9  # a longer bar is divided
LOOSE_SLOT_SECONDS = 1.0  # between lines where there is no beat
LEAST_SLOT_SECONDS = 0.25
LEAST_LINES, LEAST_BARS = 6, 2
PHRASE_BARS = 4
LEAST_CONFIDENCE = 0.25  # a jump between beats that are none does no harm


@dataclass(frozen=True)
class Grid:
    """Lines of a song; the stretch from one to the next is a slot.

    Attributes:
        times: float64 `(n,)`, in seconds, increasing.
        phases: int `(n,)`, the position of each line in its bar, counted in lines; 0 is a bar line.
        keeps_bars: whether the lines follow the beat. Only then do phases mean anything.
    """

    times: NDArray[np.float64]
    phases: NDArray[np.int_]
    keeps_bars: bool

    @classmethod
    def of(cls, beats: Beats, begin: float, end: float) -> "Grid":
        """Lay lines over the music between two seconds: at beats where there is a pulse, else a second apart.

        A slot is as many beats as possible, or one where there are too few lines otherwise.
        """
        if beats.confidence >= LEAST_CONFIDENCE and len(beats.times) > 1:
            seconds = float(np.median(np.diff(beats.times)))
            sizes = [
                d for d in range(2, beats.metre + 1) if beats.metre % d == 0 and d * seconds <= LONGEST_SLOT_SECONDS
            ]
            for size in (*sizes[-1:], 1):
                kept = (beats.positions % size == 0) & (beats.times >= begin) & (beats.times <= end)
                if kept.sum() >= LEAST_LINES and (beats.positions[kept] == 0).sum() >= LEAST_BARS:
                    return cls(beats.times[kept], beats.positions[kept] // size, True)
        slot = min(max((end - begin) / 12, LEAST_SLOT_SECONDS), LOOSE_SLOT_SECONDS)
        count = int((end - begin) / slot) + 1
        return cls(end - np.arange(count, dtype=np.float64)[::-1] * slot, np.zeros(count, int), False)

    def __len__(self) -> int:
        return len(self.times)

    def unevenness(self, one: NDArray[np.int_], other: NDArray[np.int_]) -> NDArray[np.float32]:
        """Return how far lines are from whole phrases of four bars apart.

        1 for an odd number of bars, 1/2 for two bars more or less, 0 for whole phrases, and where lines keep no bars.
        """
        bars = np.cumsum(self.phases == 0) * self.keeps_bars
        return unevenness(bars[one] - bars[other])

    @property
    def slot_seconds(self) -> NDArray[np.float64]:
        """The lengths of the slots, `(n - 1,)`."""
        return np.diff(self.times)


def unevenness(bars: NDArray[np.number]) -> NDArray[np.float32]:
    """Return 1 for an odd number of bars, 1/2 for two bars more or less than whole phrases, 0 for whole phrases."""
    return np.where(bars % 2, 1, np.where(bars % PHRASE_BARS, 0.5, 0)).astype(np.float32)
