"""Intervals of means and of paired differences are as wide as theory says."""

import numpy as np
import pytest

from extrapcli.evaluation.bootstrap import interval


def test_the_interval_of_a_mean_is_the_usual_one() -> None:
    values = np.random.default_rng(0).normal(3, 2, 200)
    low, high = interval(lambda songs: float(values[songs].mean()), 200)
    error = values.std() / 200**0.5
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_a_difference_is_paired() -> None:
    """What two methods have in common in a song does not widen it."""
    rng = np.random.default_rng(0)
    songs = rng.normal(0, 10, 60)
    one, other = songs + rng.normal(0.5, 0.5, 60), songs + rng.normal(0, 0.5, 60)
    low, high = interval(lambda drawn: float(one[drawn].mean() - other[drawn].mean()), 60)
    assert 0 < low < 0.5 < high < 1


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.arange(20.0)
    found = [interval(lambda songs: float(values[songs].mean()), 20, draws=50, seed=seed) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_draws_without_a_value_are_left_out() -> None:
    """As where only songs without a clear beat were drawn."""
    low, high = interval(lambda songs: 1.0 if songs[0] else float("nan"), 3)
    assert (low, high) == (1.0, 1.0)
