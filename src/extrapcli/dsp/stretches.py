"""Stretches of a sound, with silence beyond its ends."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def padded(samples: NDArray[Any], begin: int, size: int) -> NDArray[Any]:
    """Return `size` samples of `(n, ...)` from `begin` on, with zeros before the first and after the last sample."""
    there = samples[max(0, begin) : max(0, begin + size)]
    before = min(max(0, -begin), size)
    return np.pad(there, [(before, size - before - len(there)), *[(0, 0)] * (samples.ndim - 1)])


def windows(samples: NDArray[np.float32], *, hop: int, window: int, at_once: int) -> Iterator[NDArray[np.float32]]:
    """Yield the stretches of `window` samples around every `hop` samples of `(n,)`, `at_once` of them at a time.

    There are `n // hop + 1`; each chunk is `(k, window)`.
    """
    count = len(samples) // hop + 1
    for start in range(0, count, at_once):
        size = (min(at_once, count - start) - 1) * hop + window
        chunk = padded(samples, start * hop - window // 2, size)
        yield np.lib.stride_tricks.sliding_window_view(chunk, window)[::hop]
