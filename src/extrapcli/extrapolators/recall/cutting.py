"""Bring the cuts of a song to the sample, and play it through them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import release, spooled
from extrapcli.crossfade import Fade, join
from extrapcli.extrapolators.base import Block, Jump
from extrapcli.extrapolators.recall.alignment import AlignedJump, align_jump
from extrapcli.extrapolators.recall.context import describe
from extrapcli.extrapolators.recall.join import Splice, recovery
from extrapcli.extrapolators.recall.playhead import Playhead
from extrapcli.extrapolators.recall.version import Cut
from extrapcli.extrapolators.recall.whole import WholeSound

AT_ONCE = 1_000_000  # samples
SILENT_FADE_SECONDS = 0.05


class Cutter:
    """Aligns cuts of a song, and makes blocks of them. In an aligned cut, the departure is a sample of the song."""

    def __init__(self, sound: WholeSound, fade_seconds: float | None, *, keep_levels: bool = False) -> None:
        self.sound, self.material = sound, sound.material
        self.fade_seconds, self.keep_levels = fade_seconds, keep_levels
        self.layer, self.rate = self.material.layers[0], self.material.song.sample_rate
        self.silent_fade = Fade(round(SILENT_FADE_SECONDS * self.rate), "equal-gain")
        self._aligned: dict[tuple[int, int, bool], AlignedJump] = {}

    def align(self, cuts: Sequence[Cut], later: int = 0) -> list[AlignedJump]:
        """Align cuts; if one is free, so that together they make the track `later` by so many samples."""
        aligned = [None if cut.free else self._align(cut.leave, cut.reach) for cut in cuts]
        rest = later - sum(jump.departure - jump.splice.target for jump in aligned if jump)
        return [jump or self._align(cut.leave, later=rest) for cut, jump in zip(cuts, aligned, strict=True)]

    def _align(self, leave: float, reach: float = 0.0, *, later: int | None = None) -> AlignedJump:
        departure = round(leave * self.rate)
        target = round(reach * self.rate) if later is None else departure - later
        key = departure, target, later is None
        if min(departure, target) >= self.material.bounds.end:
            return AlignedJump(departure, Splice(target, self.silent_fade), (1.0,), 0.0, 0.0)
        if key not in self._aligned:
            playheads = [Playhead(self.layer, 0)]
            self._aligned[key] = align_jump(
                self.material,
                playheads,
                playheads,
                departure,
                target,
                fixed=later is not None,
                fade_seconds=self.fade_seconds,
                keep_levels=self.keep_levels,
            )
        return self._aligned[key]

    def blocks(self, jumps: list[AlignedJump]) -> Iterator[Block]:
        """Yield a block from each cut to the next, and from the last to the end of the song."""
        playhead = Playhead(self.layer, 0)
        ends = [*(jump.departure for jump in jumps), len(self.material.song.samples)]
        for jump, end in zip(jumps, ends[1:], strict=True):
            fade, target, departure = jump.splice.fade, jump.splice.target, jump.departure - playhead.offset
            gains = recovery(jump.gains[0], self.rate)
            old = playhead.render(departure - fade.samples, departure)
            new = self.layer.samples[target - fade.samples : target]
            playhead = replace(playhead, offset=target - departure, jumped_at=departure, gains=gains)
            samples = spooled(
                self._played(join(old, new * gains[0], fade), playhead, departure, end - target + departure)
            )
            yield Block(departure - fade.samples, samples, fade.samples, self.describe(jump), copy=True)

    def describe(self, aligned: AlignedJump) -> Jump:
        """Describe an aligned cut."""
        return describe(aligned, self.sound.context, self.sound.grid.times, layer="all", left=aligned.departure)

    def _played(
        self, crossfade: NDArray[np.floating], playhead: Playhead, begin: int, end: int
    ) -> Iterator[NDArray[np.floating]]:
        yield crossfade
        for at in range(begin, end, AT_ONCE):
            yield playhead.render(at, min(at + AT_ONCE, end))
            release(self.layer.samples)
