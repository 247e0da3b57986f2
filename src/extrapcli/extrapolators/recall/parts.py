"""A song in two parts that add up to it: what sustains (harmonic) and what strikes (percussive).

Sustained sound makes horizontal lines in a spectrogram, struck sound vertical ones (Fitzgerald 2010). Here
each point of it goes to the parts by a soft mask on the difference of its mean levels along time and along
frequency.
"""

import numpy as np
from numpy.typing import NDArray

WINDOW_SECONDS = 0.093
NEIGHBOURS = 17  # points along time, and along frequency
STEEPNESS = 2.0
CHUNK_FRAMES = 128

Array = NDArray[np.float32]


def percussive(samples: NDArray[np.floating], rate: int) -> Array:
    """The struck part of `(n, channels)`, float32 of the same shape; the song less it is the sustained part.

    All channels share a mask, so that nothing moves in the stereo image.
    """
    window = 2 ** round(np.log2(WINDOW_SECONDS * rate))
    hop = window // 4
    shape = np.sqrt(np.hanning(window + 1)[:-1]).astype(np.float32)
    count = -(-len(samples) // hop) + 3
    padded = np.zeros((count * hop + window, samples.shape[1]), np.float32)
    padded[window - hop : window - hop + len(samples)] = samples
    struck = np.zeros_like(padded)
    margin = NEIGHBOURS // 2
    for start in range(0, count, CHUNK_FRAMES):
        begin, end = max(0, start - margin), min(count, start + CHUNK_FRAMES + margin)
        frames = np.lib.stride_tricks.sliding_window_view(
            padded[begin * hop : (end - 1) * hop + window], window, axis=0
        )
        spectra = np.fft.rfft(frames[::hop] * shape, axis=-1).astype(np.complex64)
        mask = _struck_share(np.abs(spectra).sum(axis=1))
        kept = slice(start - begin, min(count, start + CHUNK_FRAMES) - begin)
        parts = np.fft.irfft(spectra[kept] * mask[kept, None], window, axis=-1).astype(np.float32) * shape
        for k, part in enumerate(parts, start):
            struck[k * hop : k * hop + window] += part.T
    found = struck[window - hop : window - hop + len(samples)]
    found /= 2
    return found


def _struck_share(magnitude: Array) -> Array:
    """A number from 0 (sustained) to 1 (struck) for every point of `(frames, bins)`."""
    level = np.log(magnitude + 1e-6)
    along_time, along_frequency = _mean(level, axis=0), _mean(level, axis=1)
    share: Array = 1 / (1 + np.exp(np.clip(STEEPNESS * (along_time - along_frequency), -30, 30)))
    return share


def _mean(values: Array, axis: int) -> Array:
    """The mean of the NEIGHBOURS nearest values along an axis; the first and last value go on beyond the ends."""
    half = NEIGHBOURS // 2
    around = [(half + 1, half) if k == axis else (0, 0) for k in range(2)]
    sums = np.pad(values, around, "edge").cumsum(axis=axis, dtype=np.float64)
    size = values.shape[axis]
    ends = [np.take(sums, range(a, a + size), axis=axis) for a in (NEIGHBOURS, 0)]
    mean: Array = ((ends[0] - ends[1]) / NEIGHBOURS).astype(np.float32)
    return mean
