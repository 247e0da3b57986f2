"""The penalty on repeating what was played recently, which keeps the track from going round in circles.

Sound counts as repeated wherever in the song it comes from. A song played in two layers repeats itself only where
both layers together sound as they did at one earlier moment: the same phrase of one layer over another phrase of the
other is new.
"""

import math
from bisect import bisect
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.encoder import BAND_GROUPS, Encoding

MEMORY_SECONDS = 70.0
SIMILAR, SAME = 0.8, 0.95  # correlation of two seconds of sound from which they begin to count, and count fully
STEP_HOPS = 5
PATCH_STEPS = 5  # a second


class RepetitionPenalty:
    """Remembers how similar the last 70 s of the track, in steps of 0.2 s, are to each position of each layer."""

    def __init__(self, encodings: list[Encoding], positions_per_second: int) -> None:
        self.step_seconds = STEP_HOPS / positions_per_second
        self.positions = len(encodings[0].keys)
        self.patches = [_patches(encoding.spectra) for encoding in encodings]
        self.times: list[float] = []
        self.similarity = [np.zeros((len(patches), 0), np.float32) for patches in self.patches]

    def record(self, begin: float, end: float, positions: list[float]) -> None:
        """Note that between two seconds of the track each layer is played from its position on."""
        first, last = (math.ceil(seconds / self.step_seconds - 1e-6) for seconds in (begin, end))
        steps = np.arange(max(first, last - int(MEMORY_SECONDS / self.step_seconds)), last)
        self.times += (steps * self.step_seconds).tolist()
        old = bisect(self.times, end - MEMORY_SECONDS)
        del self.times[:old]
        elapsed = (steps * self.step_seconds - begin) / self.step_seconds
        for layer, (patches, position) in enumerate(zip(self.patches, positions, strict=True)):
            played = np.clip(np.round(position / STEP_HOPS + elapsed), 0, len(patches) - 1).astype(int)
            new = _similarity(patches, patches[played])
            self.similarity[layer] = np.concatenate([self.similarity[layer], new], axis=1)[:, old:]

    def repeated_share(self, seconds: float, jumping: list[int], positions: list[float]) -> NDArray[np.float32]:
        """Return the share `(positions,)`, 0 to 1, of the next `seconds` that would repeat the last 70 s.

        `jumping` are the indices of the layers that jump to each position; `positions` are where all layers are now,
        from where the others play on.
        """
        similarity = self.similarity
        if len(similarity) == 1:
            similarity = [similarity[0].max(axis=1, keepdims=True, initial=0)]
        count = len(similarity[0])
        total = np.zeros(count, np.float32)
        ahead = range(1, max(2, int(seconds / self.step_seconds) - 2), 3)
        for k in ahead:
            there = np.minimum(np.arange(k, count + k), count - 1)
            rows = [there if n in jumping else [self._step(position, k)] for n, position in enumerate(positions)]
            together = reduce(np.minimum, (layer[row] for layer, row in zip(similarity, rows, strict=True)))
            total += together.max(axis=1, initial=0)
        steps = np.minimum(np.arange(self.positions) // STEP_HOPS, count - 1)
        share: NDArray[np.float32] = (total / np.float32(len(ahead)))[steps]
        return share

    def _step(self, position: float, ahead: int) -> int:
        return min(max(round(position / STEP_HOPS) + ahead, 0), len(self.patches[0]) - 1)


def _patches(spectra: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the second of sound that begins at each step as a vector of unit length, `(steps, cells)`."""
    steps = len(spectra) // STEP_HOPS
    cells = spectra[: steps * STEP_HOPS].reshape(steps, STEP_HOPS, BAND_GROUPS, -1).mean(axis=(1, 3))
    cells = (cells - cells.mean(axis=0)) / (cells.std(axis=0) + 0.25 * cells.std() + 1e-6)
    padded = np.pad(cells, ((0, PATCH_STEPS - 1), (0, 0)), "edge")
    patches = np.lib.stride_tricks.sliding_window_view(padded, PATCH_STEPS, axis=0).reshape(steps, -1)
    patches = patches - patches.mean(axis=1, keepdims=True)
    unit: NDArray[np.float32] = (patches / (np.linalg.norm(patches, axis=1, keepdims=True) + 1e-6)).astype(np.float32)
    return unit


def _similarity(patches: NDArray[np.float32], played: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how similar each second of the song is to each one played, 0 to 1, `(steps, played)`."""
    similarity: NDArray[np.float32] = patches @ played.T
    similarity -= SIMILAR
    similarity /= SAME - SIMILAR
    return np.clip(similarity, 0, 1, out=similarity)
