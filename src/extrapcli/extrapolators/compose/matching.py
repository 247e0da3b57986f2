"""Matches: how well each slot of a song would follow what was played, by what sounded before it.

A nearest-neighbour continuation of the last few slots, for several lengths at once.
"""

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.compose.bands import NAMES
from extrapcli.extrapolators.compose.candidates import Candidates

Array = NDArray[np.float32]
Indices = NDArray[np.int_]

CONTEXTS = (1, 2, 4, 8, 16)  # slots before, which are compared
SPANS = (1, 2, 4, 8)  # bars after which a place comes again
KINDS = 2 * len(CONTEXTS) + len(SPANS) + 5
HALF_BAR, FOLLOWS, ENERGY, WITH_MIDDLE, WITH_BASS = range(KINDS - 5, KINDS)
SAME = 0.02  # added to distances before their logarithm is taken
SHARES = np.array([0.3, 0.5, 0.2], np.float32)  # of the layers in a distance of the whole sound
PLAIN = np.zeros((len(NAMES), KINDS), np.float32)
"""Weights of the matches, fitted to songs, that need no network."""
PLAIN[:, : 2 * len(CONTEXTS)] = (
    (0.88, 0, 0, 0.13, 0, 1.36, 0.64, 0.47, 0.32, 0.2),
    (1.15, 0.19, 0, 0.29, 0, 1.32, 0.72, 0.47, 0.19, 0.08),
    (0.8, 0, 0, 0.22, 0, 0.6, 0.44, 0.39, 0.24, 0.14),
)


def matches(song: Candidates, apart: Array, sources: Indices, moments: Indices, wanted: Array) -> Array:
    """Return how well every candidate would follow each slot that was played, `(t, 3, n, KINDS)`.

    The last two kinds, how alike a candidate is to what the middle and the bass play at the same time, are left at 0.

    Args:
        song: the candidates.
        apart: the distances of what was played from the candidates, `(3, t, n)`.
        sources: the candidate that each layer played, `(3, t)`; n or more for none of them.
        moments: of the slots that come next, `(t,)`.
        wanted: the energy of the slots that come next, `(t,)`.
    """
    _, steps, n = apart.shape
    out = np.zeros((steps, len(NAMES), n, KINDS), np.float32)
    lengths = len(CONTEXTS)
    whole = np.tensordot(SHARES, apart, 1).astype(np.float32)
    out[..., :lengths] = _contexts(whole, SHARES @ song.farthest)[:, None]
    out[..., lengths : 2 * lengths] = np.moveaxis(_contexts(apart, song.farthest[:, None, None]), 0, 1)
    if song.per_bar:
        since = moments[:, None] - song.moments
        for number, span in enumerate(SPANS):
            out[..., 2 * lengths + number] = (since % (span * song.per_bar) == 0)[:, None]
        out[..., HALF_BAR] = (since % max(1, song.per_bar // 2) == 0)[:, None]
    step, layer = np.nonzero(n > sources.T + 1)
    out[step, layer, sources[layer, step] + 1, FOLLOWS] = 1
    out[..., ENERGY] = -np.abs(song.energies - wanted[:, None])[:, None]
    return out


def alike(apart: Array) -> Array:
    """Turn distances into how alike slots are: up to about 4, and negative where they are farther than usual."""
    result: Array = -np.log(apart + np.float32(SAME))
    return result


def _contexts(apart: Array, far: Array) -> Array:
    """Return how alike what was played last is to what is before each candidate, for each length: `(..., t, n, 5)`.

    `apart` is `(..., t, n)`. Before the beginnings, everything is as `far` apart as it gets, `(..., 1, 1)`.
    """
    sums = _moved(apart, 0, 1, far)
    out = np.empty((*apart.shape, len(CONTEXTS)), np.float32)
    for number, length in enumerate(CONTEXTS):
        if number:
            half = length // 2
            sums = sums + _moved(sums, half, half, far * half)
        out[..., number] = alike(sums / np.float32(length))
    return out


def _moved(values: Array, later: int, right: int, filled: Array) -> Array:
    out = np.broadcast_to(filled, values.shape).copy()
    steps, places = (max(0, size - by) for size, by in zip(values.shape[-2:], (later, right), strict=True))
    out[..., later:, right:] = values[..., :steps, :places]
    return out
