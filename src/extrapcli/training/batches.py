"""Data sets in batches. Each batch follows from its epoch and step alone, so a killed run resumes exactly."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extrapcli.training.corpus import Shard
from extrapcli.training.device import ALONE, Worker

Tensors = Any
"""An array, or a dictionary of arrays."""


class Batch(NamedTuple):
    """Inputs, targets and sample weights `(batch, 1)`: 0 for items that only fill up a batch, else 1."""

    inputs: Tensors
    targets: NDArray[Any]
    weights: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Batches(ABC):
    """A data set of `items`, made from `shards`.

    With `random`, every epoch has its own order and its own items, drawn from `seed`; without, all epochs are the
    same. All batches are full, so one compiled step fits them all: the last one of a random epoch is filled up with
    the epoch's first items. Each worker makes its own part of every batch.
    """

    shards: tuple[Shard, ...]
    batch_size: int
    random: bool
    seed: int = 0
    worker: Worker = ALONE

    @property
    def songs(self) -> int:
        """The number of songs, or tunes, that the items come from."""
        return len(self.shards)

    @property
    @abstractmethod
    def items(self) -> int:
        """The number of items in an epoch."""

    @abstractmethod
    def item(self, index: int, rng: np.random.Generator) -> tuple[Tensors, NDArray[Any]]:
        """Make input and target of an item; `rng` is the item's own, seeded anew in every epoch."""

    @property
    def steps(self) -> int:
        """The number of batches in an epoch."""
        return -(-self.items // self.batch_size)

    def stack(self, epoch: int, indices: NDArray[np.int64]) -> tuple[Tensors, NDArray[Any]]:
        """Make the inputs and targets of several items, stacked along a first axis."""
        pairs = [self.item(int(i), np.random.default_rng((self.seed, epoch, int(i)))) for i in indices]
        inputs, targets = zip(*pairs, strict=True)
        if isinstance(inputs[0], dict):
            return {name: np.stack([of[name] for of in inputs]) for name in inputs[0]}, np.stack(targets)
        return np.stack(inputs), np.stack(targets)

    def batch(self, epoch: int, step: int) -> Batch:
        epoch = epoch if self.random else 0
        numbers = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        numbers = np.split(numbers, self.worker.count)[self.worker.index]
        indices = _order(self.seed, epoch, self.items)[numbers % self.items] if self.random else numbers % self.items
        weights = np.ones(len(numbers), np.float32) if self.random else (numbers < self.items).astype(np.float32)
        return Batch(*self.stack(epoch, indices), weights[:, None])

    def prefetched(self, epoch: int, first: int = 0) -> Iterator[tuple[Batch, float]]:
        """Yield the batches of an epoch from step `first` on, and how many seconds each was waited for.

        While one is in use, a thread makes the next.
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
