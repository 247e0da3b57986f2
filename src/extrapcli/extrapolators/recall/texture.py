"""How sound changes from moment to moment, and how a join compares with the song's own beats.

Pure arrays in, numbers out, all on mono sound at the network's rate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks

Array = NDArray[np.float32]

PER_SECOND = 75
WINDOW = 1024
BANDS = 24
FLOOR = 1e-6  # of power against the song's own
LAG = 2  # moments between the spectra compared
BEAT_MOMENTS = 19  # beats are at least a quarter of a second apart
LEVEL_MOMENTS = 12  # the level of 160 ms before is compared with that of 160 ms after
MAX_SHIFT = 3
MIN_BEAT_CORRELATION = 0.2
CHUNK = 512
_EDGES = np.unique(np.geomspace(2, WINDOW // 2, BANDS + 1).astype(int))
_WINDOW_SHAPE = np.hanning(WINDOW).astype(np.float32)


@dataclass(frozen=True)
class Texture:
    """A row for each moment, 75 a second: the spectral flux in decibels, and the power."""

    flux: Array
    power: Array

    def steps(self, begin: NDArray[np.integer], end: NDArray[np.integer]) -> Array:
        """The difference in decibels between the levels just before `begin` and just after `end`, in moments."""
        n = len(self.power)
        sums = np.concatenate([[0], np.cumsum(self.power, dtype=np.float64)])
        begin, end = np.clip(begin, 1, n), np.clip(end, 0, n - 1)
        first, last = np.maximum(begin - LEVEL_MOMENTS, 0), np.minimum(end + LEVEL_MOMENTS, n)
        before = (sums[begin] - sums[first]) / (begin - first)
        after = (sums[last] - sums[end]) / (last - end)
        steps: Array = np.abs(10 * np.log10((after + FLOOR) / (before + FLOOR))).astype(np.float32)
        return steps


def texture(sound: Array, rate: int) -> Texture:
    """Measure `(n,)` at unit level. Flux is the mean rise of 24 bands, equally wide in octaves, over 27 ms."""
    hop = rate // PER_SECOND
    count = len(sound) // hop + 1
    levels = []
    for start in range(0, count, CHUNK):
        size = (min(CHUNK, count - start) - 1) * hop + WINDOW
        frames = np.lib.stride_tricks.sliding_window_view(_stretch(sound, start * hop - WINDOW // 2, size), WINDOW)
        spectra = np.abs(np.fft.rfft(frames[::hop] * _WINDOW_SHAPE)).astype(np.float32) ** 2
        bands = np.add.reduceat(spectra[:, : _EDGES[-1]], _EDGES[:-1], axis=1) / np.diff(_EDGES)
        levels.append(10 * np.log10(bands / WINDOW + FLOOR))
    level = np.concatenate(levels)
    rise = np.maximum(0, level[LAG:] - level[:-LAG]).mean(axis=1)
    flux = np.pad(rise, (LAG // 2, LAG - LAG // 2))
    hops = sound[: (count - 1) * hop].reshape(-1, hop)
    last = np.square(sound[(count - 1) * hop :]).sum()
    power = np.concatenate([*(np.einsum("ij,ij->i", some, some) for some in chunks(hops)), [last]]) / hop
    return Texture(flux, power.astype(np.float32))


def _stretch(sound: Array, begin: int, size: int) -> Array:
    """So many samples of a sound from `begin` on, with silence before and after it."""
    there = sound[max(0, begin) : max(0, begin + size)]
    before = max(0, -begin)
    return np.pad(there, (before, size - before - len(there)))


def beat_shift(flux: Array, reference: int, place: int, moments: range) -> int:
    """How many moments, -3 to 3, to shift `place` so that its beats fall as those around `reference` do.

    The flux at these moments around the two is compared by correlation; 0 where there are no beats to go by.
    """
    at = np.array([k for k in moments if 0 <= reference + k < len(flux)], dtype=int)
    if len(at) < PER_SECOND // 2:
        return 0
    shifts = range(-MAX_SHIFT, MAX_SHIFT + 1)
    rows = np.stack([flux[np.clip(place + at + shift, 0, len(flux) - 1)] for shift in shifts])
    rows = rows - rows.mean(axis=1, keepdims=True)
    wanted = flux[reference + at] - flux[reference + at].mean()
    correlations = rows @ wanted / (np.linalg.norm(rows, axis=1) * np.linalg.norm(wanted) + 1e-9)
    return shifts[int(np.argmax(correlations))] if correlations.max() > MIN_BEAT_CORRELATION else 0


@dataclass(frozen=True)
class Beats:
    """What the song's own beats are like: sorted values of their flux and of their steps in level."""

    flux: Array
    steps: Array

    @classmethod
    def of(cls, song: Texture) -> "Beats":
        around = np.lib.stride_tricks.sliding_window_view(np.pad(song.flux, BEAT_MOMENTS // 2), BEAT_MOMENTS)
        inside = np.pad(np.ones(max(0, len(song.flux) - 2 * LEVEL_MOMENTS), bool), LEVEL_MOMENTS)[: len(song.flux)]
        at = np.flatnonzero((song.flux == around.max(axis=1)) & (song.flux > 0) & inside)
        if not len(at):
            at = np.array([0])
        return cls(np.sort(song.flux[at]), np.sort(song.steps(at - LAG, at + LAG)))

    def percentiles(self, sound: Texture, begin: int, end: int) -> tuple[float, float]:
        """The percentiles, among the beats, of the flux and the step of level between two moments of a sound."""
        step = sound.steps(np.array([begin]), np.array([end]))[0]
        return _percentile(self.flux, sound.flux[begin : end + 1].max()), _percentile(self.steps, step)


def _percentile(values: Array, value: float) -> float:
    return 100 * float(np.searchsorted(values, value)) / len(values)
