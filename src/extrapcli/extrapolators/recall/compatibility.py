"""How well the parts of a song fit together when they are played from different places: beat and harmony."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.analysis import SongMap
from extrapcli.extrapolators.recall.texture import PER_SECOND

BEAT_WEIGHT, HARMONY_WEIGHT = 1.4, 1.0
MIN_SECONDS = 2.5  # beats are compared over no less
CHROMA_WINDOW = 8192
CHROMA_PER_SECOND = 5
LOWEST, HIGHEST = 80.0, 3000.0  # Hz: where notes are
TUNING_WIDTH = 0.35  # semitones

Array = NDArray[np.float32]


class Fit:
    """The rhythm and the harmony of a song at every place."""

    def __init__(self, song_map: SongMap) -> None:
        self.map = song_map
        flux = song_map.texture.flux
        width = PER_SECOND
        around = np.convolve(flux, np.ones(width) / width, "same")
        self.onsets = (np.convolve(flux, np.hanning(7)[1:-1] / 3, "same") - around).astype(np.float32)
        self.starts = np.array([song_map.sample(k) for k in range(song_map.places)]) / song_map.song.sample_rate
        self.chroma = _chroma(song_map.parts[0].mono + song_map.parts[-1].mono, song_map.rate)

    def cost(self, place: float, seconds: float) -> Array:
        """What it costs to play each place of the song together with `place`, for so many seconds from there."""
        starts = self.starts
        start = self.map.sample(place) / self.map.song.sample_rate
        back = max(0.0, MIN_SECONDS - seconds)
        begin, end = _slice(start - back, start + seconds, PER_SECOND, len(self.onsets))
        beat = np.ones(len(starts))
        if end - begin > PER_SECOND:
            correlations = _correlations(self.onsets[begin:end], self.onsets)
            at = np.round(starts * PER_SECOND).astype(int) - (round(start * PER_SECOND) - begin)
            within = (at >= 1) & (at < len(correlations) - 1)
            near = np.max([correlations[at[within] + k] for k in (-1, 0, 1)], axis=0)
            beat[within] = 1 - near
        begin, end = _slice(start, start + seconds, CHROMA_PER_SECOND, len(self.chroma))
        at = np.round(starts * CHROMA_PER_SECOND).astype(int)[:, None] + np.arange(end - begin)
        pairs = self.chroma[np.clip(at, 0, len(self.chroma) - 1)] * self.chroma[begin:end]
        harmony = 1 - pairs.sum(axis=2).mean(axis=1)
        cost: Array = (BEAT_WEIGHT * beat + HARMONY_WEIGHT * harmony / max(float(harmony.mean()), 1e-3)).astype(
            np.float32
        )
        return cost


def _slice(begin: float, end: float, per_second: int, count: int) -> tuple[int, int]:
    first = min(max(0, round(begin * per_second)), count - 1)
    return first, min(max(first + 1, round(end * per_second)), count)


def _correlations(short: Array, long: Array) -> NDArray[np.float64]:
    """Pearson's correlation of `short` with every stretch of `long` of its length."""
    n = len(short)
    centred = short - short.mean()
    products = np.correlate(long, centred, "valid")
    sums, squares = (np.concatenate([[0], np.cumsum(v, dtype=np.float64)]) for v in (long, long * long))
    variance = (squares[n:] - squares[:-n]) - (sums[n:] - sums[:-n]) ** 2 / n
    result: NDArray[np.float64] = products / np.sqrt(np.maximum(variance, 1e-9) * (centred @ centred + 1e-9))
    return result


def _chroma(sound: Array, rate: int) -> Array:
    """The strength of the 12 pitch classes, `(n, 12)` of unit length, 5 rows a second."""
    hop = rate // CHROMA_PER_SECOND
    padded = np.pad(sound, CHROMA_WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, CHROMA_WINDOW)[::hop]
    frequencies = np.fft.rfftfreq(CHROMA_WINDOW, 1 / rate)
    notes = np.flatnonzero((frequencies > LOWEST) & (frequencies < HIGHEST))
    semitones = 12 * np.log2(frequencies[notes] / 440)
    apart = (semitones[:, None] - np.arange(12) + 6) % 12 - 6
    weights = np.exp(-0.5 * (apart / TUNING_WIDTH) ** 2) / np.sqrt(frequencies[notes])[:, None]
    shape = np.hanning(CHROMA_WINDOW).astype(np.float32)
    strength = np.stack([np.abs(np.fft.rfft(frame * shape)[notes]) @ weights for frame in frames])
    smooth = np.apply_along_axis(np.convolve, 0, strength, np.ones(3) / 3, "same")
    smooth = smooth - smooth.min(axis=1, keepdims=True)
    unit: Array = (smooth / (np.linalg.norm(smooth, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return unit
