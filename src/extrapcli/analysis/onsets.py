"""Onsets near given times, to a few milliseconds."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import release

SAMPLE_RATE = 22050  # Hz
STEP = 44  # samples, 2 ms
REACH_STEPS = 20  # how far an onset may be away
SPAN_STEPS = 4  # the sound before and after an onset that is compared
WEIGHT_STEPS = 10  # the standard deviation of the distances
FLOOR = 1e-4  # of the power, against the loudest step around
TIMES_AT_ONCE = 50  # a few megabytes of sound
LEAST_RISE = 3.0  # dB, of low and of high sounds together


def to_onsets(mono: NDArray[np.float32], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move each of several times to the onset that it stands for, at most 40 ms away; keep it if there is none.

    `mono` is sound `(n,)` at 22,050 Hz, `times` are in seconds. The onset is where the power, in decibels, of the
    sound and that of its difference, which is of high sounds, rise most together, weighted by a Gaussian of the
    distance.
    """
    moved = []
    for begin in range(0, len(times), TIMES_AT_ONCE):
        moved.append(_to_onsets(mono, times[begin : begin + TIMES_AT_ONCE]))
        release(mono)
    return np.concatenate(moved) if moved else times


def _to_onsets(mono: NDArray[np.float32], times: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = 2 * (REACH_STEPS + SPAN_STEPS)
    begins = np.rint(times * SAMPLE_RATE).astype(int) - steps // 2 * STEP
    at = begins[:, None] + np.arange(-1, steps * STEP)
    sound = np.where((at >= 0) & (at < len(mono)), mono[np.clip(at, 0, len(mono) - 1)], 0).astype(np.float64)
    rise = np.zeros((len(times), 2 * REACH_STEPS + 1))
    for part in (sound[:, 1:], np.diff(sound, axis=1)):
        power = np.square(part).reshape(len(times), steps, STEP).mean(axis=2)
        level = 10 * np.log10(power + FLOOR * power.max(axis=1, keepdims=True) + np.finfo(float).tiny)
        sums = np.pad(np.cumsum(level, axis=1), ((0, 0), (1, 0)))
        before, here, after = (sums[:, k : k + rise.shape[1]] for k in (0, SPAN_STEPS, 2 * SPAN_STEPS))
        rise += (after - 2 * here + before) / SPAN_STEPS
    shift = np.arange(-REACH_STEPS, REACH_STEPS + 1)
    best = (rise * np.exp(-0.5 * (shift / WEIGHT_STEPS) ** 2)).argmax(axis=1)
    found = rise[np.arange(len(times)), best] >= LEAST_RISE
    return np.where(found, times + shift[best] * (STEP / SAMPLE_RATE), times)
