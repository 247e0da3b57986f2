"""The pieces in which harmony and form are looked for: beats, bars, or parts of a second."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.spectra import MOMENTS_PER_SECOND

MOST_PERIODS = 1.5  # a gap between two beats that is longer is filled


def grid(times: NDArray[np.float64], *, period: float, begin: float, end: float) -> NDArray[np.float64]:
    """Divide the time from `begin` to `end` at beats or bar lines: float64 `(n + 1,)`, in seconds.

    The first and last edge are `begin` and `end`. Longer gaps, as before the first beat, are divided into equal
    pieces of about `period`; pieces shorter than half of it belong to those beside them.
    """
    inside = times[(times > begin + period / 2) & (times < end - period / 2)]
    edges = np.concatenate([[begin], inside, [end]])
    gaps = np.diff(edges)
    pieces = np.where(gaps > MOST_PERIODS * period, np.round(gaps / period), 1).astype(int)
    steps = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    filled = np.repeat(edges[:-1], pieces) + steps * np.repeat(gaps / pieces, pieces)
    return np.append(filled, end)


def means(values: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.float32]:
    """Average `(moments, k)` between edges `(n + 1,)` in seconds: `(n, k)`; each takes one moment at least."""
    at = np.clip(np.round(edges * MOMENTS_PER_SECOND).astype(int), 0, len(values) - 1)
    sums = np.add.reduceat(values[: max(int(at[-1]), int(at[-2]) + 1)], at[:-1], axis=0)
    averages: NDArray[np.float32] = sums / np.maximum(np.diff(at), 1)[:, None].astype(np.float32)
    return averages
