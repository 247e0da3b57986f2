"""The data and the loss from which `compose` learns what comes next, slot by slot, in three layers.

An item is a clip of a song. Its first slots, the head, are candidates; the slots after them are what comes next. What
was played up to there is the truth in some stretches and, in others, a walk by the plain match, so that the network
learns to go on from what it will have played itself. The cost of a candidate is its distance from the true slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from extrapcli.analysis import RATE
from extrapcli.analysis.beats import find_beats
from extrapcli.evaluation.next_slot import TINY, Clip, posed
from extrapcli.extrapolators.compose import (
    BINS,
    HALVES,
    KINDS,
    NAMES,
    NOTES,
    PLACES,
    PLAIN,
    Candidates,
    Slots,
    Spectra,
)
from extrapcli.networks.compose import compose, state_size
from extrapcli.networks.fourier import Tensor
from extrapcli.networks.settings import ComposeSettings
from extrapcli.training.batches import Batches, Tensors
from extrapcli.training.corpus import Make, Shard, decoded
from extrapcli.training.kinds.ranking import FORBIDDEN, GatherRows
from extrapcli.training.tables import PlanSettings

MOST_SECONDS = 240  # of a song
OTHER_ENERGY = 0.5  # deviation of the energy that is wanted from the true one
MOST_SEMITONES = 5
NOT = -1e4  # the logit of what is no candidate

Array = NDArray[np.float32]


def song_slots() -> Make:
    """Return a function that describes a song: float32 `(slots, 234)`, spectra, moment and slots in a bar of each."""
    decode = decoded(RATE)

    def make(song: Path) -> Array:
        sound = decode(song)[: MOST_SECONDS * RATE].astype(np.float32) / np.float32(32768)
        found = Candidates.of(Slots.of(find_beats(sound), 0.0, len(sound) / RATE), Spectra.of(sound))
        bars = np.stack([found.moments, np.full(len(found), found.per_bar)], axis=1)
        described: Array = np.hstack([found.spectra.reshape(len(found), -1), bars]).astype(np.float32)
        return described

    return make


@dataclass(frozen=True, kw_only=True)
class Plans(Batches):
    """Items are `({context, judged, matches}, costs)` of a clip; shards are those of `song_slots`.

    With `random`, clips, histories and small changes of pitch and energy are drawn anew in every epoch.
    """

    settings: PlanSettings

    @property
    def items(self) -> int:
        return len(self.shards) * self.settings.per_song

    def span(self, shard: Shard, share: float, head: int) -> tuple[int, int]:
        """Return where a clip with a head of some slots begins and ends, after a share of those where it may."""
        length = head + self.settings.ahead + 1
        begin = int((shard.length - length) * share)
        return begin, begin + length

    def item(self, index: int, rng: np.random.Generator) -> tuple[Tensors, Array]:
        song, number = divmod(index, self.settings.per_song)
        (least, most), share = self.settings.head, (number + 1) / (self.settings.per_song + 1)
        n = int(rng.integers(least, most + 1)) if self.random else most
        shard = self.shards[song]
        clip = Clip.of(shard.read(*self.span(shard, float(rng.random()) if self.random else share, n)), n)
        sources, apart = clip.walked(rng, self.settings.walked)
        inputs, costs = posed(
            clip,
            sources,
            apart,
            rng,
            temperature=self.settings.temperature,
            livelier=OTHER_ENERGY * float(rng.normal()),
        )
        if self.random:
            shift = int(rng.integers(-MOST_SEMITONES, MOST_SEMITONES + 1))
            for half in range(HALVES):
                notes = inputs["context"][:, half * BINS : half * BINS + NOTES]
                notes[:] = np.roll(notes, shift, axis=1)
        padding = (0, most - n)
        inputs["context"] = np.pad(inputs["context"], (padding, (0, 0)))
        inputs["matches"] = np.pad(inputs["matches"], ((0, 0), (0, 0), padding, (0, 0)))
        return inputs, np.pad(costs, ((0, 0), (0, 0), padding), constant_values=FORBIDDEN)


def trainer(settings: ComposeSettings, plans: PlanSettings) -> tuple[keras.Model, keras.Model]:
    """Build the network to train, from items to logits `(batch, j, 3, n)`; return it and the network inside."""
    inner = compose(settings, sound=HALVES * BINS, places=PLACES, plain=PLAIN)
    (_, most), ahead, layers = plans.head, plans.ahead, len(NAMES)
    context = keras.Input((most + ahead, inner.input["context"].shape[-1]), name="context")
    judged = keras.Input((ahead + 1,), dtype="int32", name="judged")
    found = keras.Input((ahead + 1, layers, most, KINDS), name="matches")
    state = ops.repeat(ops.zeros_like(context[:, 0, :1]), state_size(settings), axis=-1)
    said = inner({"context": context, "state": state})
    queries, weights = (GatherRows()(said[name], judged) for name in ("queries", "weights"))
    queries = ops.reshape(queries, (-1, ahead + 1, layers, settings.vector))
    weights = ops.reshape(weights, (-1, ahead + 1, layers, KINDS))
    keys = ops.reshape(said["keys"][:, :most], (-1, most, layers, settings.vector))
    logits = ops.einsum("bjlv,bnlv->bjln", queries, keys) + ops.einsum("bjlnk,bjlk->bjln", found, weights)
    return keras.Model({"context": context, "judged": judged, "matches": found}, logits, name="planning"), inner


class PlanLoss(keras.losses.Loss):  # type: ignore[misc]
    """The divergence from the wanted distribution, in nats, and the expected excess cost of a slot drawn.

    Candidates are wanted as softmax(-cost / (temperature * mean cost)).
    """

    def __init__(self, temperature: float) -> None:
        super().__init__(name="plan")
        self.temperature = temperature

    def call(self, costs: Tensor, logits: Tensor) -> Tensor:
        allowed = costs > FORBIDDEN / 2
        known = ops.where(allowed, costs, 0.0)
        mean = ops.sum(known, axis=-1, keepdims=True) / ops.sum(ops.cast(allowed, "float32"), axis=-1, keepdims=True)
        wanted = ops.log_softmax(ops.where(allowed, -costs / (self.temperature * mean + TINY), NOT), axis=-1)
        said = ops.log_softmax(ops.where(allowed, logits, NOT), axis=-1)
        divergence = ops.sum(ops.exp(wanted) * ops.where(allowed, wanted - said, 0.0), axis=-1)
        excess = known - ops.min(ops.where(allowed, costs, -NOT), axis=-1, keepdims=True)
        expected = ops.sum(ops.exp(said) * ops.where(allowed, excess, 0.0), axis=-1)
        return ops.mean(divergence + expected, axis=-1)
