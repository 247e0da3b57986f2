"""Does a continuation keep the level and the colour of its song? Loudness, silence, flatness and bandwidth.

Everything is taken in windows of ten seconds, as long as a block, and told against the song.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio import loudness
from extrapcli.audio.song import Samples

Array = NDArray[np.float64]

WINDOW_SECONDS, SHORT_TERM_SECONDS = 10, 3
COLLAPSED = -20.0  # LU against the song
SPECTRUM = 2048
WIDTH = 0.95  # share of the power within the bandwidth


@dataclass(frozen=True)
class Levels:
    """Loudness in LUFS, flatness in decibels and bandwidth in Hz of each window of a sound; `whole` is all of it.

    Silence has a loudness of -70; its flatness and bandwidth are NaN.
    """

    loudness: Array
    flatness: Array
    bandwidth: Array
    whole: float

    @classmethod
    def of(cls, samples: Samples, sample_rate: int) -> "Levels":
        """Measure `(n, channels)`; a rest of less than half a window is left out, unless it is all there is."""
        blocks = loudness.momentary(samples, sample_rate)
        loud, colours = [], []
        for begin, end in windows(len(samples) / sample_rate):
            loud.append(
                loudness.integrated(
                    blocks[begin * loudness.PER_SECOND + loudness.BLOCK - 1 :][
                        : (end - begin) * loudness.PER_SECOND - loudness.BLOCK + 1
                    ]
                )
            )
            colours.append(colour(samples[begin * sample_rate : end * sample_rate].mean(axis=1), sample_rate))
        flatness, bandwidth = np.array(colours).T
        return cls(np.array(loud), flatness, bandwidth, loudness.integrated(blocks[loudness.BLOCK - 1 :]))


@dataclass(frozen=True)
class Departures:
    """How far a continuation leaves its song.

    `largest`: the largest difference of a window's loudness from the song's, LU, 0 and more. `collapsed`: the share
    of windows, 0 to 1, that are 20 LU softer than the song, or more. The drifts are those of the last quarter of
    the windows, one at least, against the song: loudness in LU, flatness in decibels, bandwidth in octaves; None
    where that is silent.
    """

    largest: float
    collapsed: float
    loudness_drift: float
    flatness_drift: float | None
    bandwidth_drift: float | None


def course(song: Levels, continuation: Levels) -> tuple[Array, Array, Array]:
    """How far each window is from the song: loudness in LU, flatness in decibels, bandwidth in octaves.

    The last two are NaN where the window, or the song, is silent.
    """
    octaves = np.log2(continuation.bandwidth) - _mean(np.log2(song.bandwidth))
    return continuation.loudness - song.whole, continuation.flatness - _mean(song.flatness), octaves


def departures(song: Levels, continuation: Levels) -> Departures:
    """Compare the windows of a continuation with its song."""
    loud, flat, octaves = course(song, continuation)
    last = slice(-max(1, len(loud) // 4), None)
    drifts = [None if np.isnan(drift := _mean(kind[last])) else drift for kind in (flat, octaves)]
    return Departures(float(np.abs(loud).max()), float((loud <= COLLAPSED).mean()), float(loud[last].mean()), *drifts)


def windows(seconds: float) -> list[tuple[int, int]]:
    """Begin and end, in seconds, of each ten; a rest of half of that or more is a window too, and all there is."""
    cuts = list(range(0, int(np.ceil(seconds)), WINDOW_SECONDS)) or [0]
    if len(cuts) > 1 and seconds - cuts[-1] < WINDOW_SECONDS / 2:
        cuts.pop()
    return [(cut, cut + WINDOW_SECONDS) for cut in cuts]


def short_term(samples: Samples, sample_rate: int) -> Array:
    """Loudness in LUFS of the blocks of 0.4 s in the three seconds around each second, not gated; -70 for silence."""
    blocks = 10 ** (loudness.momentary(samples, sample_rate) / 10)
    reach = SHORT_TERM_SECONDS * loudness.PER_SECOND // 2
    centres = np.arange(0, max(1, len(blocks)), loudness.PER_SECOND)
    means = [
        blocks[max(0, k - reach + loudness.BLOCK // 2) : k + reach + loudness.BLOCK // 2].mean() for k in centres
    ]
    return np.asarray(10 * np.log10(means))


def colour(sound: NDArray[np.floating], sample_rate: int) -> tuple[float, float]:
    """The flatness in decibels and the bandwidth in Hz of mono sound `(n,)`, NaN for silence.

    Flatness is the geometric by the arithmetic mean of the power spectrum (Gray & Markel 1974), 0 for white noise and
    -60 or less for a tone; bandwidth is the frequency below which 95 % of the power lies. The spectrum is the mean
    over windows of 2048 samples.
    """
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, (0, max(0, SPECTRUM - len(sound)))), SPECTRUM)
    shape = np.hanning(SPECTRUM).astype(np.float32)
    spectrum = np.square(np.abs(np.fft.rfft(frames[:: SPECTRUM // 2] * shape))).mean(axis=0)[1:]
    if spectrum.sum() <= 0:
        return np.nan, np.nan
    spectrum = spectrum + spectrum.max() * 1e-12
    flatness = 10 * np.log10(np.exp(np.log(spectrum).mean()) / spectrum.mean())
    within = np.searchsorted(np.cumsum(spectrum), WIDTH * spectrum.sum()) + 1
    return float(flatness), float(within * sample_rate / SPECTRUM)


def _mean(values: Array) -> float:
    """The mean of what is not NaN; NaN where there is nothing else."""
    return float(np.nanmean(values)) if not np.isnan(values).all() else np.nan
