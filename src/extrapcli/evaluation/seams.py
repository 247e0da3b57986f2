"""Can a join be heard? Clicks, spectral flux and steps of level, each against the song's own moments.

What a join is worth is a matter of the song: a drum hit is no click in a march. So nothing here is measured against
a fixed threshold. A join gets the percentile that the strongest moment in it has among all stretches of the song
that last as long.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import maximum_filter1d

from extrapcli.audio.resample import resample
from extrapcli.evaluation.spectra import mel_energies

Array = NDArray[np.float32]

PER_SECOND = 100
ORDER = 24
FRAME_SECONDS, FRAME_MOMENTS = 0.04, 2
CHUNK = 1024
LEVEL_SECONDS = 0.4
AROUND_SECONDS = 0.03  # a join is looked at from this long before its fade to this long after it
FLOOR = 1e-6  # of power, against the sound's own
FLOOR_DECIBELS = -90  # of a residual, against the song's level
FLUX_RATE, FLUX_WINDOW = 24000, 1024


@dataclass(frozen=True)
class Moments:
    """What mono sound does 100 times a second: clicks and flux in decibels, power in units of the song's."""

    clicks: Array
    flux: Array
    power: Array

    @classmethod
    def of(cls, sound: Array, rate: int, *, level: float) -> "Moments":
        """Measure `(n,)`; `level` is the RMS of the song that it belongs to."""
        return cls(clicks(sound, rate, level=level), flux(sound, rate, level=level), power(sound, rate, level=level))

    def steps(self, begin: NDArray[np.integer], gap: int) -> Array:
        """The difference in decibels of the level in the 0.4 s before `begin` and after `begin + gap`, in moments."""
        size = round(LEVEL_SECONDS * PER_SECOND)
        sums = np.concatenate([[0.0], np.cumsum(self.power, dtype=np.float64)])
        n = len(self.power)
        first, left = np.clip(begin - size, 0, n), np.clip(begin, 0, n)
        right, last = np.clip(begin + gap, 0, n), np.clip(begin + gap + size, 0, n)
        before = (sums[left] - sums[first]) / np.maximum(left - first, 1)
        after = (sums[last] - sums[right]) / np.maximum(last - right, 1)
        steps: Array = np.abs(10 * np.log10((after + FLOOR) / (before + FLOOR))).astype(np.float32)
        return steps


@dataclass(frozen=True)
class Seam:
    """The percentiles, 0 to 100, of a join's click, flux and step of level among a song's own moments."""

    click: float
    flux: float
    level: float


def seam(song: Moments, track: Moments, seconds: float, fade_seconds: float) -> Seam:
    """Judge the join of a track whose crossfade begins at `seconds` and lasts `fade_seconds`."""
    begin, end = (
        round((seconds - AROUND_SECONDS) * PER_SECOND),
        round((seconds + fade_seconds + AROUND_SECONDS) * PER_SECOND),
    )
    width = end - begin + 1
    ranks = []
    for own, there in ((song.clicks, track.clicks), (song.flux, track.flux)):
        value = there[max(0, begin) : max(0, begin) + width].max(initial=0)
        ranks.append(_percentile(maximum_filter1d(own, width), value))
    fade = round(fade_seconds * PER_SECOND)
    size = round(LEVEL_SECONDS * PER_SECOND)
    everywhere = np.arange(size, max(size + 1, len(song.power) - fade - size))
    step = track.steps(np.array([round(seconds * PER_SECOND)]), fade)[0]
    return Seam(ranks[0], ranks[1], _percentile(song.steps(everywhere, fade), step))


def moments_of(sound: Array, rate: int) -> int:
    """How many moments, one at least, sound lasts."""
    return max(1, round(len(sound) / rate * PER_SECOND))


def clicks(sound: Array, rate: int, *, level: float) -> Array:
    """How much the worst sample of each 10 ms stands out from what linear prediction expects, in decibels.

    `20 log10(max |e| / s)`: e is the residual of linear prediction of order 24 by the autocorrelation method in
    frames of 40 ms (Makhoul 1975), s its scale in the frame, median |e| / 0.6745 (Vaseghi & Rayner 1990, as in
    Essentia's ClickDetector). Music gives 8 to 25 dB, a splice in a smooth waveform 40 and more.
    `s` is at least -90 dB against `level`.
    """
    size, moments = round(FRAME_SECONDS * rate), FRAME_MOMENTS
    hop = -(-moments * rate // PER_SECOND)
    order = min(ORDER, size // 4)
    count = moments_of(sound, rate)
    starts = np.arange(-(-count // moments)) * moments * rate // PER_SECOND
    before = (size - hop) // 2
    padded = np.pad(sound, (before, size + hop), "reflect", reflect_type="odd")
    shape = np.hanning(size).astype(np.float32)
    lags = np.abs(np.subtract.outer(np.arange(order), np.arange(order)))
    length = fft.next_fast_len(size + order + 1, real=True)
    floor = max(level, 1e-9) * 10 ** (FLOOR_DECIBELS / 20)
    strengths = []
    for begin in range(0, len(starts), CHUNK):
        frames = np.lib.stride_tricks.sliding_window_view(padded, size)[starts[begin : begin + CHUNK]]
        bins = np.abs(fft.rfft(frames * shape, length)) ** 2
        correlation = fft.irfft(bins, length)[:, : order + 1].astype(np.float64)
        correlation[:, 0] = correlation[:, 0] * (1 + 1e-5) + floor**2 * size
        weights = np.linalg.solve(correlation[:, lags], correlation[:, 1:, None])[..., 0].astype(np.float32)
        kernel = np.concatenate([np.ones((len(weights), 1), np.float32), -weights], axis=1)
        residual = np.abs(fft.irfft(fft.rfft(frames, length) * fft.rfft(kernel, length), length))[:, order:size]
        scale = np.median(residual[:, ::4], axis=1) / 0.6745
        middle = residual[:, before - order :][:, :hop]
        places = starts[begin : begin + CHUNK, None] + np.arange(hop)
        middle[(places < order) | (places >= len(sound))] = 0  # music that is cut off does not click there
        strongest = np.maximum.reduceat(middle, np.arange(moments) * hop // moments, axis=1)
        strengths.append(20 * np.log10(np.maximum(strongest / np.maximum(scale, floor)[:, None], 1)))
    return np.concatenate(strengths).reshape(-1)[:count].astype(np.float32)


def flux(sound: Array, rate: int, *, level: float) -> Array:
    """The mean rise of 64 mel bands in decibels over 10 ms (spectral flux: Böck & Widmer 2013), 100 times a second.

    Bands are followed down to 80 dB below `level`, so that silence rises to nothing.
    """
    at_rate = resample(sound[:, None], from_rate=rate, to_rate=FLUX_RATE)[:, 0]
    count = moments_of(sound, rate)
    whole = np.pad(at_rate, (0, max(0, count * FLUX_RATE // PER_SECOND - len(at_rate))))
    energy = mel_energies(whole, FLUX_RATE, per_second=PER_SECOND, window=FLUX_WINDOW)[:count]
    decibels = 10 * np.log10(energy + (max(level, 1e-9) * FLUX_WINDOW) ** 2 * 1e-8)
    rise: Array = np.maximum(0, np.diff(decibels, axis=0, prepend=decibels[:1])).mean(axis=1)
    return rise


def power(sound: Array, rate: int, *, level: float) -> Array:
    """The mean square of each 10 ms, in units of `level` squared."""
    count = moments_of(sound, rate)
    edges = np.minimum(np.arange(count + 1) * rate // PER_SECOND, len(sound))
    sums = np.add.reduceat(np.append(np.square(sound), np.float32(0)), edges[:-1])
    means: Array = (sums / np.maximum(np.diff(edges), 1) / max(level, 1e-9) ** 2).astype(np.float32)
    return means


def _percentile(values: Array, value: float) -> float:
    """The share, in percent, of values that are smaller, and of half of those that are the same."""
    ordered = np.sort(values)
    below, up_to = np.searchsorted(ordered, value, "left"), np.searchsorted(ordered, value, "right")
    return 50 * float(below + up_to) / len(ordered)
