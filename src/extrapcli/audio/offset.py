"""The offset of a sound: where each channel lies when nothing sounds (DC). Nobody hears it, so nothing counts it."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks, spooled
from extrapcli.audio.steps import SECOND, Steps

Values = NDArray[np.float64]

MATTERS = 2.0  # times what else sounds in a second: an offset that is smaller everywhere hardly changes a level
LEAST = 10 ** (-60 / 20)  # of the whole sound: none matters that is smaller
JUMP = 0.25  # of an offset's range: what changes by more, from a step to the next but one, jumps
CHUNK_STEPS = 4096


def without_offset(samples: NDArray[Any], steps: Steps, *, jumps: bool = True) -> NDArray[Any]:
    """Take the offset of each channel away from `(n, channels)`; return the same array where there is none.

    There is one where, for a second, it is twice as large as all else that sounds in that second. It is constant if
    that leaves none over, else it follows the sound. With `jumps` it also jumps where the sound does, which leaves no
    click.
    """
    offset = _find(steps)
    if offset is None:
        return samples
    knots = [_knots(channel, steps.size, values, jumps) for channel, values in zip(samples.T, offset.T, strict=True)]
    return spooled(_less(samples, knots))


def _find(steps: Steps) -> Values | None:
    """Find the offset at each step, `(steps, channels)`: the simplest that leaves none over."""
    variances = steps.variances
    if len(variances) < SECOND // 2 or not _matters(steps.means, variances):
        return None
    constant = _where_nothing_sounds(steps.means, variances)
    if not _matters(steps.means - constant, variances):
        return np.broadcast_to(constant, steps.means.shape)
    return _running(np.median, steps.means)


def _matters(means: Values, variances: Values) -> bool:
    """Tell whether, for a second, the mean is large against what else sounds in that second."""
    offset = _running(np.mean, _running(np.median, means))
    powers = variances + (means - offset) ** 2
    sound = np.sqrt(_running(np.mean, powers, "even"))
    least = LEAST * float(np.sqrt(powers.mean()))
    return bool((np.abs(offset) > np.maximum(MATTERS * sound, least)).any())


def _where_nothing_sounds(means: Values, variances: Values) -> Values:
    """Return the median of each channel's means, `(channels,)`, in which soft steps weigh most."""
    weights = 1 / (variances + LEAST**2 * variances.mean() + np.finfo(float).tiny)
    order = np.argsort(means, axis=0)
    below = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    middle = np.argmax(below >= below[-1] / 2, axis=0)
    channels = np.arange(means.shape[1])
    offset: Values = means[order[middle, channels], channels]
    return offset


def _running(average: Callable[..., Values], values: Values, beyond: Literal["odd", "even"] = "odd") -> Values:
    """Average the second around each step, `(steps, channels)`.

    Beyond the ends, what rises or falls goes on (`odd`), or goes back (`even`), which leaves it positive.
    """
    padded = np.pad(values, ((SECOND // 2, SECOND // 2), (0, 0)), "symmetric", reflect_type=beyond)
    seconds = np.lib.stride_tricks.sliding_window_view(padded, SECOND // 2 * 2 + 1, axis=0)
    parts = [average(seconds[k : k + CHUNK_STEPS], axis=2) for k in range(0, len(values), CHUNK_STEPS)]
    return np.concatenate(parts)


def _knots(channel: NDArray[np.floating], size: int, values: Values, jumps: bool) -> tuple[Values, Values]:
    """Return the samples of a channel `(n,)`, and the offset there, between which it runs straight.

    They are the middles of the steps, of one more on either side, and in the place of a step in which it jumps, the
    last sample before the jump and the first one after.
    """
    middles: Values = (np.arange(-1, len(values) + 1, dtype=np.float64) + 0.5) * size - 0.5
    extended = np.pad(values, 1, "reflect", reflect_type="odd") if len(values) > 1 else np.repeat(values, 3)
    if not jumps:
        return middles, extended
    steps = _steps_with_jumps(extended)
    before, after = extended[steps - 1], extended[steps + 1]
    first = np.array([_first_after_jump(channel, size, *jump) for jump in zip(steps - 1, before, after, strict=True)])
    middles[steps], extended[steps] = first - 1, before
    return np.insert(middles, steps + 1, first), np.insert(extended, steps + 1, after)


def _steps_with_jumps(values: Values) -> NDArray[np.intp]:
    """Return where the change from the value before to the one after is large, and larger than next to it."""
    change = np.abs(values[2:] - values[:-2])
    here, earlier, later = change[1:-1], change[:-2], change[2:]
    return np.flatnonzero((here > JUMP * np.ptp(values)) & (here > earlier) & (here >= later)) + 2


def _first_after_jump(channel: NDArray[np.floating], size: int, step: int, before: float, after: float) -> int:
    """Find the sample within a step of a channel from which on the offset `after` fits it better than `before`."""
    begin = (step - 1) * size
    around = channel[begin : begin + 3 * size].astype(np.float64)
    misfit = np.cumsum((around - before) ** 2 - (around - after) ** 2)
    return begin + int(np.clip(np.argmin(misfit) + 1, size, 2 * size))


def _less(samples: NDArray[Any], knots: list[tuple[Values, Values]]) -> Iterator[NDArray[Any]]:
    begin = 0
    for chunk in chunks(samples):
        at = np.arange(begin, begin + len(chunk))
        yield (chunk - np.stack([np.interp(at, *knot) for knot in knots], axis=1)).astype(samples.dtype)
        begin += len(chunk)
