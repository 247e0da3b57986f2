"""n-gram models of symbols, the baseline for networks that write tunes.

The smoothing is that of I. H. Witten and T. C. Bell, The zero-frequency problem (1991), interpolated as in S. F. Chen
and J. Goodman, An empirical study of smoothing techniques (1998), section 2.4. With h a history, h' the same without
its oldest symbol, c counts, and t(h) the number of different symbols that followed h,

    p(w | h) = (c(h w) + t(h) p(w | h')) / (c(h) + t(h))

Below the empty history all symbols are equally probable.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PredictionMetrics(NamedTuple):
    """How well symbols were predicted: the perplexity, and the share for which the right one was most probable."""

    perplexity: float
    accuracy: float

    @classmethod
    def of(
        cls, probabilities: Sequence[float] | NDArray[np.floating], correct: Sequence[bool] | NDArray[np.bool_]
    ) -> "PredictionMetrics":
        """Compute them from the probability of each symbol that came, and whether it was the most probable."""
        return cls(float(np.exp(-np.mean(np.log(probabilities)))), float(np.mean(correct)))


class NGram:
    """Predicts a symbol, a number below `symbols`, from the `order - 1` symbols before it in the same tune.

    Tunes begin and end with a delimiter; the first is given, the last is predicted.
    """

    def __init__(self, tunes: Iterable[Sequence[int]], *, order: int, symbols: int) -> None:
        self.order, self.symbols = order, symbols
        self._counts: dict[tuple[int, ...], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for tune in tunes:
            numbers = tuple(map(int, tune))
            for index in range(1, len(numbers)):
                for length in range(min(order - 1, index) + 1):
                    self._counts[numbers[index - length : index]][numbers[index]] += 1
        self.probabilities = lru_cache(maxsize=100_000)(self._probabilities)

    def _probabilities(self, history: tuple[int, ...]) -> NDArray[np.float64]:
        """The probability of each symbol after a history of at most `order - 1` symbols; they sum to 1."""
        shorter = self.probabilities(history[1:]) if history else np.full(self.symbols, 1 / self.symbols)
        counts = self._counts.get(history)
        if not counts:
            return shorter
        mixed: NDArray[np.float64] = len(counts) * shorter
        mixed[list(counts)] += list(counts.values())
        mixed /= mixed.sum()
        return mixed

    def evaluate(self, tunes: Iterable[Sequence[int]]) -> PredictionMetrics:
        """Measure how well tunes are predicted that were not learned from."""
        probabilities, correct = [], []
        for tune in tunes:
            numbers = tuple(map(int, tune))
            for index in range(1, len(numbers)):
                given = self.probabilities(numbers[max(0, index - self.order + 1) : index])
                probabilities.append(float(given[numbers[index]]))
                correct.append(int(given.argmax()) == numbers[index])
        return PredictionMetrics.of(probabilities, correct)
