"""A limiter: two layers of a loud song may peak together where they never did in the song."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.clipping import peak_of
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks
from extrapcli.extrapolators.base import Block

SEGMENT_SECONDS = 0.01
AT_ONCE = 1_000  # segments


def limited(blocks: Iterator[Block], song: Song) -> Iterator[Block]:
    """Keep blocks within full scale, or the song's own peak where that is higher, by a gain that changes smoothly."""
    bound = max(1.0, *map(peak_of, chunks(song.samples)))
    segment = max(1, round(SEGMENT_SECONDS * song.sample_rate))
    previous, previous_start = np.ones(0, np.float32), 0  # the gain of the previous block
    for block in blocks:
        current = previous[block.start - previous_start :][:segment]  # the gain at the beginning of this block
        if not len(current):  # it begins where the one before ended
            current = np.repeat(previous[-1:], segment)
        if peak_of(block.samples) <= bound and (current == 1).all():
            previous, previous_start = np.ones(0, np.float32), block.start
            yield block
            continue
        gain = _gain(block.samples, bound, segment)
        current = np.pad(current, (0, segment - len(current)), constant_values=1)[: len(gain)]
        blend = np.linspace(0, 1, len(current), dtype=np.float32)
        gain[: len(current)] = current + (gain[: len(current)] - current) * blend
        previous, previous_start = gain, block.start
        samples = block.samples * gain[:, None]
        yield replace(block, samples=np.clip(samples, -bound, bound, out=samples))


def _gain(samples: NDArray[np.floating], bound: float, segment: int) -> NDArray[np.float32]:
    """Return a gain `(n,)` of at most 1 that brings every sample of `(n, channels)` within the bound.

    Each segment of the sound allows a gain. In the middle of each, the gain is the least that it and its neighbours
    allow, and between the middles a straight line. So it never exceeds what any sample allows.
    """
    flat, starts = samples.ravel(), np.arange(0, len(samples), segment) * samples.shape[1]
    peaks = np.maximum(np.maximum.reduceat(flat, starts), -np.minimum.reduceat(flat, starts))
    allowed = np.pad(np.minimum(1, bound / np.maximum(peaks, 1e-9)), 1, "edge")
    least = np.minimum(np.minimum(allowed[:-2], allowed[2:]), allowed[1:-1])
    middles = (np.arange(len(least)) + 0.5) * segment
    gain = np.empty(len(samples), np.float32)
    for begin in range(0, len(gain), AT_ONCE * segment):
        end = min(begin + AT_ONCE * segment, len(gain))
        gain[begin:end] = np.interp(np.arange(begin, end), middles, least)
    return gain
