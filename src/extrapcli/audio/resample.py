"""Changing the sample rate without moving anything in time."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray


def resample(samples: NDArray[np.floating], *, from_rate: int, to_rate: int) -> NDArray[np.float32]:
    """Resample `(n, channels)` to float32 `(round(n * to_rate / from_rate), channels)`.

    The filter has linear phase and its delay is taken out, so that sample k of the result lies at second
    `k / to_rate` of the source. Equal rates give the samples back as they are.
    """
    return np.concatenate(list(resampled([samples], len(samples), from_rate=from_rate, to_rate=to_rate)))


def resampled(
    pieces: Iterable[NDArray[np.floating]], count: int, *, from_rate: int, to_rate: int
) -> Iterator[NDArray[np.float32]]:
    """Resample `(count, channels)` that come piece by piece: what `resample` gives for all at once, in pieces."""
    missing = round(count * to_rate / from_rate)
    for piece in _resampled(pieces, from_rate, to_rate):
        yield piece[:missing]
        missing -= len(piece[:missing])
    yield np.zeros((missing, piece.shape[1]), np.float32)


def _resampled(pieces: Iterable[NDArray[np.floating]], from_rate: int, to_rate: int) -> Iterator[NDArray[np.float32]]:
    stream = None
    for piece in pieces:
        same = np.ascontiguousarray(piece, dtype=np.float32)
        if from_rate == to_rate:
            yield same
            continue
        stream = stream or soxr.ResampleStream(from_rate, to_rate, piece.shape[1], dtype="float32", quality="HQ")
        yield stream.resample_chunk(same)
    if stream:
        yield stream.resample_chunk(same[:0], last=True)
