"""How audible a join is, measured against the song's own beats, and how to keep the beat across a jump.

Everything here works on mono sound at the network's rate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import pieces

PER_SECOND = 75  # feature frames
WINDOW = 1024
BANDS = 24
FLOOR = 1e-6  # of power, relative to the song's own
LAG = 2  # frames between the spectra compared
BEAT_FRAMES = 19  # beats are at least a quarter of a second apart
LEVEL_FRAMES = 12  # the level of the 160 ms before is compared with that of the 160 ms after
MAX_SHIFT = 3
MIN_BEAT_CORRELATION = 0.2
CHUNK = 512
_EDGES = np.unique(np.geomspace(2, WINDOW // 2, BANDS + 1).astype(int))
_WINDOW_SHAPE = np.hanning(WINDOW).astype(np.float32)


@dataclass(frozen=True)
class ShortTimeFeatures:
    """The onset strength in decibels and the power of a sound, `(frames,)` each, 75 frames a second."""

    onset_strength: NDArray[np.float32]
    power: NDArray[np.float32]

    def level_steps(self, begin: NDArray[np.integer], end: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the changes of level, in decibels, from just before frame `begin` to just after frame `end`."""
        n = len(self.power)
        sums = np.concatenate([[0], np.cumsum(self.power, dtype=np.float64)])
        begin, end = np.clip(begin, 1, n), np.clip(end, 0, n - 1)
        first, last = np.maximum(begin - LEVEL_FRAMES, 0), np.minimum(end + LEVEL_FRAMES, n)
        before = (sums[begin] - sums[first]) / (begin - first)
        after = (sums[last] - sums[end]) / (last - end)
        steps: NDArray[np.float32] = np.abs(10 * np.log10((after + FLOOR) / (before + FLOOR))).astype(np.float32)
        return steps


def short_time_features(sound: NDArray[np.float32], rate: int) -> ShortTimeFeatures:
    """Measure `(n,)` at unit level.

    The onset strength is the spectral flux: the mean rise of 24 bands, equally wide in octaves, over 27 ms.
    """
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
    onset_strength = np.pad(rise, (LAG // 2, LAG - LAG // 2))
    hops = sound[: (count - 1) * hop].reshape(-1, hop)
    last = np.square(sound[(count - 1) * hop :]).sum()
    power = np.concatenate([*(np.einsum("ij,ij->i", piece, piece) for piece in pieces(hops)), [last]]) / hop
    return ShortTimeFeatures(onset_strength, power.astype(np.float32))


def _stretch(sound: NDArray[np.float32], begin: int, size: int) -> NDArray[np.float32]:
    """Return `size` samples of a sound from `begin` on, with silence before and after it."""
    there = sound[max(0, begin) : max(0, begin + size)]
    before = max(0, -begin)
    return np.pad(there, (before, size - before - len(there)))


def beat_shift(onset_strength: NDArray[np.float32], reference: int, target: int, around: range) -> int:
    """Return the number of frames, -3 to 3, by which to shift `target` so that its beats fall as at `reference`.

    The onset strength in the frames `around` the two is compared by correlation. Returns 0 where the music has no
    beats to go by.
    """
    at = np.array([k for k in around if 0 <= reference + k < len(onset_strength)], dtype=int)
    if len(at) < PER_SECOND // 2:
        return 0
    shifts = range(-MAX_SHIFT, MAX_SHIFT + 1)
    rows = np.stack([onset_strength[np.clip(target + at + shift, 0, len(onset_strength) - 1)] for shift in shifts])
    rows = rows - rows.mean(axis=1, keepdims=True)
    wanted = onset_strength[reference + at] - onset_strength[reference + at].mean()
    correlations = rows @ wanted / (np.linalg.norm(rows, axis=1) * np.linalg.norm(wanted) + 1e-9)
    return shifts[int(np.argmax(correlations))] if correlations.max() > MIN_BEAT_CORRELATION else 0


@dataclass(frozen=True)
class BeatStatistics:
    """The onset strengths and the level steps at the song's own beats, each sorted."""

    onset_strengths: NDArray[np.float32]
    level_steps: NDArray[np.float32]

    @classmethod
    def of(cls, song: ShortTimeFeatures) -> "BeatStatistics":
        """Collect them at the local peaks of the onset strength."""
        strength = song.onset_strength
        around = np.lib.stride_tricks.sliding_window_view(np.pad(strength, BEAT_FRAMES // 2), BEAT_FRAMES)
        inside = np.pad(np.ones(max(0, len(strength) - 2 * LEVEL_FRAMES), bool), LEVEL_FRAMES)[: len(strength)]
        at = np.flatnonzero((strength == around.max(axis=1)) & (strength > 0) & inside)
        if not len(at):
            at = np.array([0])
        return cls(np.sort(strength[at]), np.sort(song.level_steps(at - LAG, at + LAG)))

    def percentiles(self, sound: ShortTimeFeatures, begin: int, end: int) -> tuple[float, float]:
        """Return the percentiles, among the beats, of the onset strength and the level step between two frames."""
        step = sound.level_steps(np.array([begin]), np.array([end]))[0]
        strongest = sound.onset_strength[begin : end + 1].max()
        return _percentile(self.onset_strengths, strongest), _percentile(self.level_steps, step)


def _percentile(values: NDArray[np.float32], value: float) -> float:
    return 100 * float(np.searchsorted(values, value)) / len(values)
