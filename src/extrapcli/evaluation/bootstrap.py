"""Intervals for figures of many songs, by drawing songs again and again (Efron & Tibshirani 1993, chapter 13)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000

Statistic = Callable[[NDArray[np.int_]], float]
"""Computes a figure of the songs with these numbers, some of which come more than once."""


def interval(statistic: Statistic, songs: int, *, draws: int = DRAWS, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of a figure of `songs` songs.

    For the difference of two methods on the same songs, let `statistic` compute the difference: that pairs them.
    """
    rng = np.random.default_rng(seed)
    drawn = [statistic(rng.integers(0, songs, songs)) for _ in range(draws)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def mean_interval(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of values, one of each song; those that are NaN don't count."""
    return interval(lambda drawn: float(np.nanmean(values[drawn])), len(values))
