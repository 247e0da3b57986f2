"""Level and spectral shape of a continuation against its song: loudness, flatness and roll-off in windows of 10 s."""

from dataclasses import dataclass
from typing import NamedTuple

import librosa
import numpy as np
from numpy.typing import NDArray

from extrapcli.audio import loudness
from extrapcli.audio.downmix import Downmix
from extrapcli.audio.song import Samples
from extrapcli.audio.steps import Steps

WINDOW_SECONDS, SHORT_TERM_SECONDS = 10, 3
COLLAPSED = -20.0  # LU against the song
SPECTRUM = 2048
ROLLOFF = 0.95  # of the power


@dataclass(frozen=True)
class Levels:
    """Loudness in LUFS, flatness in decibels and roll-off in Hz of each window of a sound, `(windows,)` each.

    `integrated` is the loudness of the whole sound. Silence has a loudness of -70; its flatness and roll-off are NaN.
    """

    loudness: NDArray[np.float64]
    flatness: NDArray[np.float64]
    rolloff: NDArray[np.float64]
    integrated: float

    @classmethod
    def of(cls, samples: Samples, steps: Steps, *, layout: int = 0, silence: float = 0.0) -> "Levels":
        """Measure `(n, channels)`, of which the steps are known, of a layout as in `Song`.

        Up to the power `silence` it is silent.
        """
        sample_rate, downmix = steps.rate, Downmix.of(steps)
        blocks = loudness.momentary(samples, sample_rate, layout)
        loud, shapes = [], []
        for begin, end in windows(len(samples) / sample_rate):
            inside = slice(begin * loudness.PER_SECOND + loudness.BLOCK - 1, end * loudness.PER_SECOND)
            loud.append(loudness.integrated(blocks[inside]))
            window = samples[begin * sample_rate : end * sample_rate]
            mixed = downmix.mix(window, begin * sample_rate)
            sounds = float(np.square(window, dtype=np.float64).mean()) > silence
            shapes.append(flatness_and_rolloff(mixed, sample_rate) if sounds else (np.nan, np.nan))
        flatness, rolloff = np.array(shapes).T
        return cls(np.array(loud), flatness, rolloff, loudness.integrated(blocks[loudness.BLOCK - 1 :]))


class Differences(NamedTuple):
    """Each window of a continuation against the song: loudness in LU, flatness in decibels, roll-off in octaves.

    All are NaN where the whole song is silent, the last two also where the window is.
    """

    loudness: NDArray[np.float64]
    flatness: NDArray[np.float64]
    rolloff: NDArray[np.float64]


def differences(song: Levels, continuation: Levels) -> Differences:
    """Compare each window of a continuation with the song as a whole."""
    return Differences(
        continuation.loudness - (song.integrated if song.integrated > loudness.SILENT else np.nan),
        continuation.flatness - _mean(song.flatness),
        np.log2(continuation.rolloff) - _mean(np.log2(song.rolloff)),
    )


def collapsed_share(loudness_differences: NDArray[np.float64]) -> float:
    """Return the share of windows, 0 to 1, that are at least 20 LU softer than the song; NaN if that is silent."""
    return _mean(np.where(np.isnan(loudness_differences), np.nan, loudness_differences <= COLLAPSED))


def largest(loudness_differences: NDArray[np.float64]) -> float:
    """Return the largest difference, in either direction; NaN if the song is silent."""
    return float(np.abs(loudness_differences).max())


def drift(window_differences: NDArray[np.float64]) -> float:
    """Return the mean of the last quarter of the windows, of at least one; NaN where that is silent."""
    return _mean(window_differences[-max(1, len(window_differences) // 4) :])


def windows(seconds: float) -> list[tuple[int, int]]:
    """Return begin and end, in seconds, of each window of 10 s.

    A rest of less than half a window is left out, unless it is all there is.
    """
    starts = list(range(0, int(np.ceil(seconds)), WINDOW_SECONDS)) or [0]
    if len(starts) > 1 and seconds - starts[-1] < WINDOW_SECONDS / 2:
        starts.pop()
    return [(start, start + WINDOW_SECONDS) for start in starts]


def short_term(samples: Samples, sample_rate: int, *, layout: int = 0) -> NDArray[np.float64]:
    """Measure the ungated loudness in LUFS of the three seconds around each second; -70 for silence."""
    blocks = 10 ** (loudness.momentary(samples, sample_rate, layout) / 10)
    reach, delay = SHORT_TERM_SECONDS * loudness.PER_SECOND // 2, loudness.BLOCK // 2
    centres = range(0, max(1, len(blocks)), loudness.PER_SECOND)
    return np.array([10 * np.log10(blocks[max(0, k - reach + delay) : k + reach + delay].mean()) for k in centres])


def flatness_and_rolloff(sound: NDArray[np.floating], sample_rate: int) -> tuple[float, float]:
    """Measure the mean power spectrum of mono sound `(n,)`, in windows of 2048 samples; NaN for silence.

    Returns the spectral flatness in decibels, the geometric over the arithmetic mean (Gray & Markel 1974), 0 for
    white noise and -60 or less for a tone, and the roll-off: the frequency in Hz below which 95 % of the power lies.
    """
    padded = np.pad(sound, (0, max(0, SPECTRUM - len(sound))))
    power = np.abs(librosa.stft(padded, n_fft=SPECTRUM, hop_length=SPECTRUM // 2, center=False)) ** 2
    spectrum = power.mean(axis=1, keepdims=True)[1:]  # without 0 Hz
    if not spectrum.any():
        return np.nan, np.nan
    flatness = librosa.feature.spectral_flatness(S=spectrum, power=1, amin=1e-12 * spectrum.max())
    frequencies = librosa.fft_frequencies(sr=sample_rate, n_fft=SPECTRUM)[1:]
    rolloff = librosa.feature.spectral_rolloff(S=spectrum, freq=frequencies, roll_percent=ROLLOFF)
    return float(10 * np.log10(flatness[0, 0])), float(rolloff[0, 0])


def _mean(values: NDArray[np.float64]) -> float:
    """Return the mean of what is not NaN; NaN where there is nothing else."""
    return float(np.nanmean(values)) if not np.isnan(values).all() else np.nan
