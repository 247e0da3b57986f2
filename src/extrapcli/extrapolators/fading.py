"""The end of a track that fades out."""

from collections.abc import Iterator
from dataclasses import replace

from extrapcli.audio.song import Song
from extrapcli.crossfade import Fade
from extrapcli.extrapolators.base import Block, fade_out_samples


def fade_out(blocks: Iterator[Block], song: Song, wanted: int) -> Iterator[Block]:
    """Fade a track of `wanted` samples out."""
    n = fade_out_samples(song, wanted)
    fall, _ = Fade(n, "equal-gain").gains()
    for block in blocks:
        begin = wanted - n - block.start
        if begin >= len(block.samples):
            yield block
            continue
        samples = block.samples.copy()
        falling = fall[max(0, -begin) : max(0, len(samples) - begin)]
        samples[max(0, begin) : max(0, begin) + len(falling)] *= falling[:, None]
        yield replace(block, samples=samples)
