"""How loud a sound is from moment to moment."""

import numpy as np
from numpy.typing import NDArray


def level_steps(
    power: NDArray[np.floating],
    begin: NDArray[np.integer],
    end: NDArray[np.integer],
    *,
    span: int,
    floor: float = 1e-6,
) -> NDArray[np.float32]:
    """Return the change of level, in decibels without a sign, across each of several gaps.

    `power` is the mean square of each frame `(n,)`. Gap k lies between the frames `begin[k]` and `end[k]`; the mean
    power a of the `span` frames before it is compared with the mean power b of the `span` frames from `end[k]` on:

        step = |10 log10((b + floor) / (a + floor))|

    At the ends of the sound, fewer frames are compared, but at least one. The result is float32, shaped as `begin`.

    >>> level_steps(np.array([1.0, 1.0, 100.0, 100.0]), np.array([2]), np.array([2]), span=2).round(3)
    array([20.], dtype=float32)
    """
    n = len(power)
    sums = np.concatenate([[0], np.cumsum(power, dtype=np.float64)])
    begin, end = np.clip(begin, 1, n), np.clip(end, 0, n - 1)
    first, last = np.maximum(begin - span, 0), np.minimum(end + span, n)
    before = (sums[begin] - sums[first]) / (begin - first)
    after = (sums[last] - sums[end]) / (last - end)
    steps: NDArray[np.float32] = np.abs(10 * np.log10((after + floor) / (before + floor))).astype(np.float32)
    return steps
