"""Blocks that do not go beyond full scale: two parts of a loud song may strike together where they never did."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks
from extrapcli.extrapolators.base import Block

SEGMENT_SECONDS = 0.01

Gain = NDArray[np.float32]


def limited(blocks: Iterator[Block], song: Song) -> Iterator[Block]:
    """Hold blocks within full scale, or the song's own peak where that is higher, by a gain that moves smoothly."""
    bound = max(1.0, *(float(np.abs(piece).max()) for piece in chunks(song.samples)))
    segment = max(1, round(SEGMENT_SECONDS * song.sample_rate))
    before, begun = np.ones(0, np.float32), 0
    for block in blocks:
        there = before[block.start - begun :][:segment]  # the gain that this block begins in
        loudest = max(float(block.samples.max(initial=0)), -float(block.samples.min(initial=0)))
        if loudest <= bound and (there == 1).all():
            before, begun = np.ones(0, np.float32), block.start
            yield block
            continue
        gain = _gain(block.samples, bound, segment)
        there = np.pad(there, (0, segment - len(there)), constant_values=1)[: len(gain)]
        gain[: len(there)] = there + (gain[: len(there)] - there) * np.linspace(0, 1, len(there), dtype=np.float32)
        before, begun = gain, block.start
        yield replace(block, samples=np.clip(block.samples * gain[:, None], -bound, bound))


def _gain(samples: NDArray[np.floating], bound: float, segment: int) -> Gain:
    """A gain `(n,)` of at most 1 that brings every sample of `(n, channels)` within the bound.

    A segment of the sound asks for a gain; in the middle of each, the least that it and its neighbours ask for
    holds, and between the middles a line. So it never exceeds what any sample asks for.
    """
    count = -(-len(samples) // segment)
    peaks = (
        np.pad(np.abs(samples).max(axis=1), (0, count * segment - len(samples))).reshape(count, segment).max(axis=1)
    )
    asked = np.pad(np.minimum(1, bound / np.maximum(peaks, 1e-9)), 1, "edge")
    least = np.minimum(np.minimum(asked[:-2], asked[2:]), asked[1:-1])
    middles = (np.arange(count) + 0.5) * segment
    gain: Gain = np.interp(np.arange(len(samples)), middles, least).astype(np.float32)
    return gain
