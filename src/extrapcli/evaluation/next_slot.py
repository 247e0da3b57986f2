"""How well the next slots of a song are foreseen, out of the slots of its beginning.

A clip of a song has a head, whose slots are candidates, and slots that follow. After each slot, a way to plan gives
logits of the candidates, in each of the three layers. What is wanted of it:

    bits      the divergence of its probabilities from softmax(-d / (0.08 mean d)), d being the distance of each
              candidate from the slot that really follows
    decibels  how far its likeliest candidate is from that slot, in the spectra of the three layers together

It knows what was heard before, and no more. The layers choose in turn, each by what the others chose; the likeliest
counts as chosen. Running free, a way goes on for some slots after its own choices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend
from extrapcli.extrapolators.compose import (
    BASS,
    BINS,
    CONTEXTS,
    FOLLOWS,
    HALVES,
    MIDDLE,
    NAMES,
    ORDER,
    PLAIN,
    Candidates,
    Heard,
    Planner,
    Walk,
    alike,
    band_columns,
    matches,
    softmax,
    tell,
)
from extrapcli.spec import PlannerSpec, expect

STRETCH_SLOTS = 4, 25  # of the history that come from one way, from and below
HEATS = 0.3, 0.6, 1.0  # of walks: what logits are divided by
DEVIATION = 0.3  # of the logarithms of a walk's weights
GOING_ON = 1.5  # the most that a walk prefers to go on
TEMPERATURE = 0.08

LIKELY = 3.0  # what a distance of the song's median takes from a logit
NEAREST_SLOTS, NEAREST_CONTEXT = 8, 3  # of the whole sound, and which of the matches that is
NEAREST = np.zeros_like(PLAIN)
NEAREST[:, NEAREST_CONTEXT] = LIKELY
ENERGY_SLOTS = 5  # before a slot: the energy around that one was heard when the slot begins
PARTS_OF_SOUND = np.array([len(columns) for columns in band_columns()]) / BINS
TINY = 1e-9

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """A stretch of a song: the head, whose slots are candidates, those that follow, and one more.

    Attributes:
        head: the candidates.
        spectra, moments: of all slots.
        energies: float32 `(slots,)`.
        apart: the distances of all slots from the candidates, `(3, slots, head)`.
    """

    head: Candidates
    spectra: Array
    moments: NDArray[np.int_]
    energies: Array
    apart: Array

    @classmethod
    def of(cls, rows: Array, head: int) -> Clip:
        """Make it of rows of a shard, the first `head` of which are its head."""
        spectra = np.ascontiguousarray(rows[:, :-2]).reshape(len(rows), HALVES, BINS)
        moments = rows[:, -2].astype(int)
        candidates = Candidates(spectra[:head], moments[:head], int(rows[0, -1]))
        return cls(candidates, spectra, moments, candidates.energy(spectra), candidates.apart(spectra))

    @property
    def heard(self) -> Clip:
        """The clip with the energies that were known when each slot began."""
        n = len(self.head)
        return replace(self, energies=np.append(self.head.energies, self.energies[n - ENERGY_SLOTS : -ENERGY_SLOTS]))

    def walked(self, rng: np.random.Generator, share: float) -> tuple[NDArray[np.int_], Array]:
        """Draw what was played: the clip's own slots and, in a share of the stretches after the head, walks.

        Returns the slots of the clip that were played, `(3, slots - 1)`, and their distances from the candidates.
        """
        slots, n = len(self.spectra) - 1, len(self.head)
        sources = np.tile(np.arange(slots), (len(NAMES), 1))
        apart = self.apart[:, :slots].copy()
        begin = n
        while begin < slots:
            end = min(slots, begin + int(rng.integers(*STRETCH_SLOTS)))
            if rng.random() < share:
                heat = float(rng.choice(HEATS))
                weights = PLAIN * np.exp(rng.normal(0, DEVIATION, PLAIN.shape)).astype(np.float32)
                weights[:, FOLLOWS] = rng.uniform(0, GOING_ON)
                walk = Walk(self.head, apart[:, :begin], sources[:, begin - 1])
                for slot in range(begin, end):
                    sources[:, slot] = walk.step(
                        int(self.moments[slot]),
                        float(self.energies[slot]),
                        weights,
                        lambda _, logits: drawn(softmax(logits / heat), rng),  # noqa: B023 - called at once
                    )
                    apart[:, slot] = walk.distances
            begin = end
        return sources, apart


def posed(
    clip: Clip,
    sources: NDArray[np.int_],
    apart: Array,
    rng: np.random.Generator,
    *,
    temperature: float,
    livelier: float = 0.0,
) -> tuple[dict[str, NDArray[Any]], Array]:
    """Pose the question of what comes next after each slot from the end of a clip's head on.

    Args:
        clip: the clip, whose candidates are those of its head.
        sources: what was played, slots of the clip `(3, t)`.
        apart: how far that is from the candidates, `(3, t, n)`.
        rng: draws what middle and bass play next, near to the truth, where that was no walk.
        temperature: how near.
        livelier: what is added to the energy that is wanted.

    Returns `context` `(t, 246)`, `judged` `(j,)`, `matches` `(j, 3, n, KINDS)`, and the costs of the candidates,
    `(j, 3, n)`.
    """
    head, n = clip.head, len(clip.head)
    coming = np.arange(n, len(clip.spectra))
    before = n - CONTEXTS[-1]  # as far back as matches look
    wanted = clip.energies + np.float32(livelier)
    found = matches(head, apart[:, before:], sources[:, before:], clip.moments[before + 1 :], wanted[before + 1 :])
    found = found[CONTEXTS[-1] - 1 :]
    costs = np.ascontiguousarray(np.moveaxis(clip.apart[:, coming], 0, 1))
    chances = likely(costs, temperature)
    middle, bass = (
        head.own[layer, [k if k < n else drawn(row, rng) for k, row in zip(walked, chances[:, layer], strict=True)]]
        for layer, walked in ((layer, np.append(sources[layer, n:], n)) for layer in (MIDDLE, BASS))
    )
    tell(found, MIDDLE, alike(middle))
    tell(found, BASS, alike(bass))
    played = Candidates(clip.spectra, clip.moments, head.per_bar).layered(sources)
    places = head.places(clip.moments, clip.energies)[:-1], head.places(clip.moments, wanted)[1:]
    context = np.hstack([head.sounds(played), *places]).astype(np.float32)
    return {"context": context, "judged": (coming - 1).astype(np.int32), "matches": found}, costs


def likely(costs: Array, temperature: float) -> NDArray[np.float64]:
    """Return how likely candidates should be by their distances, `(..., n)`: softmax(-d / (temperature mean d))."""
    return softmax(-costs / (temperature * costs.mean(axis=-1, keepdims=True) + TINY))


def drawn(chances: NDArray[np.float64], rng: np.random.Generator) -> int:
    """Draw an index."""
    return int(rng.choice(len(chances), p=chances))


Ask = Callable[[Clip, dict[str, NDArray[Any]]], NDArray[np.floating]]
"""Gives the logits of a way to plan, `(j, 3, n)`, for a clip and what `posed` makes of it."""


def by_weights(weights: NDArray[np.floating]) -> Ask:
    """Plan by matches alone, with weights `(3, KINDS)`."""
    return lambda clip, question: _in_turn(clip.head, question["matches"], weights, np.zeros(1))


def by_network(backend: Backend) -> Ask:
    """Plan by the network, and the matches that it weighs."""

    def ask(clip: Clip, question: dict[str, NDArray[Any]]) -> NDArray[np.floating]:
        state = np.zeros((1, expect(backend.spec, PlannerSpec).state), np.float32)
        said = backend.run({"context": question["context"][None], "state": state})
        n, judged = len(clip.head), question["judged"]
        keys, queries, weights = (
            said[name][0].reshape(len(question["context"]), len(NAMES), -1) for name in ("keys", "queries", "weights")
        )
        bonus = np.einsum("jlv,nlv->jln", queries[judged], keys[:n])
        return _in_turn(clip.head, question["matches"], weights[judged], bonus)

    return ask


def _in_turn(
    song: Candidates, found: Array, weights: NDArray[np.floating], bonus: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return logits `(j, 3, n)` of weighed matches `(j, 3, n, KINDS)` and a bonus, by what layers before choose."""
    found = found.copy()
    weights, bonus = (
        np.broadcast_to(values, shape)
        for values, shape in ((weights, (*found.shape[:2], found.shape[3])), (bonus, found.shape[:3]))
    )
    logits = np.empty(found.shape[:3])
    for layer in ORDER:
        logits[:, layer] = np.einsum("jnk,jk->jn", found[:, layer], weights[:, layer]) + bonus[:, layer]
        tell(found, layer, alike(song.own[layer, logits[:, layer].argmax(axis=-1)]))
    return logits


def by_any(clip: Clip, question: dict[str, NDArray[Any]]) -> NDArray[np.floating]:
    """Prefer what is like the other slots of the head, at any time."""
    usual = -clip.head.own.mean(axis=1) * LIKELY
    return np.broadcast_to(usual, (len(question["judged"]), *usual.shape))


def by_repeating(clip: Clip, question: dict[str, NDArray[Any]]) -> NDArray[np.floating]:
    """Prefer what is like the slot before."""
    return -np.moveaxis(clip.apart[:, question["judged"]], 0, 1) * LIKELY


WAYS: Mapping[str, Ask] = {
    "unigram": by_any,
    "repeat": by_repeating,
    "nearest": by_weights(NEAREST),
    "plain": by_weights(PLAIN),
}
"""Ways to plan that need no network; `nearest` is the best match of the last eight slots of the whole sound."""


@dataclass(frozen=True)
class Foresight:
    """How well slots were foreseen: bits, and decibels, of a slot."""

    bits: float
    decibels: float


def foreseen(clip: Clip, ways: Mapping[str, Ask]) -> dict[str, Foresight]:
    """Measure ways to plan on a clip that is played as it is, a slot at a time."""
    clip, slots = clip.heard, np.tile(np.arange(len(clip.spectra) - 1), (len(NAMES), 1))
    question, costs = posed(clip, slots, clip.apart[:, :-1], np.random.default_rng(0), temperature=TEMPERATURE)
    wanted = likely(costs, TEMPERATURE)
    decibels = costs * clip.head.scale[:, None]
    found = {}
    for name, ask in ways.items():
        logits = ask(clip, question)
        apart = (wanted * (np.log2(wanted + TINY) - np.log2(softmax(logits) + TINY))).sum(axis=-1)
        chosen = np.take_along_axis(decibels, logits.argmax(axis=-1)[..., None], axis=-1)[..., 0]
        found[name] = Foresight(float(apart.mean()), float((chosen @ PARTS_OF_SOUND).mean()))
    return found


def run_free(clip: Clip, begin: int, backend: Backend, steps: int) -> dict[str, NDArray[np.float64]]:
    """Go on from slot `begin` of a clip by the network, the plain match and the nearest place.

    Each takes its likeliest candidate, and wants the energy of the slots before. Returns how far each is from what
    really follows, in decibels, after 1 to `steps` slots.
    """
    song = clip.head
    wanted = float(clip.energies[begin - ENERGY_SLOTS])
    none = np.full(len(NAMES), len(song))
    planner = Planner(backend, song, Heard(clip.spectra[:begin], clip.moments[:begin], clip.energies[:begin], none))
    plain = Walk(song, clip.apart[:, :begin], none)
    mix = np.tensordot(PARTS_OF_SOUND, clip.apart, 1)
    places = np.arange(NEAREST_SLOTS, len(song) - steps)
    far = sum(mix[begin - 1 - k][places - 1 - k] for k in range(NEAREST_SLOTS))
    nearest = int(places[np.argmin(far)])
    ways: dict[str, Callable[[int], NDArray[np.int_]]] = {
        "network": lambda slot: planner.step(int(clip.moments[slot]), wanted, _likeliest),
        "plain": lambda slot: plain.step(int(clip.moments[slot]), wanted, PLAIN, _likeliest),
        "nearest": lambda slot: np.full(len(NAMES), nearest + slot - begin),
    }
    decibels = {name: np.zeros(steps) for name in ways}
    for slot in range(begin, begin + steps):
        for name, step in ways.items():
            apart = clip.apart[np.arange(len(NAMES)), slot, step(slot)] * song.scale
            decibels[name][slot - begin] = float(apart @ PARTS_OF_SOUND)
    return decibels


def _likeliest(_: int, logits: NDArray[np.floating]) -> int:
    return int(logits.argmax())
