"""Items of a data set in batches, any of which can be made anew from its epoch and step alone."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from extrapcli.training.corpus import Shard
from extrapcli.training.device import ALONE, Share

Array = NDArray[Any]
Tensors = Any  # an array, or a dictionary of them


class Batch(NamedTuple):
    """`weights` float32 `(batch, 1)` are 1, and 0 for what only fills the last batch of a validation set."""

    inputs: Tensors
    answers: Array
    weights: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Batches(ABC):
    """With `random`, order and items are drawn anew in every epoch from `seed`; without, always the same.

    Every batch is full, so that a compiled step fits all: a random one is filled up with items of the
    epoch's beginning. Each process makes its own rows of every batch.
    """

    shards: tuple[Shard, ...]
    batch_size: int
    random: bool
    seed: int = 0
    share: Share = ALONE

    @property
    def songs(self) -> int:
        """How many songs, or tunes, the items are of."""
        return len(self.shards)

    @property
    @abstractmethod
    def items(self) -> int:
        """How many items an epoch has."""

    @abstractmethod
    def item(self, index: int, rng: np.random.Generator) -> tuple[Tensors, Array]:
        """Input and answer of an item; `rng` is the item's own in this epoch."""

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return -(-self.items // self.batch_size)

    def rows(self, epoch: int, chosen: NDArray[np.int64]) -> tuple[Tensors, Array]:
        """Inputs and answers of items, one row each."""
        pairs = [self.item(int(i), np.random.default_rng((self.seed, epoch, int(i)))) for i in chosen]
        inputs, answers = (
            keras.tree.map_structure(lambda *rows: np.stack(rows), *part) for part in zip(*pairs, strict=True)
        )
        return inputs, answers

    def batch(self, epoch: int, step: int) -> Batch:
        epoch = epoch if self.random else 0
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        places = np.split(places, self.share.processes)[self.share.process]
        chosen = _order(self.seed, epoch, self.items)[places % self.items] if self.random else places % self.items
        weights = np.ones(len(places), np.float32) if self.random else (places < self.items).astype(np.float32)
        return Batch(*self.rows(epoch, chosen), weights[:, None])

    def ahead(self, epoch: int, first: int = 0) -> Iterator[tuple[Batch, float]]:
        """The batches of an epoch from step `first`, and how many seconds each was waited for.

        While one is used, the next is made.
        """
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self.batch, epoch, first)
            for step in range(first, self.steps):
                asked = monotonic()
                batch = coming.result()
                waited = monotonic() - asked
                if step + 1 < self.steps:
                    coming = pool.submit(self.batch, epoch, step + 1)
                yield batch, waited


@lru_cache(maxsize=1)
def _order(seed: int, epoch: int, items: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(items)
