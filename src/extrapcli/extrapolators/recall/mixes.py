"""Slots of a song's layers played together: whether they fit, how loud they are, and how alike two mixes sound."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.audibility import PER_SECOND
from extrapcli.extrapolators.recall.descriptors import Array, averages, decibels, grouped, unit_vectors
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.material import Material

CELLS, BANDS, RHYTHM_CELLS = 8, 16, 12  # in each slot
SIMILAR, SAME = 0.8, 0.95  # correlation of two mixes from which they begin to count as the same, and fully do
MISFIT_COST, RHYTHM_WEIGHT = 1.0, 0.5
UNEVEN_MISFIT = 0.25  # of layers that lie an odd number of bars apart
COPY_COST = 0.8
LEVEL_TOLERANCE_DECIBELS, LEVEL_COST = 3.0, 0.05
SILENCE_COST = 20.0


class Mixes:
    """All mixes of one slot of each layer at the same position in the bar.

    Attributes:
        slots: `(mixes, layers)`, the slot of each layer in each mix.
        number: the number of each mix, by the slot of each layer; -1 where their positions differ.
        cost: `(mixes,)`, of each second of a mix: layers that don't fit, the song as it is, another level, and a long
            silence of the song.
    """

    def __init__(self, material: Material, grid: Grid, powers: list[Array], tones: Array) -> None:
        layers, slots = len(powers), len(grid) - 1
        self.grid = grid
        index = np.indices((slots,) * layers).reshape(layers, -1)
        index = index[:, (grid.phases[index] == grid.phases[index[:1]]).all(axis=0)]
        self.slots = index.T
        self.number = np.full((slots,) * layers, -1)
        self.number[tuple(index)] = np.arange(index.shape[1])
        edges = material.hop_at(self._fractions(CELLS))
        patches = [averages(grouped(power, BANDS), edges) for power in powers]
        whole = np.sum(patches, axis=0)
        mixed = np.sum([patch[at] for patch, at in zip(patches, index, strict=True)], axis=0)
        reference = float(whole.mean())
        own = decibels(whole, reference).mean(axis=(0, 1))
        self.vectors = unit_vectors(decibels(mixed, reference) - own)
        level, usual = (decibels(power.mean(axis=(1, 2)), reference) for power in (mixed, whole))
        self.cost = LEVEL_COST * np.maximum(0, np.abs(level - np.median(usual)) - LEVEL_TOLERANCE_DECIBELS)
        middles = (grid.times[:-1] + grid.slot_seconds / 2) * material.song.sample_rate
        silent = np.zeros(slots, bool)
        for begin, end in material.bounds.silences:
            silent |= (begin < middles) & (middles < end)
        self.cost = self.cost + SILENCE_COST * silent[index].any(axis=0)
        if layers > 1:
            misfit = self._misfit(material, tones)[tuple(index)]
            misfit = misfit + UNEVEN_MISFIT * grid.unevenness(index[0], index[1])
            self.cost = self.cost + MISFIT_COST * misfit + COPY_COST * (index == index[0]).all(axis=0)

    def __len__(self) -> int:
        return len(self.vectors)

    def similarity(self, mixes: NDArray[np.int_]) -> Array:
        """Return how much each of some mixes sounds like each one, 0 to 1: `(len(mixes), all mixes)`."""
        correlation = self.vectors[mixes] @ self.vectors.T
        similarity: Array = np.clip((correlation - SIMILAR) / (SAME - SIMILAR), 0, 1)
        return similarity

    def heard(self, memory_seconds: float, until: float | None = None) -> Array:
        """Return how much each mix was heard in the song itself, 0 to 1, less the longer ago: `(mixes,)`.

        The song was heard up to second `until`, or as a whole.
        """
        own = self.number.diagonal() if self.number.ndim > 1 else self.number
        ago = (self.grid.times[-1] if until is None else until) - self.grid.times[:-1]
        recent = np.flatnonzero((ago > 0) & (ago < 4 * memory_seconds))
        fading = np.exp(-ago[recent] / memory_seconds).astype(np.float32)
        heard = np.zeros(len(self), np.float32)
        for slot, share in zip(recent, fading, strict=True):
            heard = np.maximum(heard, self.similarity(own[slot : slot + 1])[0] * share)
        return heard

    def _misfit(self, material: Material, tones: Array) -> Array:
        """Return how badly a layer at one slot goes with the other at another: `(slots, slots)`, about 1 at random.

        The mean of clashing chroma vectors, in half slots, and of rhythms that are out of step, one to a half.
        """
        halves = averages(tones, material.hop_at(self._fractions(2)))
        halves /= np.linalg.norm(halves, axis=2, keepdims=True) + 1e-9
        clash = 1 - np.einsum("aic,bic->ab", halves, halves) / 2
        strength = material.features.onset_strength[:, None].astype(np.float32)
        onsets = unit_vectors(averages(strength, np.round(self._fractions(RHYTHM_CELLS) * PER_SECOND).astype(int)))
        apart = 1 - onsets @ onsets.T
        same_position = self.grid.phases[:-1, None] == self.grid.phases[:-1]
        clash, apart = (cost / (np.median(cost[same_position]) + 1e-6) for cost in (clash, apart))
        misfit: Array = (clash + RHYTHM_WEIGHT * apart) / (1 + RHYTHM_WEIGHT)
        return misfit

    def _fractions(self, cells: int) -> NDArray[np.float64]:
        """Return the seconds at which the cells of each slot begin and end, `(slots, cells + 1)`."""
        return np.maximum(
            0, self.grid.times[:-1, None] + self.grid.slot_seconds[:, None] * np.linspace(0, 1, cells + 1)
        )
