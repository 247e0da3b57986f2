"""Changing the sample rate without moving anything in time."""

from collections.abc import Iterable

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


def resample_mono(
    blocks: Iterable[NDArray[np.float32]], n: int, *, from_rate: int, to_rate: int
) -> NDArray[np.float32]:
    """Resample mono sound of `n` samples, given in blocks `(k,)`, as `resample` does, to the same bits.

    No more than a block is held besides the result `(round(n * to_rate / from_rate),)`.
    """
    resampled = np.zeros(round(n * to_rate / from_rate), np.float32)
    stream = None if from_rate == to_rate else soxr.ResampleStream(from_rate, to_rate, 1, "float32", "HQ")
    taken = given = 0
    for block in blocks:
        taken += len(block)
        piece = stream.resample_chunk(block, last=taken == n) if stream else block
        piece = piece[: len(resampled) - given]
        resampled[given : given + len(piece)] = piece
        given += len(piece)
    return resampled
