"""What the discriminator is given: numbers that describe a window of sound of 5.12 s, mostly how it goes on in it.

A window is a log-mel spectrogram `(256, 64)` in decibels, 50 frames a second. The functions take many at once,
`(windows, 256, 64)`, and return `(windows, numbers)`. What a join does: onsets come too early or twice, the beat or
the harmony after it has little to do with that before it, the spectrum or the level steps.
"""

import numpy as np
from numpy.typing import NDArray

from extrapcli.evaluation.spectra import mel_power

Array = NDArray[np.float32]

RATE, PER_SECOND, FRAMES, BANDS = 22050, 50, 256, 64
SPECTRUM, HIGHEST_HERTZ = 1024, 10500
SILENT = 1e-12
RANGE_DECIBELS = 60  # below the loudest of a window nothing is heard
GROUP = 8  # bands that make one onset strength
DOUBLED = 14  # frames, 0.28 s: two onsets so near each other are heard as one that is doubled
LAGS = slice(14, 130)  # frames, 0.28 to 2.6 s, between beats or half bars
NOVELTY_FRAMES = (4, 12, 50, 100)  # before and after a moment
LIKENESS_LAGS = (6, 12, 18, 24, 30, 36, 42, 50, 60, 70, 80, 100, 120, 150, 180)


def log_mel(sound: NDArray[np.float32]) -> Array:
    """Compute the spectra of mono sound `(n,)` at 22050 Hz, in decibels: `(n // 441, 64)`."""
    power = mel_power(sound, RATE, per_second=PER_SECOND, window=SPECTRUM, bands=BANDS, highest=HIGHEST_HERTZ, norm=1)
    decibels: Array = 10 * np.log10(power + SILENT)
    return decibels


def window_features(windows: Array) -> Array:
    """Describe windows `(windows, 256, 64)`."""
    heard = np.maximum(windows, windows.max(axis=(1, 2), keepdims=True) - RANGE_DECIBELS)
    rises = np.maximum(0, np.diff(heard, axis=1)).reshape(len(heard), FRAMES - 1, -1, GROUP).mean(axis=3)
    groups = (
        _onsets(rises), _beats(rises.mean(axis=2)), _novelty(heard), _likeness(heard), _shape(heard)
    )  # fmt: skip
    return np.hstack([np.asarray(column, np.float32) for group in groups for column in group])


def _onsets(rises: Array) -> list[Array]:
    """Describe onset strengths `(windows, frames, groups of bands)`: how strong, how even, how near each other."""
    mean, all_bands = rises.mean(axis=1), rises.mean(axis=2)
    low, high = rises[..., :3].mean(axis=2), rises[..., 5:].mean(axis=2)
    return [
        mean,
        rises.std(axis=1) / (mean + 0.1),
        np.percentile(rises, 98, axis=1).astype(np.float32),
        _column(all_bands.max(axis=1) / (all_bands.mean(axis=1) + 0.1)),
        *(_autocorrelation(strength, DOUBLED) for strength in (all_bands, low, high)),
    ]


def _beats(strength: Array) -> list[Array]:
    """Compare how periodic onset strength `(windows, frames)` is as a whole, and in its halves."""
    half = strength.shape[1] // 2
    whole = _autocorrelation(strength, LAGS.stop)[:, LAGS]
    halves = [_autocorrelation(part, 100)[:, LAGS] for part in (strength[:, :half], strength[:, -half:])]
    peaks = [one.max(axis=1) for one in (whole, *halves)]
    return [_column(value) for value in (*peaks, whole.argmax(axis=1), peaks[0] - sum(peaks[1:]) / 2)] + [
        _column(_correlation(*halves))
    ]


def _novelty(heard: Array) -> list[Array]:
    """Describe how much the mean spectrum and its level change at each moment, over four lengths of time."""
    sums = np.cumsum(np.pad(heard, ((0, 0), (1, 0), (0, 0))), axis=1, dtype=np.float64)
    columns = []
    for size in NOVELTY_FRAMES:
        means = (sums[:, size:] - sums[:, :-size]) / size
        step = (means[:, size:] - means[:, :-size])[:, ::2]
        level = step.mean(axis=2)
        for change in (np.abs(step).mean(axis=2), step.std(axis=2)):
            most = change.max(axis=1)
            columns += [most, change.mean(axis=1), most / (np.median(change, axis=1) + 0.3)]
        columns += [np.abs(level).max(axis=1), level.std(axis=1)]
    return [_column(column) for column in columns]


def _likeness(heard: Array) -> list[Array]:
    """Describe how alike moments some time apart are: on the whole, at least, and across the middle."""
    frames = heard[:, ::2] - heard[:, ::2].mean(axis=1, keepdims=True)
    frames /= np.linalg.norm(frames, axis=2, keepdims=True) + 1e-3
    likeness = frames @ frames.transpose(0, 2, 1)
    diagonals = [np.diagonal(likeness, lag // 2, 1, 2) for lag in LIKENESS_LAGS]
    half = likeness.shape[1] // 2
    within = (likeness[:, :half, :half].mean(axis=(1, 2)) + likeness[:, half:, half:].mean(axis=(1, 2))) / 2
    columns = [diagonal.mean(axis=1) for diagonal in diagonals] + [diagonal.std(axis=1) for diagonal in diagonals]
    columns += [_lowest(diagonal) for diagonal in diagonals] + [likeness[:, :half, half:].mean(axis=(1, 2)) - within]
    return [_column(column) for column in columns]


def _lowest(values: Array) -> Array:
    """Return the lowest mean of a third of a second of values, 25 a second, in each row."""
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    lowest: Array = (sums[:, 8:] - sums[:, :-8]).min(axis=1) / 8
    return lowest


def _shape(heard: Array) -> list[Array]:
    """Describe the spectrum, how much it moves, and how much it stands out from its median."""
    mean = heard.mean(axis=(1, 2))
    bands = heard.reshape(*heard.shape[:2], 16, 4)
    return [
        bands.mean(axis=(1, 3)) - mean[:, None],
        bands.mean(axis=3).std(axis=1),
        _column(heard.max(axis=2).std(axis=1)),
        _column((heard.max(axis=1) - np.median(heard, axis=1)).mean(axis=1)),
    ]


def _autocorrelation(values: Array, lags: int) -> Array:
    """Compute the normalised autocorrelation of each row at lags from 1 to `lags`."""
    centred = values - values.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * values.shape[1])
    found = np.fft.irfft(np.abs(spectrum) ** 2)[:, : lags + 1]
    normalised: Array = (found[:, 1:] / (found[:, :1] + 1e-6)).astype(np.float32)
    return normalised


def _correlation(one: Array, other: Array) -> Array:
    """Compute Pearson's correlation of the rows."""
    one, other = (values - values.mean(axis=1, keepdims=True) for values in (one, other))
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    found: Array = (one * other).sum(axis=1) / (norms + 1e-6)
    return found


def _column(values: NDArray[np.generic]) -> Array:
    column: Array = np.asarray(values, np.float32)[:, None]
    return column
