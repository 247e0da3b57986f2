"""Distances of known predictions are right, and trivial predictors do what they say."""

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.evaluation.prediction import Distance, best_lag, distance, mean, repeat, silence

RATE = 22050


@pytest.fixture
def music(rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.normal(0, 0.2, size=10 * RATE).astype(np.float32)


def test_the_truth_is_at_no_distance(music: NDArray[np.float32]) -> None:
    assert distance(music, music, RATE) == Distance(0, 0, 0)


def test_a_quieter_truth_differs_by_its_level(music: NDArray[np.float32]) -> None:
    got = distance(music / np.float32(10), music, RATE)
    assert got.level == pytest.approx(-20, abs=0.01)
    assert got.log_mel == pytest.approx(20, abs=0.5)
    assert got.mse == pytest.approx(0.81 * 0.04, rel=0.02)


def test_silence_is_far_but_not_infinitely(music: NDArray[np.float32]) -> None:
    nothing = silence(music, len(music), RATE)
    got = distance(nothing, music, RATE)
    assert got.mse == pytest.approx(np.square(music).mean(), rel=1e-5)
    assert got.level == -60
    assert 20 < got.log_mel <= 60
    assert distance(nothing, nothing, RATE).log_mel == 0


def test_distances_do_not_depend_on_the_unit(music: NDArray[np.float32], rng: np.random.Generator) -> None:
    other = rng.normal(0, 0.1, size=len(music)).astype(np.float32)
    one, two = distance(other, music, RATE), distance(100 * other, 100 * music, RATE)
    assert one.log_mel == pytest.approx(two.log_mel, rel=1e-4)
    assert one.level == pytest.approx(two.level, abs=1e-4)


def test_the_mean_is_of_each_measure() -> None:
    assert mean([Distance(1, 2, 3), Distance(3, 4, 5)]) == Distance(2, 3, 4)
    with pytest.raises(ValueError, match="nothing"):
        mean([])


def test_a_loop_is_continued_exactly(rng: np.random.Generator) -> None:
    loop = rng.normal(size=round(2.6 * RATE)).astype(np.float32)
    whole = np.tile(loop, 12)
    context, truth = whole[: 20 * RATE], whole[20 * RATE : 30 * RATE]
    np.testing.assert_array_equal(best_lag(context, len(truth), RATE), truth)
    np.testing.assert_array_equal(repeat(context, len(truth), RATE), context[10 * RATE :])


def test_silence_has_a_best_lag() -> None:
    assert not best_lag(np.zeros(20 * RATE, np.float32), 10 * RATE, RATE).any()
