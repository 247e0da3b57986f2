"""The penalty on playing two layers together, from different positions, that clash in rhythm or harmony."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.dsp import chroma, moving_sum
from extrapcli.extrapolators.recall.analysis import Analysis
from extrapcli.extrapolators.recall.audibility import PER_SECOND

RHYTHM_WEIGHT, HARMONY_WEIGHT = 1.4, 1.0
MIN_SECONDS = 2.5  # rhythms are compared over no less
CHROMA_PER_SECOND = 5


class LayerCompatibility:
    """Knows the rhythm and the harmony of a song at every position."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        strength = analysis.features.onset_strength
        mean = np.convolve(strength, np.ones(PER_SECOND) / PER_SECOND, "same")
        self.onsets = (np.convolve(strength, np.hanning(7)[1:-1] / 3, "same") - mean).astype(np.float32)
        samples = np.array([analysis.sample_at(position) for position in range(analysis.positions)])
        self.starts = samples / analysis.song.sample_rate
        rate = analysis.mono_rate
        mono = analysis.layers[0].mono + analysis.layers[-1].mono
        self.chroma = chroma(mono, sample_rate=rate, hop=rate // CHROMA_PER_SECOND)

    def cost(self, position: float, seconds: float) -> NDArray[np.float32]:
        """Return the cost `(positions,)` of playing each position together with the given one, for so many seconds.

        1.4 (1 - r) + h / mean(h), where r is the correlation of the onset strengths at the best of three offsets of a
        frame, and h = 1 - the mean cosine of the chroma vectors.
        """
        starts = self.starts
        start = self.analysis.sample_at(position) / self.analysis.song.sample_rate
        back = max(0.0, MIN_SECONDS - seconds)
        begin, end = _frames(start - back, start + seconds, PER_SECOND, len(self.onsets))
        rhythm = np.ones(len(starts))
        if end - begin > PER_SECOND:
            correlations = _correlations(self.onsets[begin:end], self.onsets)
            at = np.round(starts * PER_SECOND).astype(int) - (round(start * PER_SECOND) - begin)
            inside = (at >= 1) & (at < len(correlations) - 1)
            best = np.max([correlations[at[inside] + k] for k in (-1, 0, 1)], axis=0)
            rhythm[inside] = 1 - best
        begin, end = _frames(start, start + seconds, CHROMA_PER_SECOND, len(self.chroma))
        at = np.round(starts * CHROMA_PER_SECOND).astype(int)[:, None] + np.arange(end - begin)
        pairs = self.chroma[np.clip(at, 0, len(self.chroma) - 1)] * self.chroma[begin:end]
        harmony = 1 - pairs.sum(axis=2).mean(axis=1)
        relative = HARMONY_WEIGHT * harmony / max(float(harmony.mean()), 1e-3)
        cost: NDArray[np.float32] = (RHYTHM_WEIGHT * rhythm + relative).astype(np.float32)
        return cost


def _frames(begin: float, end: float, per_second: int, count: int) -> tuple[int, int]:
    """Return the first frame, and the one after the last, between two seconds; at least one of `count` frames."""
    first = min(max(0, round(begin * per_second)), count - 1)
    return first, min(max(first + 1, round(end * per_second)), count)


def _correlations(short: NDArray[np.float32], long: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return Pearson's correlation of `short` with every stretch of `long` of its length."""
    n = len(short)
    centred = short - short.mean()
    products = np.correlate(long, centred, "valid")
    variance = moving_sum(long * long, size=n) - moving_sum(long, size=n) ** 2 / n
    result: NDArray[np.float64] = products / np.sqrt(np.maximum(variance, 1e-9) * (centred @ centred + 1e-9))
    return result
