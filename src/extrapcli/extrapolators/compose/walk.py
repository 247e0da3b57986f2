"""A walk over the slots of a song, each layer at one of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.compose.bands import NAMES
from extrapcli.extrapolators.compose.candidates import Candidates
from extrapcli.extrapolators.compose.matching import CONTEXTS, WITH_BASS, WITH_MIDDLE, alike, matches

Array = NDArray[np.float32]

BASS, MIDDLE, TREBLE = range(len(NAMES))
ORDER = MIDDLE, BASS, TREBLE  # in which layers choose; the later go by the earlier

Choose = Callable[[int, NDArray[np.floating]], int]
"""Chooses a slot for a layer by the logits of all, `(n,)`."""


class Walk:
    """Where each layer is, and what the matches need to know of the way there.

    Attributes:
        at: the candidate that each layer played last, `(3,)`; n or more for none of them.
    """

    def __init__(self, song: Candidates, apart: Array, at: NDArray[np.int_]) -> None:
        """Begin after slots whose distances from the candidates are `apart`, `(3, t, n)`."""
        self.song, self.at = song, at
        self._apart = apart[:, -CONTEXTS[-1] :]

    @property
    def distances(self) -> Array:
        """How far what was played last is from the candidates, `(3, n)`."""
        return self._apart[:, -1]

    def matches(self, moment: int, wanted: float) -> Array:
        """Return how well each slot would come next, at a moment, with an energy that is wanted: `(3, n, KINDS)`."""
        steps = self._apart.shape[1]
        found: Array = matches(
            self.song,
            self._apart,
            np.repeat(self.at[:, None], steps, axis=1),
            np.full(steps, moment),
            np.full(steps, wanted, np.float32),
        )[-1]
        return found

    def step(
        self,
        moment: int,
        wanted: float,
        weights: Array,
        choose: Choose,
        bonus: NDArray[np.floating] | None = None,
    ) -> NDArray[np.int_]:
        """Choose the next slot in each layer, `(3,)`, and go there.

        Args:
            moment: of the next slot.
            wanted: its energy.
            weights: of the matches in each layer, `(3, KINDS)`.
            choose: chooses for a layer, the middle first.
            bonus: what else makes a candidate likely, `(3, n)`.
        """
        found = self.matches(moment, wanted)
        chosen = np.zeros(len(NAMES), int)
        for layer in ORDER:
            logits = found[layer] @ weights[layer]
            chosen[layer] = choose(layer, logits if bonus is None else logits + bonus[layer])
            tell(found, layer, alike(self.song.own[layer, chosen[layer]]))
        self.go(chosen)
        return chosen

    def go(self, chosen: NDArray[np.int_]) -> None:
        """Let each layer play a candidate, `(3,)`."""
        rows = self.song.own[np.arange(len(NAMES)), chosen]
        self._apart = np.concatenate([self._apart, rows[:, None]], axis=1)[:, -CONTEXTS[-1] :]
        self.at = chosen


def tell(found: Array, layer: int, near: Array) -> None:
    """Tell the layers that choose later how alike candidates are to what a layer plays.

    `found` are matches, `(..., 3, n, KINDS)`, and `near` is `(..., n)`.
    """
    if layer == MIDDLE:
        found[..., BASS, :, WITH_MIDDLE] = found[..., TREBLE, :, WITH_MIDDLE] = near
    elif layer == BASS:
        found[..., TREBLE, :, WITH_BASS] = near
