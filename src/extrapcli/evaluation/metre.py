"""Metre: whether the bars of a track have the song's length and metre, found by listening to the finished track."""

import numpy as np

from extrapcli.analysis import Beats

SAME_BEAT = 0.1  # a beat that keeps the metre differs from the usual length by less than this share
LEAST_BARS = 3  # of the song, which have a usual length


def bar_continuity(beats: Beats, head_seconds: float) -> float | None:
    """Return the share, 0 to 1, of a track's bars that end after its head and keep its metre.

    Such a bar has as many beats as most, all of the usual length. `beats` are those of the whole track. The usual
    length follows from the median of the head's bars or, where it has fewer than three, of all bars. Where a join
    jumps off the beat, some beats become longer or shorter: a beat tracker that has to catch up may spread the change
    over neighbouring bars, so that the length of a bar alone says little. None without a pulse or without a bar after
    the head.
    """
    first = np.flatnonzero(beats.positions == 0)
    lengths, counts, ends = np.diff(beats.times[first]), np.diff(first), beats.times[first[1:]]
    after = ends > head_seconds
    if not beats.has_pulse or not after.any():
        return None
    usual = float(np.median(lengths[~after] if np.sum(~after) >= LEAST_BARS else lengths)) / beats.metre
    off = np.abs(np.diff(beats.times[: first[-1] + 1]) / usual - 1)
    kept = (np.maximum.reduceat(off, first[:-1]) < SAME_BEAT) & (counts == beats.metre)
    return float(kept[after].mean())
