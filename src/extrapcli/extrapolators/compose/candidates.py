"""The slots of a song from which a plan is made, and how far they are from each other."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import BINS, Spectra, band_columns

Array = NDArray[np.float32]

HALVES = 2  # of a slot, in each of which spectra are averaged
LEAST_DECIBELS = 0.7  # between slots that are alike: a band that is nearly silent has no pattern
LEAST_DEVIATION = 0.5  # decibels, of the level
LEVEL_SLOTS = 8  # over which the level is averaged
SPECTRUM_DECIBELS = 8.0  # a unit of the network's
PLACES = 7  # numbers that say where a slot is
SLOT_NUMBERS = HALVES * BINS + 2 * PLACES  # that the network is given: its sound, its place and that of the next
HARMONICS = (1, 2, 4)  # of a bar


@dataclass(frozen=True)
class Candidates:
    """The slots of a song that may be played.

    Attributes:
        spectra: float32 `(n, 2, 116)`, both halves of each slot, in decibels.
        moments: int `(n,)`, slots since a bar line.
        per_bar: how many slots a bar has; 0 where there are no bars to keep.
    """

    spectra: Array
    moments: NDArray[np.int_]
    per_bar: int

    @classmethod
    def of(cls, slots: Slots, sound: Spectra) -> "Candidates":
        """Say what slots sound like, which are cut from this sound."""
        spectra = sound.between(slots.edges[:-1], slots.edges[1:], HALVES)
        return cls(spectra, slots.moments, slots.per_bar if slots.keeps_bars else 0)

    def __len__(self) -> int:
        return len(self.spectra)

    @property
    def scale(self) -> Array:
        """The median distance of two slots in each layer, in decibels, `(3,)`."""
        return self._scale_and_own[0]

    @property
    def own(self) -> Array:
        """The distances of the slots from each other, `(3, n, n)`, in units of `scale`."""
        return self._scale_and_own[1]

    @cached_property
    def farthest(self) -> Array:
        """How far from each other slots are at most, `(3,)`, in units of `scale`."""
        farthest: Array = self.own.max(axis=(1, 2))
        return farthest

    @cached_property
    def _scale_and_own(self) -> tuple[Array, Array]:
        decibels = slot_distances(self.spectra, self.spectra)
        scale = np.maximum(np.median(decibels, axis=(1, 2)), LEAST_DECIBELS).astype(np.float32)
        return scale, decibels / scale[:, None, None]

    def apart(self, played: Array) -> Array:
        """Return the distances of what was played, `(t, 2, 116)`, in each layer, in units of `scale`: `(3, t, n)`."""
        return slot_distances(played, self.spectra) / self.scale[:, None, None]

    @cached_property
    def layer_levels(self) -> NDArray[np.float64]:
        """The level of each layer in each slot, in decibels, `(3, n)`."""
        return np.stack([levels(self.spectra[..., columns]) for columns in band_columns()])

    @cached_property
    def energies(self) -> Array:
        """The level around each slot, `(n,)`, in standard deviations from the song's."""
        return self.energy(self.spectra)

    def energy(self, spectra: Array) -> Array:
        """Return the level around slots that follow each other, `(t, 2, 116)`, in the song's terms: `(t,)`."""
        own = _smoothed(levels(self.spectra))
        around: Array = ((_smoothed(levels(spectra)) - own.mean()) / max(own.std(), LEAST_DEVIATION)).astype(
            np.float32
        )
        return around

    def sounds(self, spectra: Array) -> Array:
        """Describe what slots, `(t, 2, 116)`, sound like to the network: `(t, 232)`."""
        described: Array = ((spectra - self.spectra.mean(axis=(0, 1))) / SPECTRUM_DECIBELS).reshape(len(spectra), -1)
        return described

    def layered(self, sources: NDArray[np.int_]) -> Array:
        """Return the spectra of slots `(3, t)`, one in each layer: `(t, 2, 116)`."""
        spectra = np.empty((sources.shape[1], *self.spectra.shape[1:]), np.float32)
        for layer, columns in enumerate(band_columns()):
            spectra[..., columns] = self.spectra[sources[layer]][..., columns]
        return spectra

    def places(self, moments: NDArray[np.int_], energies: Array) -> Array:
        """Describe where slots are: the place in the bar and the energy, `(t, 7)`."""
        turns = 2 * np.pi * moments / (self.per_bar or 1)
        waves = [wave(turns * harmonic) for harmonic in HARMONICS for wave in (np.sin, np.cos)]
        described: Array = np.stack([*(wave * bool(self.per_bar) for wave in waves), energies], axis=1).astype(
            np.float32
        )
        return described


def slot_distances(one: Array, other: Array) -> Array:
    """Return the mean absolute difference, in decibels, of slots `(t, 2, 116)` and `(n, 2, 116)`: `(3, t, n)`."""
    return np.stack(
        [
            distances(*(side[..., columns].reshape(len(side), -1) for side in (one, other)))
            for columns in band_columns()
        ]
    )


def distances(one: Array, other: Array) -> Array:
    """Return the mean absolute differences of all rows of `(t, d)` and `(n, d)`: `(t, n)`."""
    apart = np.empty((len(one), len(other)), np.float32)
    for row, of in enumerate(one):
        apart[row] = np.abs(other - of).mean(axis=1)
    return apart


def levels(spectra: Array) -> NDArray[np.float64]:
    """Return the levels of slots `(t, 2, 116)`, in decibels: `(t,)`."""
    decibels: NDArray[np.float64] = 10 * np.log10((10 ** (spectra.astype(np.float64) / 10)).mean(axis=(1, 2)))
    return decibels


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    around = np.pad(values, (LEVEL_SLOTS // 2, LEVEL_SLOTS // 2 - 1), "edge")
    return np.convolve(around, np.full(LEVEL_SLOTS, 1 / LEVEL_SLOTS), "valid")
