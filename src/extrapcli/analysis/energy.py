"""How loud and how energetic a song is from moment to moment."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.spectra import FRAMES, FRAMES_PER_SECOND, MOMENTS_PER_SECOND, RATE, Levels
from extrapcli.dsp import band_edges
from extrapcli.dsp.onset import FLOOR, WINDOW

SILENT = -70.0  # LUFS
LOUDNESS_MOMENTS = round(0.4 * MOMENTS_PER_SECOND)  # momentary loudness is that of 0.4 s
SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285), (1, -1.69065929318241, 0.73248077421585)
HIGH_PASS = (1, -2, 1), (1, -1.99004745483398, 0.99007225036621)
FILTER_RATE = 48000  # Hz, at which ITU-R BS.1770-4 gives these two filters

ENERGY_MOMENTS = 4 * MOMENTS_PER_SECOND
ONSET_DECIBELS = 4.0
ONSET_FRAMES = 3  # in these before and after it, an onset is the strongest
TINY = 1e-9
CHUNK_MOMENTS = 8192
BASS_HERTZ = 150.0
SLOPE = 0.64  # with which energy varies within and between songs as ratings do
FEATURES = {
    "onset strength": (0.63, 1.76, 0.49),  # decibels a frame
    "onsets": (0.40, 2.67, 1.76),  # a second
    "frequency": (0.48, 8.44, 0.80),  # octaves above 1 Hz
    "loudness": (0.39, -16.2, 4.9),  # LUFS
    "bass": (0.20, 0.33, 0.23),
}
"""The weight of each feature of energy, and its mean and deviation over 500 stretches of 3 s in 25 songs."""


def loudness(levels: Levels, decibels: float) -> NDArray[np.float64]:
    """Return the momentary loudness of a sound, `(moments,)` in LUFS, -70 and more, each value over 0.4 s around it.

    The powers of the bands are weighted as in ITU-R BS.1770-4. `decibels` is the level that the sound had, of all its
    channels together, before it was brought to unit level.
    """
    edges = band_edges()
    weights = np.add.reduceat(_k_weights(np.arange(edges[-1]) * RATE / WINDOW), edges[:-1])
    weights *= 2 / np.square(np.hanning(WINDOW)).sum()
    powers = _around(np.concatenate([part @ weights for part in _powers(levels)]), LOUDNESS_MOMENTS)
    return np.maximum(SILENT, 10 * np.log10(powers + 1e-12) + decibels - 0.691)


def _k_weights(hertz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return by how much the power at some frequencies counts for loudness."""
    z = np.exp(-2j * np.pi * hertz / FILTER_RATE)
    response = np.ones(len(hertz), complex)
    for above, below in (SHELF, HIGH_PASS):
        response *= np.polyval(above[::-1], z) / np.polyval(below[::-1], z)
    weights: NDArray[np.float64] = np.abs(response) ** 2
    return weights


def _around(values: NDArray[np.floating], size: int) -> NDArray[np.float64]:
    """Average the `size` values around each one; at the ends, those that are there."""
    ones = np.ones(size)
    sums: NDArray[np.float64] = np.convolve(values, ones, "same")[: len(values)]
    return sums / np.convolve(np.ones(len(values)), ones, "same")[: len(values)]


def excitement(levels: Levels, loudness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much happens in each moment of a sound, `(moments,)`, about 0 on average; NaN in silence.

    It is the weighted sum of five features, each less its mean in music and divided by its deviation there
    (`FEATURES`): the onset strength, the number of onsets, the mean of the frequencies by their magnitudes, the
    loudness, and the share of the power below 150 Hz.
    """
    edges = band_edges()
    octaves = np.log2(np.sqrt(edges[:-1] * np.maximum(edges[:-1], edges[1:] - 1)) * RATE / WINDOW)
    is_bass = octaves < np.log2(BASS_HERTZ)
    frequency, bass = [], []
    for part in _powers(levels):
        powers = part * np.diff(edges)
        magnitudes = np.sqrt(powers)
        frequency.append(magnitudes @ octaves / np.maximum(magnitudes.sum(axis=1), TINY))
        bass.append(powers[:, is_bass].sum(axis=1) / np.maximum(powers.sum(axis=1), TINY))
    strength = levels.onset_strength
    highest = np.maximum.reduce([np.roll(strength, shift) for shift in range(-ONSET_FRAMES, ONSET_FRAMES + 1)])
    onsets = (strength == highest) & (strength > ONSET_DECIBELS)
    features = {
        "onset strength": _moments(strength),
        "onsets": _moments(onsets * float(FRAMES_PER_SECOND)),
        "frequency": np.concatenate(frequency),
        "loudness": loudness,
        "bass": np.concatenate(bass),
    }
    total = np.zeros(len(loudness))
    for name, (weight, mean, deviation) in FEATURES.items():
        total += weight * (features[name] - mean) / deviation
    return np.where(loudness > SILENT, total, np.nan)


def energy(excitement: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how energetic a sound is, `(moments,)` from 0 to 1, each value over 4 s around it; 0 in silence."""
    sounds = np.isfinite(excitement).astype(np.float64)
    sounding = _around(sounds, ENERGY_MOMENTS)
    average = _around(np.nan_to_num(excitement), ENERGY_MOMENTS) / np.maximum(sounding, TINY)
    return np.where(sounding > 0, _logistic(average), 0)


def energy_between(excitement: NDArray[np.float64], edges: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how energetic a sound is between seconds `(n + 1,)`: `(n,)` from 0 to 1; 0 in silence."""
    at = np.clip(np.round(edges * MOMENTS_PER_SECOND).astype(int), 0, len(excitement))
    sounds = np.isfinite(excitement)
    sums, counts = (
        np.diff(np.append(0, np.cumsum(values))[at]) for values in (np.where(sounds, excitement, 0), sounds)
    )
    return np.where(counts > 0, _logistic(sums / np.maximum(counts, 1)), 0)


def _logistic(excitement: NDArray[np.float64]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = 1 / (1 + np.exp(-SLOPE * excitement))
    return share


def _powers(levels: Levels) -> Iterator[NDArray[np.float64]]:
    """Yield the mean powers of the Fourier bins of each band, `(moments, bands)`, for some moments at a time."""
    for begin in range(0, len(levels.bands), CHUNK_MOMENTS):
        part = levels.bands[begin : begin + CHUNK_MOMENTS].astype(np.float64)
        yield np.maximum(0, 10 ** (part / 10) - FLOOR)


def _moments(frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """Average the frames of each moment; those missing from the last one count as 0."""
    moments: NDArray[np.float64] = np.pad(frames, (0, -len(frames) % FRAMES)).reshape(-1, FRAMES).mean(axis=1)
    return moments
