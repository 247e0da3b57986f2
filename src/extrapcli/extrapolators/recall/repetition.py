"""How much of what could be played next was heard of late: the enemy is going round in circles.

A song played whole repeats itself where a place comes back. One played in parts repeats itself where
all its parts together sound as they did at one moment before, so the same phrase of one part over another
phrase of the other is something new.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.hearing import Score

MEMORY_SECONDS = 60.0
FORGETTING_SECONDS = 15.0
ALIKE, SAME = 0.8, 0.95  # correlation of two seconds of spectra from which they count a little, and wholly
STEP_HOPS = 5
PATCH_STEPS = 5  # a second
BAND_GROUPS = 16

Array = NDArray[np.float32]


class Memory(Protocol):
    def heard(self, now: float, seconds: float, places: list[float]) -> None:
        """Note that for so many seconds from `now` on the parts were played from these places on."""
        ...

    def share(self, now: float, seconds: float, part: int, others: list[float]) -> Array:
        """For every place, the share from 0 to 1 of what `part` would repeat if it went on there at `now`.

        `others` are the places at which all parts are at that moment; that of `part` itself is not used.
        """
        ...


class PlaceMemory:
    """The second at which every place was last heard. For a song that is played whole."""

    def __init__(self, score: Score, per_second: int) -> None:
        self.per_second = per_second
        self.last = np.full(len(score.places), -np.inf)

    def heard(self, now: float, seconds: float, places: list[float]) -> None:
        begin = max(0, round(places[0]))
        last = self.last[begin : round(places[0] + seconds * self.per_second)]
        last[:] = now + np.arange(len(last)) / self.per_second

    def share(self, now: float, seconds: float, part: int, others: list[float]) -> Array:
        fresh = _freshness(now - self.last)
        length = max(1, round(seconds * self.per_second))
        sums = np.concatenate([[0], np.cumsum(fresh), np.full(length, fresh.sum())])
        share: Array = ((sums[length : length + len(fresh)] - sums[: len(fresh)]) / length).astype(np.float32)
        return share


class CombinationMemory:
    """Which places of the parts were heard together, and when. For a short song that is played in parts."""

    def __init__(self, scores: list[Score], per_second: int) -> None:
        self.step_seconds = STEP_HOPS / per_second
        self.places = len(scores[0].places)
        self.likeness = [_likeness(score.spectra) for score in scores]
        self.times: list[float] = []
        self.steps: list[list[int]] = []

    def heard(self, now: float, seconds: float, places: list[float]) -> None:
        for k in range(int(seconds / self.step_seconds)):
            self.times.append(now + k * self.step_seconds)
            self.steps.append([self._step(place, k) for place in places])
        begin = np.searchsorted(self.times, now - MEMORY_SECONDS - FORGETTING_SECONDS)
        del self.times[:begin], self.steps[:begin]

    def share(self, now: float, seconds: float, part: int, others: list[float]) -> Array:
        count = len(self.likeness[part])
        fresh = _freshness(now - np.array(self.times))
        before = np.array(self.steps)
        total = np.zeros(count)
        ahead = range(1, max(2, int(seconds / self.step_seconds) - 2), 3)
        for k in ahead:
            same = np.take(self.likeness[part], np.arange(k, count + k), axis=0, mode="clip")[:, before[:, part]]
            for other, place in enumerate(others):
                if other != part:
                    same = np.minimum(same, self.likeness[other][self._step(place, k)][before[:, other]])
            total += (same * fresh).max(axis=1)
        steps = np.minimum(np.arange(self.places) // STEP_HOPS, count - 1)
        return (total / len(ahead)).astype(np.float32)[steps]

    def _step(self, place: float, ahead: int) -> int:
        return int(np.clip(round(place / STEP_HOPS) + ahead, 0, len(self.likeness[0]) - 1))


def _freshness(age: NDArray[np.floating]) -> NDArray[np.float64]:
    """1 for what was heard within the last minute, falling to 0 over the quarter of a minute before."""
    return np.clip((MEMORY_SECONDS + FORGETTING_SECONDS - age) / FORGETTING_SECONDS, 0, 1)


def _likeness(spectra: Array) -> Array:
    """How alike the seconds that begin at any two steps sound, 0 to 1, `(steps, steps)`."""
    steps = len(spectra) // STEP_HOPS
    cells = spectra[: steps * STEP_HOPS].reshape(steps, STEP_HOPS, BAND_GROUPS, -1).mean(axis=(1, 3))
    cells = (cells - cells.mean(axis=0)) / (cells.std(axis=0) + 0.25 * cells.std() + 1e-6)
    padded = np.pad(cells, ((0, PATCH_STEPS - 1), (0, 0)), "edge")
    patches = np.lib.stride_tricks.sliding_window_view(padded, PATCH_STEPS, axis=0).reshape(steps, -1)
    patches = patches - patches.mean(axis=1, keepdims=True)
    patches = patches / (np.linalg.norm(patches, axis=1, keepdims=True) + 1e-6)
    likeness: Array = np.clip((patches @ patches.T - ALIKE) / (SAME - ALIKE), 0, 1).astype(np.float32)
    return likeness
