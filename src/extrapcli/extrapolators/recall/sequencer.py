"""String jumps together until the track has its length, or lands on the song's own ending."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import release
from extrapcli.crossfade import join
from extrapcli.extrapolators.base import Block, Style
from extrapcli.extrapolators.recall.analysis import Analysis
from extrapcli.extrapolators.recall.join import recovery
from extrapcli.extrapolators.recall.playhead import Playhead, mix
from extrapcli.extrapolators.recall.repetition_penalty import RepetitionPenalty
from extrapcli.extrapolators.recall.selector import JumpSelector, SelectedJump

STAY_SECONDS = {1: 10.0, 2: 5.0}  # how long a playhead stays before it jumps again, by the number of layers
MAX_DELAY_SECONDS = 1.5  # a jump may come this much later, where that is better
BEFORE_ENDING_SECONDS = 8.0, 0.5  # the jump to the song's ending lands this long before it, at most and at least
SAME_POSITION_SECONDS = 0.01
NEVER = sys.maxsize  # the length of a stream, in samples


class Sequencer:
    """Yields the blocks of one track, or of a stream without end.

    `lands` says whether the track closes with the song's own ending.
    """

    def __init__(self, analysis: Analysis, style: Style, wanted: int | None) -> None:
        self.analysis = analysis
        self.bounds = analysis.bounds
        self.wanted = NEVER if wanted is None else wanted
        self.rate = analysis.song.sample_rate
        seconds = (self.bounds.ending - self.bounds.begin - self.bounds.silent) / self.rate
        self.stay = round(min(STAY_SECONDS[len(analysis.layers)], seconds / 4) * self.rate)
        self.delay = round(min(MAX_DELAY_SECONDS, seconds / 16) * self.rate)
        self.early, self.late = (round(min(s, seconds / 8) * self.rate) for s in BEFORE_ENDING_SECONDS)
        encodings = [layer.encoding for layer in analysis.layers]
        self.repetition = RepetitionPenalty(encodings, analysis.positions_per_second)
        self.selector = JumpSelector(analysis, self.repetition, style, stay=self.stay, delay=self.delay)
        self.lands = wanted is not None and self.bounds.ends_by_itself and style.ending in ("song", "auto")
        ending = self.wanted - (self.bounds.end - self.bounds.ending)  # where the track's own ending begins
        self.landing_from, self.landing_until = ending - self.early, ending - self.late
        self.playheads: list[Playhead] = []
        self.recorded_until = self.bounds.begin

    def blocks(self) -> Iterator[Block]:
        """Yield blocks until the track has `wanted` samples; the first begins where the song is left."""
        bounds = self.bounds
        earliest = latest = bounds.end
        if bounds.ends_by_itself:
            middle = (bounds.begin + bounds.ending) // 2
            earliest, latest = max(middle, bounds.ending - self.early), max(middle, bounds.ending - self.late)
        self.playheads = [Playhead(layer, 0, earliest) for layer in self.analysis.layers]
        jumping = self.playheads
        while earliest < self.wanted:
            limit = self._limit()
            landing = max(earliest, self.landing_from)
            if self._time_to_land(earliest) and landing <= limit:
                yield self._land(landing, min(max(landing, self.landing_until), limit))
                return
            block = self._jump(jumping, earliest, latest)
            if block.start >= self.wanted:
                return
            yield block
            jumping = [min(self.playheads, key=lambda playhead: playhead.next_jump)]
            earliest = min(jumping[0].next_jump, self._limit())
            latest = min(earliest + self.delay, self._limit())

    def _time_to_land(self, earliest: int) -> bool:
        return self.lands and earliest + self.stay // 2 >= self.landing_from

    def _limit(self) -> int:
        """Return the last sample of the track up to which every playhead can play on."""
        return self.bounds.ending - max(playhead.offset for playhead in self.playheads)

    def _record(self, end: int) -> None:
        """Record what the playheads play up to a sample of the track, so that it isn't repeated soon."""
        if end > self.recorded_until:
            begin = self.recorded_until
            positions = [self.analysis.position_at(playhead.song_sample(begin)) for playhead in self.playheads]
            self.repetition.record(begin / self.rate, end / self.rate, positions)
            self.recorded_until = end

    def _jump(self, jumping: list[Playhead], earliest: int, latest: int) -> Block:
        """Let some playheads jump between two samples of the track, and return the block that follows."""
        self._record(earliest)
        selected = self.selector.jump(self.playheads, jumping, earliest, latest)
        departure = selected.aligned.departure
        self._record(departure)
        others = [playhead.next_jump for playhead in self.playheads if playhead not in jumping]
        crossfade = self._move(jumping, selected, max(others, default=departure))
        next_jump = min(playhead.next_jump for playhead in self.playheads)
        end = next_jump + 2 * self.delay
        if self._time_to_land(next_jump):
            end = max(end, self.landing_until)
        return self._block(selected, crossfade, min(end, self._limit()))

    def _land(self, earliest: int, latest: int) -> Block:
        """Jump to the song's own ending between two samples of the track, and return the track's last block."""
        selected = self.selector.landing(self.playheads, earliest, latest, self.wanted)
        return self._block(selected, self._move(self.playheads, selected, self.wanted), self.wanted)

    def _move(self, jumping: list[Playhead], selected: SelectedJump, last_jump: int) -> NDArray[np.floating]:
        """Move playheads to where they jump, and return the crossfade.

        Their next jumps follow `last_jump`, the latest one due, spaced evenly, so that the layers take turns.
        """
        departure, splice = selected.aligned.departure, selected.aligned.splice
        gains = iter(selected.aligned.gains)
        next_jump = last_jump
        crossfades: list[NDArray[np.floating]] = []
        playheads = []
        for playhead in self.playheads:
            old = playhead.render(departure - splice.fade.samples, departure)
            if playhead in jumping:
                gain = recovery(next(gains), self.rate)
                new = playhead.layer.samples[splice.target - splice.fade.samples : splice.target]
                old = join(old, new * gain[0], splice.fade)
                next_jump += self.stay // len(self.playheads)
                if self.lands:
                    next_jump = min(next_jump, max(departure, self.landing_from))
                offset = splice.target - departure
                playhead = replace(playhead, offset=offset, next_jump=next_jump, jumped_at=departure, gains=gain)
            crossfades.append(old)
            playheads.append(playhead)
        self.playheads = playheads
        return mix(crossfades)

    def _block(self, selected: SelectedJump, crossfade: NDArray[np.floating], end: int) -> Block:
        departure, fade = selected.aligned.departure, selected.aligned.splice.fade
        samples = np.concatenate([crossfade, mix([playhead.render(departure, end) for playhead in self.playheads])])
        for layer in self.analysis.layers:
            release(layer.samples)
            release(layer.mono)
        offsets = [playhead.offset for playhead in self.playheads]
        copy = max(offsets) - min(offsets) <= SAME_POSITION_SECONDS * self.rate
        return Block(departure - fade.samples, samples, fade.samples, selected.jump, copy)
