"""How audible a join is, measured against the song's own beats, and how to keep the beat across a jump.

Everything here works on mono sound at the network's rate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks
from extrapcli.dsp import level_steps, onset_strength

PER_SECOND = 75  # feature frames
ONSET_FRAMES = 2  # an onset may lie this far from the peak of the onset strength
BEAT_FRAMES = 19  # beats are at least a quarter of a second apart
LEVEL_FRAMES = 12  # the level of the 160 ms before is compared with that of the 160 ms after
MAX_SHIFT = 3
MIN_BEAT_CORRELATION = 0.2


@dataclass(frozen=True)
class ShortTimeFeatures:
    """The onset strength in decibels and the power of a sound, `(frames,)` each, 75 frames a second."""

    onset_strength: NDArray[np.float64]
    power: NDArray[np.float32]

    def level_steps(self, begin: NDArray[np.integer], end: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the changes of level, in decibels, from just before frame `begin` to just after frame `end`."""
        return level_steps(self.power, begin, end, span=LEVEL_FRAMES)


def short_time_features(sound: NDArray[np.float32], rate: int) -> ShortTimeFeatures:
    """Measure mono sound `(n,)` at unit level."""
    hop = rate // PER_SECOND
    count = len(sound) // hop
    hops = sound[: count * hop].reshape(-1, hop)
    last = np.square(sound[count * hop :]).sum()
    power = np.concatenate([*(np.einsum("ij,ij->i", chunk, chunk) for chunk in chunks(hops)), [last]]) / hop
    return ShortTimeFeatures(onset_strength(sound, hop=hop), power.astype(np.float32))


def beat_shift(strength: NDArray[np.floating], reference: int, target: int, around: range) -> int:
    """Return the number of frames, -3 to 3, by which to shift `target` so that its beats fall as at `reference`.

    `strength` is the onset strength of the song. Its frames `around` the two are compared by correlation. Returns 0
    where the music has no beats to go by.
    """
    at = np.array([k for k in around if 0 <= reference + k < len(strength)], dtype=int)
    if len(at) < PER_SECOND // 2:
        return 0
    shifts = range(-MAX_SHIFT, MAX_SHIFT + 1)
    rows = np.stack([strength[np.clip(target + at + shift, 0, len(strength) - 1)] for shift in shifts])
    rows = rows - rows.mean(axis=1, keepdims=True)
    wanted = strength[reference + at] - strength[reference + at].mean()
    correlations = rows @ wanted / (np.linalg.norm(rows, axis=1) * np.linalg.norm(wanted) + 1e-9)
    return shifts[int(np.argmax(correlations))] if correlations.max() > MIN_BEAT_CORRELATION else 0


@dataclass(frozen=True)
class BeatStatistics:
    """The onset strengths and the level steps at the song's own beats, each sorted."""

    onset_strengths: NDArray[np.float64]
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
        return cls(np.sort(strength[at]), np.sort(song.level_steps(at - ONSET_FRAMES, at + ONSET_FRAMES)))

    def percentiles(self, sound: ShortTimeFeatures, begin: int, end: int) -> tuple[float, float]:
        """Return the percentiles, among the beats, of the onset strength and the level step between two frames."""
        step = sound.level_steps(np.array([begin]), np.array([end]))[0]
        strongest = sound.onset_strength[begin : end + 1].max()
        return _percentile(self.onset_strengths, strongest), _percentile(self.level_steps, step)


def _percentile(values: NDArray[np.floating], value: float) -> float:
    return 100 * float(np.searchsorted(values, value)) / len(values)
