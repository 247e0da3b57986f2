"""The data and the loss from which `recall` learns to rank positions by how similar their futures are.

An item is a clip of a song: its spectra, some positions as queries, and every other position as a candidate. The cost
of answering a query with a candidate is the mean absolute difference between the spectra that follow the two, over
the next ten seconds and, with less weight, over the next two. A position within two seconds of the query is no
answer, because to continue there would be no jump.
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
from extrapcli.networks.recall import log_mel, scorer
from extrapcli.networks.settings import FRAME_SAMPLES, HOPS, RecallSettings
from extrapcli.training.batches import Batches, Tensors
from extrapcli.training.corpus import Make, Shard
from extrapcli.training.tables import RankingSettings

FUTURE_HOPS, SOON_HOPS, NEAR_HOPS = 10 * HOPS, 2 * HOPS, 2 * HOPS
FORBIDDEN = -1.0  # the cost that marks a candidate as no answer
DYNAMIC_RANGE = 6.0  # spectra further below the loudest point of a song, 90 dB, count as silence
SPECTRA_SECONDS = 60  # computed at once


def song_spectra(settings: RecallSettings) -> Make:
    """Return a function that computes the network's spectra of a shard of samples: float16 `(hops, bands)`.

    They come from the network's own layers, so that it is trained on what it computes from sound later.
    """
    context = keras.Input((None, FRAME_SAMPLES))
    spectra = keras.Model(context, log_mel(context, settings.bands))
    one_at_a_time = Lock()

    def make(shard: Path) -> NDArray[np.float16]:
        sound = np.load(shard).astype(np.float32)
        sound = (sound - sound.mean()) / (sound.std() or 1.0)
        frames = sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(1, -1, FRAME_SAMPLES)
        with one_at_a_time:
            parts = [
                spectra.predict_on_batch(frames[:, begin : begin + SPECTRA_SECONDS + 1])[0, : SPECTRA_SECONDS * HOPS]
                for begin in range(0, frames.shape[1], SPECTRA_SECONDS)
            ]
        return np.concatenate(parts).astype(np.float16)

    return make


@dataclass(frozen=True, kw_only=True)
class Rankings(Batches):
    """Items are `({spectra, queries, candidates}, costs)` of a clip; shards hold spectra.

    With `random`, clips, queries and small changes of level, tilt and pitch are drawn anew in every epoch.
    """

    ranking: RankingSettings

    @property
    def hops(self) -> int:
        """The length of a clip, even: that of the recipe, or of the longest song where all are shorter."""
        longest = max(shard.length for shard in self.shards)
        return min(self.ranking.clip_seconds * HOPS, longest) // 2 * 2

    @property
    def items(self) -> int:
        return len(self.shards)

    def item(self, index: int, rng: np.random.Generator) -> tuple[Tensors, NDArray[np.float32]]:
        song = self.shards[index].read().astype(np.float32)
        hops = self.hops
        start = int(rng.integers(max(1, len(song) - hops + 1)))
        clip = song[start : start + hops]
        floor = song.max() - DYNAMIC_RANGE
        level = np.maximum(song, floor)
        standardised = ((np.maximum(clip, floor) - level.mean()) / level.std()).astype(np.float32)

        phase = int(rng.integers(2))
        costs = future_costs(standardised[phase::2], self.ranking.soon_weight)
        candidates = phase + 2 * np.arange(hops // 2)
        first = min(2 * FUTURE_HOPS, len(costs) - 1) // 2  # so that every query has an earlier answer
        queries = rng.choice(np.arange(first, len(costs)), self.ranking.queries).astype(np.int32)
        targets = np.full((len(queries), len(candidates)), FORBIDDEN, np.float32)
        targets[:, : len(costs)] = costs[queries]
        near = np.abs(candidates[queries][:, None] - candidates) <= NEAR_HOPS
        backward = rng.random(len(queries)) < self.ranking.backward
        later = backward[:, None] & (candidates > candidates[queries][:, None] - FUTURE_HOPS)
        targets[near | later | (candidates < NEAR_HOPS // 2)] = FORBIDDEN
        if self.random:
            clip = _augmented(clip, rng)
        inputs = {
            "spectra": np.pad(clip, ((0, hops - len(clip)), (0, 0)), "edge"),
            "queries": candidates[queries].astype(np.int32),
            "candidates": candidates.astype(np.int32),
        }
        return inputs, targets


def future_costs(spectra: NDArray[np.float32], soon_weight: float) -> NDArray[np.float32]:
    """Compute the cost of every pair of positions of a clip, `(n, n)`, from spectra `(m, bands)` at every other hop.

    cost[i, j] = mean |s[i + k] - s[j + k]| over the ten seconds of k, plus `soon_weight` times that over two.
    """
    distances = cdist(spectra, spectra, "cityblock").astype(np.float32) / spectra.shape[1]
    sums = np.zeros((len(distances) + 1, len(distances) + 1), np.float32)  # running sums along the diagonals
    for k, row in enumerate(distances):
        sums[k + 1, 1:] = sums[k, :-1] + row
    ten, two = FUTURE_HOPS // 2, SOON_HOPS // 2
    n = len(sums) - ten
    late = (sums[ten:, ten:] - sums[:n, :n]) / ten
    soon = (sums[two : two + n, two : two + n] - sums[:n, :n]) / two
    costs: NDArray[np.float32] = (late + soon_weight * soon).astype(np.float32)
    return costs


def _augmented(spectra: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Change the level, tilt the spectrum, and shift it by up to two bands: none of these should matter."""
    bands = spectra.shape[1]
    shifted = np.roll(spectra, int(rng.integers(-2, 3)), axis=1)
    tilt = np.linspace(-1, 1, bands) * rng.normal(0, 0.15)
    augmented: NDArray[np.float32] = (shifted + rng.normal(0, 0.15) + tilt).astype(np.float32)
    return augmented


def ranker(settings: RecallSettings, dropout: float) -> tuple[keras.Model, keras.Model]:
    """Build the network to train, from items to scores `(batch, queries, candidates)`; return it and its scorer."""
    inner = scorer(settings, dropout)
    spectra = keras.Input((None, settings.bands), name="spectra")
    queries = keras.Input((None,), dtype="int32", name="queries")
    candidates = keras.Input((None,), dtype="int32", name="candidates")
    query_vectors, key_vectors = inner(spectra)
    chosen_queries, chosen_keys = GatherRows()(query_vectors, queries - 1), GatherRows()(key_vectors, candidates)
    scores = ops.matmul(chosen_queries, ops.transpose(chosen_keys, (0, 2, 1)))
    return keras.Model({"spectra": spectra, "queries": queries, "candidates": candidates}, scores), inner


@keras.saving.register_keras_serializable("extrapcli")
class GatherRows(keras.layers.Layer):  # type: ignore[misc]
    """Takes rows `(batch, n, d)` of vectors `(batch, m, d)` at indices `(batch, n)`."""

    def call(self, vectors: Tensor, indices: Tensor) -> Tensor:
        batch, length, width = ops.shape(vectors)
        flat = ops.reshape(vectors, (-1, width))
        return ops.take(flat, indices + ops.expand_dims(ops.arange(batch) * length, 1), axis=0)


class RankingLoss(keras.losses.Loss):  # type: ignore[misc]
    """The expected excess cost of an answer drawn by its score, and the cross entropy with a ranking by cost.

    With p = softmax(scores) and c = cost - least cost:  10 * sum(p c) + 0.3 * H(softmax(-c / temperature), p)
    """

    def __init__(self, temperature: float) -> None:
        super().__init__(name="ranking")
        self.temperature = temperature

    def call(self, costs: Tensor, scores: Tensor) -> Tensor:
        allowed = costs > FORBIDDEN / 2
        scores = ops.where(allowed, scores, -1e4)
        excess = costs - ops.min(ops.where(allowed, costs, 1e4), axis=-1, keepdims=True)
        expected = ops.sum(ops.softmax(scores) * ops.where(allowed, excess, 0.0), axis=-1)
        wanted = ops.softmax(ops.where(allowed, -excess / self.temperature, -1e4))
        cross_entropy = -ops.sum(wanted * ops.log_softmax(scores), axis=-1)
        return 10 * expected + 0.3 * cross_entropy


def principal_patches(
    shards: Sequence[Shard], *, bands: int, patch: int, count: int, seed: int
) -> NDArray[np.float32]:
    """Find the first `count` principal components, `(patch, bands, count)`, of patches of spectra.

    They initialise the learned match: distances in them are nearly those of the patches themselves.
    """
    rng = np.random.default_rng(seed)
    covariance = np.zeros((patch * bands, patch * bands))
    for shard in shards:
        song = shard.read()
        ends = rng.integers(patch, len(song), 100)
        patches = np.stack([song[end - patch : end].reshape(-1) for end in ends]).astype(np.float64)
        patches -= patches.mean(axis=0)
        covariance += patches.T @ patches
    components = np.linalg.eigh(covariance)[1][:, ::-1][:, :count]
    result: NDArray[np.float32] = components.astype(np.float32).reshape(patch, bands, count)
    return result
