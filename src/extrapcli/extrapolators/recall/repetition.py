"""How much of what could be played next was heard of late: the enemy is going round in circles.

What is repeated is the sound, wherever in the song it comes from. A song played in parts repeats itself where all
of them together sound as they did at one moment before: the same phrase of one part over another phrase of the
other is something new.
"""

import math
from bisect import bisect
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.encoder import BAND_GROUPS, Score

MEMORY_SECONDS = 70.0
ALIKE, SAME = 0.8, 0.95  # correlation of two stretches of a second, from which they count a little, and wholly
STEP_HOPS = 5
PATCH_STEPS = 5  # a second

Array = NDArray[np.float32]


class Memory:
    """What was heard of late, a moment each fifth of a second, and how like it every place of each part is."""

    def __init__(self, scores: list[Score], per_second: int) -> None:
        self.step_seconds = STEP_HOPS / per_second
        self.places = len(scores[0].places)
        self.patches = [_patches(score.spectra) for score in scores]
        self.times: list[float] = []
        self.likeness = [np.zeros((len(patches), 0), np.float32) for patches in self.patches]

    def note(self, begin: float, end: float, places: list[float]) -> None:
        """Between two seconds of the track the parts are played from these places on."""
        first, last = (math.ceil(seconds / self.step_seconds - 1e-6) for seconds in (begin, end))
        moments = np.arange(max(first, last - int(MEMORY_SECONDS / self.step_seconds)), last)
        self.times += (moments * self.step_seconds).tolist()
        old = bisect(self.times, end - MEMORY_SECONDS)
        del self.times[:old]
        passed = (moments * self.step_seconds - begin) / self.step_seconds
        for part, (patches, place) in enumerate(zip(self.patches, places, strict=True)):
            steps = np.clip(np.round(place / STEP_HOPS + passed), 0, len(patches) - 1).astype(int)
            new = _likeness(patches, patches[steps])
            self.likeness[part] = np.concatenate([self.likeness[part], new], axis=1)[:, old:]

    def share(self, seconds: float, moving: list[int], places: list[float]) -> Array:
        """For every place, the share from 0 to 1 of what would be repeated if the moving parts went on there.

        `places` are where all parts are at that moment; the others go on from theirs, for so many seconds.
        """
        likeness = self.likeness
        if len(likeness) == 1:
            likeness = [likeness[0].max(axis=1, keepdims=True, initial=0)]
        count = len(likeness[0])
        total = np.zeros(count, np.float32)
        ahead = range(1, max(2, int(seconds / self.step_seconds) - 2), 3)
        for k in ahead:
            there = np.minimum(np.arange(k, count + k), count - 1)
            rows = [there if part in moving else [self._step(place, k)] for part, place in enumerate(places)]
            same = reduce(np.minimum, (like[row] for like, row in zip(likeness, rows, strict=True)))
            total += same.max(axis=1, initial=0)
        steps = np.minimum(np.arange(self.places) // STEP_HOPS, count - 1)
        share: Array = (total / np.float32(len(ahead)))[steps]
        return share

    def _step(self, place: float, ahead: int) -> int:
        return min(max(round(place / STEP_HOPS) + ahead, 0), len(self.patches[0]) - 1)


def _patches(spectra: Array) -> Array:
    """The second of sound that begins at every step as a vector of unit length, `(steps, cells)`."""
    steps = len(spectra) // STEP_HOPS
    cells = spectra[: steps * STEP_HOPS].reshape(steps, STEP_HOPS, BAND_GROUPS, -1).mean(axis=(1, 3))
    cells = (cells - cells.mean(axis=0)) / (cells.std(axis=0) + 0.25 * cells.std() + 1e-6)
    padded = np.pad(cells, ((0, PATCH_STEPS - 1), (0, 0)), "edge")
    patches = np.lib.stride_tricks.sliding_window_view(padded, PATCH_STEPS, axis=0).reshape(steps, -1)
    patches = patches - patches.mean(axis=1, keepdims=True)
    unit: Array = (patches / (np.linalg.norm(patches, axis=1, keepdims=True) + 1e-6)).astype(np.float32)
    return unit


def _likeness(patches: Array, heard: Array) -> Array:
    """How alike seconds sound, 0 to 1, `(steps, heard)`."""
    likeness: Array = patches @ heard.T
    likeness -= ALIKE
    likeness /= SAME - ALIKE
    return np.clip(likeness, 0, 1, out=likeness)
