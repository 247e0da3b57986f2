"""Change the sample rate without shifting anything in time."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray


def resample(samples: NDArray[np.floating], *, from_rate: int, to_rate: int) -> NDArray[np.float32]:
    """Resample `(n, channels)` to float32 `(round(n * to_rate / from_rate), channels)`.

    The filter has linear phase and its delay is removed: sample k of the result lies at `k / to_rate` seconds of the
    source. Equal rates return the samples unchanged.
    """
    return np.concatenate(list(resample_chunks([samples], len(samples), from_rate=from_rate, to_rate=to_rate)))


def resample_chunks(
    chunks: Iterable[NDArray[np.floating]], count: int | None, *, from_rate: int, to_rate: int
) -> Iterator[NDArray[np.float32]]:
    """Resample `count` samples that come in chunks `(n, channels)`, or as many as come.

    Together the results are those of `resample`.
    """
    if count is None:
        yield from _resample_chunks(chunks, from_rate, to_rate)
        return
    missing = round(count * to_rate / from_rate)
    for chunk in _resample_chunks(chunks, from_rate, to_rate):
        yield chunk[:missing]
        missing -= len(chunk[:missing])
    yield np.zeros((missing, chunk.shape[1]), np.float32)


def resample_part(
    before: NDArray[np.floating],
    part: Iterable[NDArray[np.floating]],
    after: NDArray[np.floating],
    count: int,
    kept: int,
    *,
    from_rate: int,
    to_rate: int,
) -> Iterator[NDArray[np.float32]]:
    """Resample a part of a sound, of `count` samples, to `kept` samples, `(n, channels)`.

    `before` and `after` are what is heard before and after it.
    """
    skipped = round(len(before) * to_rate / from_rate)
    pieces = itertools.chain([before], part, [after])
    for chunk in resample_chunks(pieces, len(before) + count + len(after), from_rate=from_rate, to_rate=to_rate):
        inside = chunk[skipped : skipped + kept]
        skipped, kept = skipped - len(chunk[:skipped]), kept - len(inside)
        yield inside


def _resample_chunks(
    chunks: Iterable[NDArray[np.floating]], from_rate: int, to_rate: int
) -> Iterator[NDArray[np.float32]]:
    stream = None
    for chunk in chunks:
        float_chunk = np.ascontiguousarray(chunk, dtype=np.float32)
        if from_rate == to_rate:
            yield float_chunk
            continue
        stream = stream or soxr.ResampleStream(from_rate, to_rate, chunk.shape[1], dtype="float32", quality="HQ")
        yield stream.resample_chunk(float_chunk)
    if stream:
        yield stream.resample_chunk(float_chunk[:0], last=True)
