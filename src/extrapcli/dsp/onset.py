"""Where something begins in a sound."""

import numpy as np
from numpy.typing import NDArray

CHUNK_FRAMES = 512  # spectra in memory at a time


def onset_strength(
    samples: NDArray[np.float32],
    *,
    hop: int,
    window: int = 1024,
    bands: int = 24,
    lag: int = 2,
    floor: float = 1e-6,
) -> NDArray[np.float64]:
    """Return the onset strength of mono sound `(n,)`: float64 `(n // hop + 1,)`, in decibels, 0 and more.

    This is the spectral flux: the mean rise, over `lag` hops, of the levels of up to `bands` bands that are equally
    wide in octaves, from bin 2 of the Fourier transform to half the sample rate (S. Böck, G. Widmer, Maximum filter
    vibrato suppression for onset detection, 2013, without the maximum filter):

        L[t, b] = 10 log10(P[t, b] / window + floor)
        o[t] = mean_b max(0, L[t + lag - lag // 2, b] - L[t - lag // 2, b])

    P[t, b] is the mean power of the bins of band b in a Hann window around sample `t * hop`, with silence beyond the
    ends of the sound. The first and last hops, where a spectrum is missing, have 0. `floor` is relative to the power
    of sound at unit level.
    """
    count = len(samples) // hop + 1
    edges = np.unique(np.geomspace(2, window // 2, bands + 1).astype(int))
    shape = np.hanning(window).astype(np.float32)
    levels = []
    for start in range(0, count, CHUNK_FRAMES):
        size = (min(CHUNK_FRAMES, count - start) - 1) * hop + window
        chunk = _padded(samples, start * hop - window // 2, size)
        frames = np.lib.stride_tricks.sliding_window_view(chunk, window)[::hop]
        power = np.abs(np.fft.rfft(frames * shape)).astype(np.float32) ** 2
        band_power = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1) / np.diff(edges)
        levels.append(10 * np.log10(band_power / window + floor))
    level = np.concatenate(levels)
    rise = np.maximum(0, level[lag:] - level[:-lag]).mean(axis=1)
    strength: NDArray[np.float64] = np.pad(rise, (lag // 2, lag - lag // 2))[:count]
    return strength


def _padded(samples: NDArray[np.float32], begin: int, size: int) -> NDArray[np.float32]:
    """Return `size` samples from `begin` on, with zeros before the first and after the last sample."""
    there = samples[max(0, begin) : max(0, begin + size)]
    before = max(0, -begin)
    return np.pad(there, (before, size - before - len(there)))
