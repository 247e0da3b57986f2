"""The path of beats and bars that explains activations best.

A hidden Markov model of the position in the bar and of the tempo (Whiteley, Cemgil and Godsill 2006), in its
semi-Markov form: a state is a whole beat, which begins in a frame, lasts a number of frames and has a position in a
bar. As in Böck, Krebs and Widmer (2016), the activation of a beat is expected in its first sixteenth, and a beat of
one length follows one of another with probability exp(-100 |new / old - 1|).

All beats that begin within as many frames as the shortest one lasts are found at once: they follow on beats that
began earlier.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAME_RATE = 50  # per second
SLOWEST, FASTEST = 55, 215  # beats a minute
STEADINESS = 100.0  # nats that a beat of twice the length of the one before costs
BEAT_PART = 16  # a beat's activation is expected in the first of so many parts of it
PEAK_FRAMES = 3  # from where a beat begins: its activation is highest in one of them
REACH = 4  # frames: by how much neighbouring beats may differ in length
TINY = 1e-6  # the least probability

METRES = {2: -0.4, 3: 0.0, 4: 0.0, 5: -0.8, 6: -0.8, 7: -0.8}
"""Beats in a bar, and what speaks for each of these before anything is heard, in nats a second.

Fitted to rendered music. Two that are really four do more harm than four that are really two: half bars look like
bars.
"""

LENGTHS = np.arange(-(-60 * FRAME_RATE // FASTEST), 60 * FRAME_RATE // SLOWEST + 1)
"""The lengths of a beat, in frames."""
PARTS = -(-LENGTHS // BEAT_PART)
"""The first sixteenth of a beat of each length, in frames."""
SHORTEST, LONGEST = int(LENGTHS[0]), int(LENGTHS[-1])


@dataclass(frozen=True)
class Path:
    """Beats, and what speaks for them.

    Attributes:
        frames: `(n,)`, increasing: where the activation of each beat is highest.
        positions: `(n,)`, the position of each beat in its bar; 0 is the first.
        metre: beats in a bar.
        scores: by metre, how much more probable the best beats of that metre make the activations than no beats, in
            nats, with what speaks for the metre itself.
    """

    frames: NDArray[np.int_]
    positions: NDArray[np.int_]
    metre: int
    scores: dict[int, float]


def decode(
    activations: NDArray[np.floating], metres: Mapping[int, float] = METRES, *, from_downbeat: bool = False
) -> Path:
    """Find the most probable beats, all of them in one metre.

    `activations` is `(frames, 2)`: the probability of a beat that is no downbeat, and of a downbeat, in each
    fiftieth of a second; at least one. With `from_downbeat` the first beat is a downbeat that begins in one of the
    first three frames. Memory grows by 164 bytes a frame for each beat of a metre.
    """
    sizes = np.array(list(metres))
    positions = np.concatenate([np.arange(size) for size in sizes])
    metre_of = np.repeat(sizes, sizes)
    before = np.arange(len(positions)) - 1 + np.where(positions == 0, metre_of, 0)
    first = _firsts(positions, from_downbeat=from_downbeat)
    table = _best_scores(_gains(activations), positions, before, first)
    last = table[-LONGEST:]  # beats that reach the end
    ends = np.where((np.arange(len(last))[:, None] + LENGTHS >= len(last))[..., None], last, -np.inf)
    seconds = len(activations) / FRAME_RATE
    scores = {m: float(ends[..., metre_of == m].max()) + prior * seconds for m, prior in metres.items()}
    metre = max(scores, key=lambda each: scores[each])
    ends[..., metre_of != metre] = -np.inf
    row, length, state = np.unravel_index(np.argmax(ends), ends.shape)
    begins, states = _trace(table, before, first, len(table) - len(last) + int(row), int(length), int(state))
    around = np.minimum(begins[:, None] + np.arange(PEAK_FRAMES), len(activations) - 1)
    frames = begins + activations.sum(axis=1)[around].argmax(axis=1)
    return Path(frames, positions[states], metre, scores)


def _gains(activations: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return how much more probable activations are if a beat, or a downbeat, begins in a frame than if none does.

    `(2, frames, parts)`, in nats, for beats whose first sixteenth lasts 1, 2, 3, ... frames.
    """
    beat, downbeat = np.maximum(activations.T, TINY)
    neither = np.maximum(1 - beat - downbeat, TINY) / (BEAT_PART - 1)
    gains = np.log(np.stack([beat, downbeat]) / neither)
    sums = np.pad(np.cumsum(gains, axis=1, dtype=np.float64), ((0, 0), (1, PARTS[-1])), mode="edge")
    sums[:, 0] = 0
    begin = np.arange(len(activations))[:, None]
    parts = np.arange(1, PARTS[-1] + 1)
    each: NDArray[np.float32] = (sums[:, begin + parts] - sums[:, begin]).astype(np.float32)
    return each


def _changes() -> NDArray[np.float32]:
    """Return the log probability that a beat of one length (row) is followed by one of another (column)."""
    cost = -STEADINESS * np.abs(LENGTHS / LENGTHS[:, None] - 1)
    changes: NDArray[np.float32] = (cost - np.log(np.exp(cost).sum(axis=1, keepdims=True))).astype(np.float32)
    changes[np.abs(LENGTHS - LENGTHS[:, None]) > REACH] = -np.inf
    return changes


CHANGES = _changes()


def _firsts(positions: NDArray[np.int_], *, from_downbeat: bool) -> NDArray[np.float32]:
    """Return 0 for each beat that a path may begin with, -inf for others: `(LONGEST, lengths, states)`.

    It begins no later than it lasts.
    """
    frames = np.arange(LONGEST)[:, None, None]
    begins = frames < LENGTHS[:, None]
    if from_downbeat:
        begins = begins & (frames < PEAK_FRAMES) & (positions == 0)
    return np.where(np.broadcast_to(begins, (LONGEST, len(LENGTHS), len(positions))), 0, -np.inf).astype(np.float32)


def _best_scores(
    gains: NDArray[np.float32], positions: NDArray[np.int_], before: NDArray[np.int_], first: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the score of the best path that ends with each beat: `(LONGEST + frames, lengths, states)`.

    The beat that begins in frame t is in row LONGEST + t; the rows above are of beats that never were.
    """
    frames, count, states = gains.shape[1], len(LENGTHS), len(positions)
    table = np.full((LONGEST + frames, count, states), -np.inf, np.float32)
    rows = LONGEST + np.arange(SHORTEST)[:, None] - LENGTHS
    ended_at = (rows * count + np.arange(count))[..., None] * states + before
    for begin in range(0, frames, SHORTEST):
        best = table[LONGEST + begin : LONGEST + begin + SHORTEST]
        ended = table.ravel().take(ended_at[: len(best)] + begin * count * states)
        at = np.arange(begin, begin + len(best))
        best[: max(0, LONGEST - begin)] = first[begin : begin + len(best)]
        for change in range(-REACH, REACH + 1):
            old, new = slice(max(0, -change), count - change), slice(max(0, change), count + change)
            changed = ended[:, old] + np.diagonal(CHANGES, change)[:, None]
            np.maximum(best[:, new], changed, out=best[:, new])
        beat, downbeat = gains[:, at][..., PARTS - 1, None]
        best += np.where(positions == 0, downbeat, beat)
    return table


def _trace(
    table: NDArray[np.float32],
    before: NDArray[np.int_],
    first: NDArray[np.float32],
    row: int,
    length: int,
    state: int,
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Follow the best path back from a beat; return the frames and the states of its beats, the earliest first."""
    path = [(row - LONGEST, state)]
    lengths = np.arange(len(LENGTHS))
    while True:
        frame, begun = row - LONGEST, (length, state)
        state = before[state]
        scores = table[row - LENGTHS, lengths, state] + CHANGES[:, length]
        previous = int(np.argmax(scores))
        if frame < LONGEST and not scores[previous] > first[frame][begun]:
            return tuple(np.array(path[::-1]).T)
        row, length = row - LENGTHS[previous], previous
        path.append((row - LONGEST, state))
