"""How audible a join is: its sharpness, spectral flux and step of level, ranked among the song's own moments.

What is noticed depends on the song: a drum hit is no click in a march. So there are no fixed thresholds. A join gets
the percentile of its strongest moment among all stretches of the song that last as long.
"""

from dataclasses import dataclass
from typing import NamedTuple

import librosa
import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import maximum_filter1d

from extrapcli.audio.resample import resample
from extrapcli.dsp import level_steps
from extrapcli.evaluation.spectra import mel_power

PER_SECOND = 100
ORDER = 24
FRAME_SECONDS, FRAME_MOMENTS = 0.04, 2
CHUNK = 1024
LEVEL_MOMENTS = 40  # 0.4 s on each side of a join
MARGIN_SECONDS = 0.03  # before the fade and after it, which count as part of a join
FLOOR_DECIBELS = -90  # of a residual, against the song's level
FLUX_RATE, FLUX_WINDOW = 24000, 1024
FLUX_DECIBELS = -80  # below which a band counts as silent, against a sine at the song's level


@dataclass(frozen=True)
class Curves:
    """Mono sound measured 100 times a second, each curve `(moments,)`.

    Sharpness and spectral flux are in decibels, power in units of the song's.
    """

    sharpness: NDArray[np.float32]
    flux: NDArray[np.float32]
    power: NDArray[np.float32]

    @classmethod
    def of(cls, sound: NDArray[np.float32], rate: int, *, level: float) -> "Curves":
        """Measure `(n,)`; `level` is the RMS of the song that it belongs to."""
        return cls(
            sharpness(sound, rate, level=level), flux(sound, rate, level=level), power(sound, rate, level=level)
        )

    def level_steps(self, begin: NDArray[np.integer], gap: int) -> NDArray[np.float32]:
        """Compute how many decibels apart the 0.4 s before `begin` and after `begin + gap` are, in moments."""
        return level_steps(self.power, begin, begin + gap, span=LEVEL_MOMENTS)


class JoinPercentiles(NamedTuple):
    """Where a join ranks among the song's own moments, 0 to 100."""

    sharpness: float
    flux: float
    level: float


def join_percentiles(song: Curves, track: Curves, seconds: float, fade_seconds: float) -> JoinPercentiles:
    """Rank the join of a track whose crossfade begins at `seconds` and lasts `fade_seconds`."""
    begin, end = join_moments(seconds, fade_seconds)
    width = end - begin
    sharpest, fastest = (
        _percentile(maximum_filter1d(own, width), curve[max(0, begin) : max(0, begin) + width].max(initial=0))
        for own, curve in ((song.sharpness, track.sharpness), (song.flux, track.flux))
    )
    fade = round(fade_seconds * PER_SECOND)
    everywhere = np.arange(LEVEL_MOMENTS, max(LEVEL_MOMENTS + 1, len(song.power) - fade - LEVEL_MOMENTS))
    step = track.level_steps(np.array([round(seconds * PER_SECOND)]), fade)[0]
    return JoinPercentiles(sharpest, fastest, _percentile(song.level_steps(everywhere, fade), step))


def join_moments(seconds: float, fade_seconds: float) -> tuple[int, int]:
    """Return the first moment that belongs to a join, and the first one after it."""
    begin, end = seconds - MARGIN_SECONDS, seconds + fade_seconds + MARGIN_SECONDS
    return round(begin * PER_SECOND), round(end * PER_SECOND) + 1


def curve_length(sound: NDArray[np.float32], rate: int) -> int:
    """Return how many moments, at least one, a sound lasts."""
    return max(1, round(len(sound) / rate * PER_SECOND))


def sharpness(sound: NDArray[np.float32], rate: int, *, level: float) -> NDArray[np.float32]:
    """Measure how far the sharpest sample of each 10 ms is from what linear prediction expects, in decibels.

    `20 log10(max |e| / s)`: e is the residual of linear prediction of order 24 by the autocorrelation method in
    frames of 40 ms (Makhoul 1975), s its scale in the frame, median |e| / 0.6745 (Vaseghi & Rayner 1990, as in
    Essentia's ClickDetector), at least -90 dB against `level`. Music gives 8 to 25 dB, a splice in a smooth waveform
    40 and more. librosa's linear prediction (Burg's) takes five times as long, and seconds to compile.
    """
    size, moments = round(FRAME_SECONDS * rate), FRAME_MOMENTS
    hop = -(-moments * rate // PER_SECOND)
    order = min(ORDER, size // 4)
    count = curve_length(sound, rate)
    starts = np.arange(-(-count // moments)) * moments * rate // PER_SECOND
    before = (size - hop) // 2
    padded = np.pad(sound, (before, size + hop), "reflect", reflect_type="odd")
    shape = np.hanning(size).astype(np.float32)
    lags = np.abs(np.subtract.outer(np.arange(order), np.arange(order)))
    length = fft.next_fast_len(size + order + 1, real=True)
    floor = max(level, 1e-9) * 10 ** (FLOOR_DECIBELS / 20)
    decibels = []
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
        at = starts[begin : begin + CHUNK, None] + np.arange(hop)
        middle[(at < order) | (at >= len(sound))] = 0  # the ends of a sound, which are cut off, are not clicks
        sharpest = np.maximum.reduceat(middle, np.arange(moments) * hop // moments, axis=1)
        decibels.append(20 * np.log10(np.maximum(sharpest / np.maximum(scale, floor)[:, None], 1)))
    return np.concatenate(decibels).reshape(-1)[:count].astype(np.float32)


def flux(sound: NDArray[np.float32], rate: int, *, level: float) -> NDArray[np.float32]:
    """Compute the spectral flux: the mean rise of 64 mel bands in decibels over 10 ms (Böck & Widmer 2013).

    Bands count down to 80 dB below a sine at `level`, so that silence rises to nothing.
    """
    resampled = resample(sound[:, None], from_rate=rate, to_rate=FLUX_RATE)[:, 0]
    count = curve_length(sound, rate)
    padded = np.pad(resampled, (0, max(0, count * FLUX_RATE // PER_SECOND - len(resampled))))
    bands = mel_power(padded, FLUX_RATE, per_second=PER_SECOND, window=FLUX_WINDOW)[:count]
    silent = (max(level, 1e-9) * FLUX_WINDOW) ** 2 * 10 ** (FLUX_DECIBELS / 10)
    decibels = 10 * np.log10(bands + silent)
    rise: NDArray[np.float32] = librosa.onset.onset_strength(
        S=decibels.T, sr=PER_SECOND, hop_length=1, center=False, lag=1, max_size=1
    )
    return rise


def power(sound: NDArray[np.float32], rate: int, *, level: float) -> NDArray[np.float32]:
    """Compute the mean square of each 10 ms, in units of `level` squared."""
    count = curve_length(sound, rate)
    edges = np.minimum(np.arange(count + 1) * rate // PER_SECOND, len(sound))
    sums = np.add.reduceat(np.append(np.square(sound), np.float32(0)), edges[:-1])
    means: NDArray[np.float32] = (sums / np.maximum(np.diff(edges), 1) / max(level, 1e-9) ** 2).astype(np.float32)
    return means


def _percentile(values: NDArray[np.float32], value: float) -> float:
    """Return the percentage of values that are smaller, equal ones counting half."""
    ordered = np.sort(values)
    below, up_to = np.searchsorted(ordered, value, "left"), np.searchsorted(ordered, value, "right")
    return 50 * float(below + up_to) / len(ordered)
