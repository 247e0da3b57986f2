"""Prediction by a network: one sample ahead of a sound, or from its own predictions."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend

CHUNK_NUMBERS = 1 << 18  # in the windows of one call


def predict(backend: Backend, sequence: NDArray[np.float32], look_back: int) -> Iterator[NDArray[np.float32]]:
    """Predict each sample of a sequence `(n,)` from the `look_back` samples before it, yielding chunks.

    `backend` runs a SampleSpec, and the sequence has unit standard deviation. There is silence before the first
    sample.
    """
    before = np.concatenate([np.zeros(look_back, np.float32), sequence[:-1]])
    windows = np.lib.stride_tricks.sliding_window_view(before, look_back)
    rows = max(1, CHUNK_NUMBERS // look_back)
    for begin in range(0, len(windows), rows):
        chunk = np.ascontiguousarray(windows[begin : begin + rows, :, None])
        yield backend.run({"context": chunk})["next"][:, 0, 0]


def extrapolate(backend: Backend, known: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Predict the `count` samples after `known`, each from those before it, predictions included.

    `backend` runs a SampleSpec. `known` is `(channels, look_back)` with unit standard deviation, the result
    `(channels, count)`. Predictions may diverge until they are not finite.
    """
    context = np.full((len(known), known.shape[1] + count - 1, 1), np.nan, np.float32)
    context[:, : known.shape[1], 0] = known
    return backend.run({"context": context})["next"][..., 0]
