"""n-gram models of symbols: what a network of tunes has to beat.

I. H. Witten and T. C. Bell, The zero-frequency problem (1991), as interpolated by S. F. Chen and J. Goodman, An
empirical study of smoothing techniques (1998), section 2.4. With h a history, h' the same without its oldest symbol,
c counts and t(h) how many different symbols followed h,

    p(w | h) = (c(h w) + t(h) p(w | h')) / (c(h) + t(h))

and below the empty history every symbol is as likely as any other.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

History = tuple[int, ...]


class Score(NamedTuple):
    """How well symbols were foretold: the perplexity, and the share whose likeliest guess was right."""

    perplexity: float
    accuracy: float

    @classmethod
    def of(
        cls, chances: Sequence[float] | NDArray[np.floating], right: Sequence[bool] | NDArray[np.bool_]
    ) -> "Score":
        """From the probability that each symbol had, and whether it was the likeliest."""
        return cls(float(np.exp(-np.mean(np.log(chances)))), float(np.mean(right)))


class NGram:
    """Foretells a symbol, a number below `symbols`, from the `order - 1` before it in the same tune.

    Tunes begin with a delimiter, which is given and not foretold, and end with one, which is.
    """

    def __init__(self, tunes: Iterable[Sequence[int]], *, order: int, symbols: int) -> None:
        self.order, self.symbols = order, symbols
        counts: dict[History, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for tune in tunes:
            numbers = tuple(map(int, tune))
            for place in range(1, len(numbers)):
                for length in range(min(order - 1, place) + 1):
                    counts[numbers[place - length : place]][numbers[place]] += 1
        self._counts = {history: dict(found) for history, found in counts.items()}
        self.chances = lru_cache(maxsize=100_000)(self._chances)

    def _chances(self, history: History) -> NDArray[np.float64]:
        """The probability of each symbol after a history no longer than `order - 1`; their sum is 1."""
        shorter = self.chances(history[1:]) if history else np.full(self.symbols, 1 / self.symbols)
        found = self._counts.get(history)
        if not found:
            return shorter
        mixed: NDArray[np.float64] = len(found) * shorter
        mixed[list(found)] += list(found.values())
        mixed /= mixed.sum()
        return mixed

    def score(self, tunes: Iterable[Sequence[int]]) -> Score:
        """How well tunes are foretold that were not learned from."""
        chances, right = [], []
        for tune in tunes:
            numbers = tuple(map(int, tune))
            for place in range(1, len(numbers)):
                given = self.chances(numbers[max(0, place - self.order + 1) : place])
                chances.append(float(given[numbers[place]]))
                right.append(int(given.argmax()) == numbers[place])
        return Score.of(chances, right)
