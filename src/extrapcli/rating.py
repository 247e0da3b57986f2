"""How good a track is, by what is known of its joins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from extrapcli.continuation import Join, positions_of

STEP_SECONDS, MEMORY_SECONDS, LEAST_SECONDS = 0.5, 60.0, 1.0  # of what counts as heard before
SAME_SECONDS = 0.25


@dataclass(frozen=True)
class Rating:
    """How good a track is, as far as its joins tell.

    Attributes:
        audibility: of its joins, on average: the share of the song's own beats that are less so, 0 to 100.
        worst: that of the most audible join.
        repetition: the share of the seconds after the first join that were played in the minute before, 0 to 100.
    """

    audibility: float
    worst: float
    repetition: float

    @classmethod
    def of(cls, joins: Sequence[Join], seconds: float) -> "Rating | None":
        """Rate a track of so many seconds; return None where it isn't known how audible its joins are."""
        jumps = [join.jump for join in joins if join.jump]
        if joins and not jumps:
            return None
        found = [max(jump.flux_percentile, jump.level_percentile) for jump in jumps] or [0.0]
        return cls(float(np.mean(found)), max(found), 100 * repetition(joins, seconds))

    @property
    def cost(self) -> float:
        """What takes are ranked by: half of it is how audible the joins are, half how much is repeated."""
        return (self.audibility + self.repetition) / 2


def repetition(joins: Sequence[Join], seconds: float) -> float:
    """Return how much of a track, from its first join on, was played in the minute before, 0 to 1."""
    first = next((join.seconds for join in joins if join.jump), None)
    if first is None:
        return 0.0
    times = np.arange(0, seconds, STEP_SECONDS)
    positions = positions_of(joins, times)
    heard = np.zeros(len(times), bool)
    for steps in range(round(LEAST_SECONDS / STEP_SECONDS), round(MEMORY_SECONDS / STEP_SECONDS) + 1):
        apart = np.abs(positions[:, steps:] - positions[:, :-steps]).max(axis=0, initial=0)
        heard[steps:] |= apart < SAME_SECONDS
    made = times >= first
    return float(heard[made].mean()) if made.any() else 0.0
