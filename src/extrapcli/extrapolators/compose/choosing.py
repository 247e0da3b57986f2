"""How the slots of new bars are drawn: likely ones that join well, not the same again and again, nor long copies."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.compose.bands import NAMES
from extrapcli.extrapolators.compose.candidates import distances
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import PER_SECOND, Spectra, band_columns

JOIN_SECONDS = 4 / PER_SECOND  # of sound on each side of a join that is compared
JOIN_COST, DECIBEL_COST = 0.5, 0.25  # nats, of a join, and of each decibel by which one of its two sides differs
AGAIN_COST, AGAIN_SLOTS = 3.0, 128.0  # nats, of a slot that was just played; falls by a factor of e in so many slots
END_SECONDS = 0.06  # at the ends of the song no slot is played, so that there is sound to fade
NEVER = np.inf


class Chooser:
    """Draws slots of a song, one for each layer at a time.

    Attributes:
        at: the slot that each layer plays.

    Args:
        joins: what it costs to go from each slot to each other, in nats, `(3, n, n)`; see `join_costs`.
        played: how many slots of the song were played before.
        heat: what logits are divided by: the higher, the more surprising; at 0, the likeliest slot is taken.
        most: how many slots are played from one place at most, before there has to be a join (the maximum order of
            A. Papadopoulos et al., Avoiding plagiarism in Markov sequence generation, 2014).
    """

    def __init__(self, joins: NDArray[np.floating], *, played: int, heat: float, most: int, seed: int) -> None:
        self._joins, self._heat, self._most = joins, heat, most
        self._rng = np.random.default_rng(seed)
        layers, n, _ = joins.shape
        self.at, self._run, self._now = ([value] * layers for value in (played - 1, 0, played))
        self._last = np.where(np.arange(n) < played, np.arange(n), -np.inf)[None].repeat(layers, axis=0)

    def __call__(self, layer: int, logits: NDArray[np.floating]) -> int:
        """Draw the slot that a layer plays next, by the logits of all, `(n,)`."""
        age = self._now[layer] - self._last[layer]
        costs = self._joins[layer, self.at[layer]] + AGAIN_COST * np.exp(-age / AGAIN_SLOTS)
        follows = self.at[layer] + 1
        if self._run[layer] >= self._most and follows < len(costs):
            costs[follows] = NEVER
        chance = self._rng.gumbel(size=len(costs))  # so each is drawn as softmax((logits - costs) / heat) says
        return self.take(layer, int((logits - costs + self._heat * chance).argmax()))

    def take(self, layer: int, slot: int) -> int:
        """Let a layer play a slot, and return it."""
        self._run[layer] = self._run[layer] + 1 if slot == self.at[layer] + 1 else 1
        self.at[layer], self._last[layer, slot] = slot, self._now[layer]
        self._now[layer] += 1
        return slot


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return probabilities that sum to 1 along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype=np.float64)
    result: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return result


def join_costs(slots: Slots, sound: Spectra, end: float) -> NDArray[np.float32]:
    """Return what it costs to play each slot after each other one, in nats, `(3, n, n)`.

    Going on costs nothing. Else the spectra before and after the end of the one are compared with those before and
    after the beginning of the other. Slots at the ends of the song, which lasts `end` seconds, are too dear to play.
    """
    begins, ends = slots.edges[:-1], slots.edges[1:]
    before, after = (
        [sound.between(at - early, at - early + JOIN_SECONDS)[:, 0] for at in (ends, begins)]
        for early in (JOIN_SECONDS, 0.0)
    )
    costs = np.empty((len(NAMES), len(slots), len(slots)), np.float32)
    for layer, columns in enumerate(band_columns()):
        apart = sum(distances(one[:, columns], other[:, columns]) for one, other in (before, after))
        costs[layer] = JOIN_COST + DECIBEL_COST * apart
    each = np.arange(len(slots) - 1)
    costs[:, each, each + 1] = 0
    costs[:, :, (begins < END_SECONDS) | (ends > end - END_SECONDS)] = NEVER
    return costs
