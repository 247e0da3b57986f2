"""n-gram models against their definition."""

import math

import numpy as np
import pytest

from extrapcli.melody.ngram import NGram, PredictionMetrics

TUNES = [[0, 1, 2, 1, 2, 0], [0, 1, 1, 0]]


def test_witten_bell_by_hand() -> None:
    model = NGram(TUNES, order=2, symbols=4)
    unigram = (np.array([2, 4, 2, 0]) + 3 * 0.25) / (8 + 3)
    np.testing.assert_allclose(model.probabilities(()), unigram)
    np.testing.assert_allclose(model.probabilities((1,)), (np.array([1, 1, 2, 0]) + 3 * unigram) / 7)
    np.testing.assert_allclose(model.probabilities((3,)), unigram)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_probabilities_sum_to_one_and_none_is_zero(order: int, rng: np.random.Generator) -> None:
    tunes = [[0, *rng.integers(1, 5, 40).tolist(), 0] for _ in range(6)]
    model = NGram(tunes, order=order, symbols=6)
    for history in [(), (0,), (5, 5, 5, 5), (1, 2, 3, 4)]:
        chances = model.probabilities(history[-(order - 1) :] if order > 1 else ())
        assert chances.min() > 0
        assert chances.sum() == pytest.approx(1)


def test_longer_histories_predict_better() -> None:
    tunes = [[0, *[1, 1, 2, 1, 3] * 8, 0] for _ in range(3)]
    scores = [NGram(tunes, order=order, symbols=4).evaluate(tunes) for order in (1, 2, 3)]
    perplexities = [score.perplexity for score in scores]
    assert perplexities == sorted(perplexities, reverse=True)
    assert scores[-1].accuracy > 0.95


def test_perplexity_of_equal_probabilities_is_the_number_of_symbols() -> None:
    assert NGram([], order=1, symbols=7).evaluate([[0, 1, 2, 0]]).perplexity == pytest.approx(7)
    score = PredictionMetrics.of([0.5, 0.25], [True, False])
    assert score.perplexity == pytest.approx(math.sqrt(8))
    assert score.accuracy == 0.5
