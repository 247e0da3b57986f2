"""Units: the stretches of the song that can be played in a slot, and what they cost there, and one after another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import PER_SECOND, Spectra, band_columns

Array = NDArray[np.float32]

PER_SLOT = 2  # units begin so many times in a slot: at quarters of a beat
PARTS = 4  # of a slot, in each of which spectra are averaged
JOIN_SECONDS = 4 / PER_SECOND  # of sound on each side of a join that is compared
JOIN_COST, JOIN_WEIGHT = 1.5, 3.0
END_SECONDS = 0.06  # at the ends of the song no unit begins or ends, so that there is sound to fade
BATCH_NUMBERS = 2**23


@dataclass(frozen=True)
class Units:
    """The units of a song.

    Attributes:
        begins, ends: float64 `(n,)`, in seconds of the song; unit k + PER_SLOT follows unit k.
        spectra: float32 `(n, PARTS, 116)`.
        edges: the spectra just before the beginning, just after it, just before the end and just after it,
            float32 `(4, n, 116)`.
    """

    begins: NDArray[np.float64]
    ends: NDArray[np.float64]
    spectra: Array
    edges: Array

    @classmethod
    def of(cls, slots: Slots, sound: Spectra, end: float) -> "Units":
        """Cut a song, of so many seconds, into units."""
        steps = np.arange((len(slots.edges) - 1) * PER_SLOT + 1) / PER_SLOT
        times = np.interp(steps, np.arange(len(slots.edges)), slots.edges)
        begins, ends = times[:-PER_SLOT], times[PER_SLOT:]
        inside = (begins > END_SECONDS) & (ends < end - END_SECONDS)
        begins, ends = begins[inside], ends[inside]
        around = [(begins - JOIN_SECONDS, begins), (begins, begins + JOIN_SECONDS)]
        around += [(ends - JOIN_SECONDS, ends), (ends, ends + JOIN_SECONDS)]
        edges = np.stack([sound.between(*span)[:, 0] for span in around])
        return cls(begins, ends, sound.between(begins, ends, PARTS), edges)

    def __len__(self) -> int:
        return len(self.begins)

    def targets(self, planned: Array, band: int) -> Array:
        """Return by how many decibels units differ from planned spectra `(slots, PARTS, 116)`: `(slots, n)`."""
        columns = band_columns()[band]
        sides = (side[..., columns].reshape(len(side), -1) for side in (planned, self.spectra))
        return distances(*sides)

    def joins(self, band: int) -> Array:
        """Return what it costs to go from each unit to each other in a band, `(n, n)`."""
        before_begin, after_begin, before_end, after_end = self.edges[..., band_columns()[band]]
        apart = distances(before_end, before_begin) + distances(after_end, after_begin)
        return JOIN_COST + JOIN_WEIGHT / 2 * apart

    def gains(self, planned: Array, chosen: NDArray[np.int_], band: int, most: float) -> NDArray[np.float64]:
        """Return by how many decibels chosen units are softer than planned spectra, at most `most`: `(slots,)`."""
        columns = band_columns()[band]
        levels = [
            10 * np.log10((10 ** (side[..., columns] / 10)).mean(axis=(1, 2)))
            for side in (planned, self.spectra[chosen])
        ]
        softer: NDArray[np.float64] = np.clip(levels[0] - levels[1], -most, most)
        return softer


def distances(one: Array, other: Array) -> Array:
    """Return the mean absolute differences of all rows of `(n, d)` and `(m, d)`: `(n, m)`."""
    rows = max(1, BATCH_NUMBERS // other.size)
    parts = [np.abs(one[k : k + rows, None] - other).mean(axis=2) for k in range(0, len(one), rows)]
    return np.concatenate(parts)
