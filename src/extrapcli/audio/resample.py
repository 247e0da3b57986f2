"""Changing the sample rate without moving anything in time."""

import numpy as np
import soxr
from numpy.typing import NDArray


def resample(samples: NDArray[np.floating], *, from_rate: int, to_rate: int) -> NDArray[np.float32]:
    """Resample `(n, channels)` to float32 `(round(n * to_rate / from_rate), channels)`.

    The filter has linear phase and its delay is taken out, so that sample k of the result lies at second
    `k / to_rate` of the source. Equal rates give the samples back as they are.
    """
    same = np.ascontiguousarray(samples, dtype=np.float32)
    if from_rate == to_rate:
        return same
    n = round(len(samples) * to_rate / from_rate)
    resampled = soxr.resample(same, from_rate, to_rate, quality="HQ")[:n]
    return np.pad(resampled, ((0, n - len(resampled)), (0, 0)))
