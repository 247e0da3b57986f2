"""Teaches `recall` to rank: how alike the real futures of two places of a song are, from their pasts.

A clip of a song gives the network its spectra, some places as queries and every other place as candidates. The
cost of answering a query with a candidate is the mean absolute difference between the spectra that follow the
two, over the next ten seconds and, with less weight, over the next two. The song's own continuation and what
lies within two seconds of it are no answer, as a jump to there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from extrapcli.networks.fourier import Tensor
from extrapcli.networks.recall import FRAME_SAMPLES, HOPS, RecallSettings, log_mel, scorer
from extrapcli.training.batches import Batches, Tensors
from extrapcli.training.corpus import Make, Shard
from extrapcli.training.recipe import Ranking

Array = NDArray[np.float32]
FUTURE_HOPS, SOON_HOPS, NEAR_HOPS = 10 * HOPS, 2 * HOPS, 2 * HOPS
FORBIDDEN = -1.0
RANGE = 6.0  # spectra further below the loudest point of a song are silence: 90 dB


def song_spectra(settings: RecallSettings) -> Make:
    """Make the network's spectra of a shard of samples: `(hops, bands)`, half precision."""
    context = keras.Input((None, FRAME_SAMPLES))
    spectra = keras.Model(context, log_mel(context, settings.bands))
    one_at_a_time = Lock()

    def make(shard: Path) -> NDArray[np.float16]:
        sound = np.load(shard).astype(np.float32)
        sound = (sound - sound.mean()) / (sound.std() or 1.0)
        frames = sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(1, -1, FRAME_SAMPLES)
        with one_at_a_time:
            rows = [
                spectra.predict_on_batch(frames[:, begin : begin + 61])[0, : 60 * HOPS]
                for begin in range(0, frames.shape[1], 60)
            ]
        return np.concatenate(rows).astype(np.float16)

    return make


@dataclass(frozen=True, kw_only=True)
class Rankings(Batches):
    """Items are `({spectra, queries, candidates}, costs)` of a clip; a cost of -1 marks what is no answer.

    With `random`, clips, queries and small changes of level, tilt and pitch are drawn anew in every epoch.
    """

    ranking: Ranking

    @property
    def items(self) -> int:
        return len(self.shards)

    @property
    def hops(self) -> int:
        return self.ranking.clip_seconds * HOPS

    def item(self, index: int, rng: np.random.Generator) -> tuple[Tensors, Array]:
        song: Array = self.shards[index].read().astype(np.float32)
        start = int(rng.integers(max(1, len(song) - self.hops + 1)))
        heard = song[start : start + self.hops]
        level: Array = np.maximum(song, song.max() - RANGE)
        compared: Array = ((np.maximum(heard, song.max() - RANGE) - level.mean()) / level.std()).astype(np.float32)

        phase = int(rng.integers(2))
        costs = future_costs(compared[phase::2], self.ranking.soon_weight)
        candidates = phase + 2 * np.arange(self.hops // 2)
        first = min(2 * FUTURE_HOPS, len(costs) - 1) // 2  # so that every query has an earlier answer
        queries = rng.choice(np.arange(first, len(costs)), self.ranking.queries).astype(np.int32)
        rows = np.full((len(queries), len(candidates)), FORBIDDEN, np.float32)
        rows[:, : len(costs)] = costs[queries]
        near = np.abs(candidates[queries][:, None] - candidates) <= NEAR_HOPS
        backward = rng.random(len(queries)) < self.ranking.backward
        later = backward[:, None] & (candidates > candidates[queries][:, None] - FUTURE_HOPS)
        rows[near | later | (candidates < NEAR_HOPS // 2)] = FORBIDDEN
        if self.random:
            heard = _disturbed(heard, rng)
        padded = np.pad(heard, ((0, self.hops - len(heard)), (0, 0)), "edge")
        inputs = {
            "spectra": padded,
            "queries": candidates[queries].astype(np.int32),
            "candidates": candidates.astype(np.int32),
        }
        return inputs, rows


def future_costs(spectra: Array, soon_weight: float) -> Array:
    """The cost of every pair of places of a clip, `(n, n)`, for `(m, bands)` at every other hop.

    cost[i, j] = mean |s[i + k] - s[j + k]| over the ten seconds of k, plus `soon_weight` times that over two.
    """
    apart = cdist(spectra, spectra, "cityblock").astype(np.float32) / spectra.shape[1]
    sums = np.zeros((len(apart) + 1, len(apart) + 1), np.float32)
    for k, row in enumerate(apart):  # along the diagonals
        sums[k + 1, 1:] = sums[k, :-1] + row
    ten, two = FUTURE_HOPS // 2, SOON_HOPS // 2
    n = len(sums) - ten
    late = (sums[ten:, ten:] - sums[:n, :n]) / ten
    soon = (sums[two : two + n, two : two + n] - sums[:n, :n]) / two
    costs: Array = (late + soon_weight * soon).astype(np.float32)
    return costs


def _disturbed(spectra: Array, rng: np.random.Generator) -> Array:
    """Another level, a tilt of the spectrum, a shift by up to two bands: what must not matter."""
    bands = spectra.shape[1]
    shifted = np.roll(spectra, int(rng.integers(-2, 3)), axis=1)
    tilt = np.linspace(-1, 1, bands) * rng.normal(0, 0.15)
    disturbed: Array = (shifted + rng.normal(0, 0.15) + tilt).astype(np.float32)
    return disturbed


def ranker(settings: RecallSettings, dropout: float) -> tuple[keras.Model, keras.Model]:
    """A model to train, from clips to scores `(batch, queries, candidates)`, and the scorer inside it."""
    inner = scorer(settings, dropout)
    spectra = keras.Input((None, settings.bands), name="spectra")
    queries = keras.Input((None,), dtype="int32", name="queries")
    candidates = keras.Input((None,), dtype="int32", name="candidates")
    heard, places = inner(spectra)
    scores = ops.matmul(Rows()(heard, queries - 1), ops.transpose(Rows()(places, candidates), (0, 2, 1)))
    return keras.Model({"spectra": spectra, "queries": queries, "candidates": candidates}, scores), inner


@keras.saving.register_keras_serializable("extrapcli")
class Rows(keras.layers.Layer):  # type: ignore[misc]
    """Rows `(batch, n, d)` of vectors `(batch, m, d)` at indices `(batch, n)`."""

    def call(self, vectors: Tensor, at: Tensor) -> Tensor:
        batch, length, width = ops.shape(vectors)
        flat = ops.reshape(vectors, (-1, width))
        return ops.take(flat, at + ops.expand_dims(ops.arange(batch) * length, 1), axis=0)


class RankingLoss(keras.losses.Loss):  # type: ignore[misc]
    """The cost above the best to be expected when answers are drawn by their scores, and a cross entropy.

    With p = softmax(scores) and c = cost - least cost:  10 * sum(p c) + 0.3 * H(softmax(-c / temperature), p)
    """

    def __init__(self, temperature: float) -> None:
        super().__init__(name="ranking")
        self.temperature = temperature

    def call(self, costs: Tensor, scores: Tensor) -> Tensor:
        allowed = costs > FORBIDDEN / 2
        scores = ops.where(allowed, scores, -1e4)
        above = costs - ops.min(ops.where(allowed, costs, 1e4), axis=-1, keepdims=True)
        expected = ops.sum(ops.softmax(scores) * ops.where(allowed, above, 0.0), axis=-1)
        wanted = ops.softmax(ops.where(allowed, -above / self.temperature, -1e4))
        entropy = -ops.sum(wanted * ops.log_softmax(scores), axis=-1)
        return 10 * expected + 0.3 * entropy


def principal_patches(shards: Sequence[Shard], *, bands: int, patch: int, count: int, seed: int) -> Array:
    """The `count` directions `(patch, bands, count)` in which patches of spectra differ most.

    They begin the learned match: distances in them are nearly those of the patches themselves.
    """
    rng = np.random.default_rng(seed)
    covariance = np.zeros((patch * bands, patch * bands))
    for shard in shards:
        song = shard.read()
        ends = rng.integers(patch, len(song), 100)
        patches = np.stack([song[end - patch : end].reshape(-1) for end in ends]).astype(np.float64)
        patches -= patches.mean(axis=0)
        covariance += patches.T @ patches
    directions = np.linalg.eigh(covariance)[1][:, ::-1][:, :count]
    result: Array = directions.astype(np.float32).reshape(patch, bands, count)
    return result
