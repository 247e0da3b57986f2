"""Carry out the best way through a song: bring each jump to the sample, and play the layers between jumps."""

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import release
from extrapcli.crossfade import join
from extrapcli.extrapolators.base import Block, Jump, Style, Turns
from extrapcli.extrapolators.recall.alignment import AlignedJump, align_jump
from extrapcli.extrapolators.recall.context import describe
from extrapcli.extrapolators.recall.costs import Costs
from extrapcli.extrapolators.recall.ending import Landing
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.join import MAX_FADE_SECONDS, recovery
from extrapcli.extrapolators.recall.level import TrackLevel
from extrapcli.extrapolators.recall.material import Material
from extrapcli.extrapolators.recall.playhead import Playhead, mix
from extrapcli.extrapolators.recall.search import LAG_STEPS, Search
from extrapcli.extrapolators.recall.starting import NEAR_SECONDS, first_starts, other_start
from extrapcli.extrapolators.recall.steering import Rests, Steering
from extrapcli.extrapolators.recall.turning import next_start
from extrapcli.extrapolators.recall.way import Start, Stays, Step, no_way
from extrapcli.mood import Arc, Curve

SAME_POSITION_SECONDS, MARGIN_SECONDS = 0.01, 0.15
REMEMBERED_STEPS = 400
TURNED_LAG_STEPS = 20
LAST_SECONDS = 1.5  # of a track: no jumps
NEVER = sys.maxsize  # the length of a stream, in samples


class Sequencer:
    """Yields the blocks of one track, or of a stream without end."""

    def __init__(
        self, material: Material, grid: Grid, style: Style, wanted: int | None, turns: Turns | None = None
    ) -> None:
        self.material, self.grid, self.style = material, grid, style
        self.wanted = NEVER if wanted is None else wanted
        self.rate = material.song.sample_rate
        bounds = material.bounds
        seconds = (bounds.ending - bounds.begin - bounds.silent) / self.rate
        pace = 2 ** (2 * (0.3 - style.variety))
        shortest, longest = (5.0, 12.0) if len(material.layers) > 1 else (12.0, 30.0)
        self.stays = Stays(min(shortest * pace, max(seconds / 4, 0.5)), min(longest * pace, max(seconds / 2, 1.0)))
        curve = style.curve(material.analysis, wanted)
        self.steering = Steering(material, grid, curve) if curve else None
        classes = self.steering.classes if self.steering else None
        self.costs = Costs(material, grid, room_seconds=min(3.0, seconds / 8), classes=classes)
        self.playheads = [Playhead(layer, 0) for layer in material.layers]
        self.leads_back = wanted is not None and style.ending == "loop"
        self.lands = self.leads_back or (wanted is not None and style.lands_on(bounds))
        self.landing = Landing(self.costs, material, self.wanted, leads_back=self.leads_back) if self.lands else None
        self.rests = Rests(self.steering, self.rate) if self.steering and self.steering.can_rest else None
        self.turns = turns or Turns()
        self.turned_after = 0  # the sample of the track up to which the last turn leaves it as it is
        self.jumps = 0  # that were decided so far
        self.past: deque[Step] = deque(maxlen=REMEMBERED_STEPS)
        self.heard_until: float | None = None  # second of the song
        self.level = TrackLevel(material.analysis)

    def blocks(self) -> Iterator[Block]:
        """Yield blocks until the track has `wanted` samples; the first begins where the song is left or turned."""
        turned = self._turned(self.material.bounds.leaves_at(self.rate))
        starts, jumps = list[Start](), dict[Start, AlignedJump]()
        if not turned:
            fade_seconds = self.style.fade_seconds
            starts, jumps = first_starts(self.material, self.grid, self.costs, self.playheads, fade_seconds)
        way = turned[1] if turned else self._search(starts).run()
        first = next(way)
        assert isinstance(first, Start)
        jumping, lands = self.playheads, False
        if first in jumps:
            self.jumps, passes = 1, self.style.another.count(1)
            first, way = other_start(jumps, first, way, self.grid, passes, lambda left: self._search(left).run())
            aligned = jumps[first]
            jump = self._describe(self.playheads, aligned)
        else:
            step, way = self._decide(way)
            assert step
            lands = step.lands
            jumping, aligned, jump = self._align(step)
        while aligned.departure < self.wanted:
            crossfades = self._move(jumping, aligned)
            step, way = (None, way) if lands else self._decide(way)
            end = self.wanted
            if step and self._can_do_without(step):
                step = None
            if step:
                end = self._end(step)
            yield self._block(aligned, jump, crossfades, end, lands=lands)
            if not step:
                return
            while turned := self._turned(self._departure(step)):
                begin, way = turned
                step = self._next_jump(way)
                assert step
                if self._departure(step) > end - round(MARGIN_SECONDS * self.rate):
                    end = self._end(step)
                    yield self._longer(begin, end)
            lands = step.lands
            jumping, aligned, jump = self._align(step)

    def _search(self, starts: list[Start], lag: int = LAG_STEPS) -> Search:
        return Search(
            self.costs,
            self.stays,
            starts,
            landing=self.landing,
            steering=self.steering,
            noise=self.style.variety,
            seed=self.style.seed,
            lag=lag,
            heard_until=self.heard_until,
            past=self.past,
        )

    def _turned(self, planned: int) -> tuple[int, Iterator[Start | Step]] | None:
        """Search anew from where a listener asks for it; None where nobody does, or something else is planned before.

        `planned` is the sample of the track at which the next jump is. Return also the one from which it goes on.
        """
        asked = self.turns.asked
        if not asked:
            return None
        earliest = asked.after / self.rate + (self.style.fade_seconds or MAX_FADE_SECONDS) + 0.1
        start = next_start(self.grid, self.playheads, self.rate, earliest, jumps=asked.jumps)
        late = self.landing and start and start.seconds > self.landing.earliest
        if not start or late or start.seconds * self.rate > planned:
            return None
        self.turns.take()
        self.turned_after = asked.after
        if self.heard_until is None and not any(playhead.jumped_at for playhead in self.playheads):
            self.heard_until = start.seconds
        while self.past and self.past[-1].seconds >= start.seconds:
            self.past.pop()
        begin = round(start.seconds * self.rate)
        self.level.cut_off(begin)
        if asked.livelier:
            self._steer(start.seconds, asked.livelier)
        return begin, self._search([start], TURNED_LAG_STEPS).run()

    def _steer(self, seconds: float, livelier: float) -> None:
        """Want another level from a second of the track on."""
        steered = self.steering
        curve = steered.curve if steered else Curve.of(Arc.of_mood("keep"), self.material.analysis, None)
        self.steering = Steering(self.material, self.grid, curve.turned(seconds, livelier))
        if not steered:
            self.costs = Costs(
                self.material, self.grid, room_seconds=self.costs.room_seconds, classes=self.steering.classes
            )
        if self.rests:
            self.rests.steering = self.steering
        elif self.steering.can_rest:
            self.rests = Rests(self.steering, self.rate)

    def _decide(self, way: Iterator[Start | Step]) -> tuple[Step | None, Iterator[Start | Step]]:
        """Return the next step at which something jumps, and the rest of the way; another one where that is asked."""
        self.jumps += 1
        step, passed = self._next_jump(way), list[tuple[int, ...]]()
        for _ in range(self.style.another.count(self.jumps)):
            if not step or step.lands:
                raise no_way()
            if not passed:
                departure = self._departure(step)
                self.turned_after = departure - self._align(step)[1].splice.fade.samples
            passed.append(step.lines)
            while self.past and self.past[-1].seconds >= step.seconds:
                self.past.pop()
            stay = tuple(step.seconds - playhead.jumped_at / self.rate for playhead in self.playheads)
            left = any(playhead.jumped_at for playhead in self.playheads)
            way = self._search([Start(step.left, step.seconds, 0.0, left, stay, passed=tuple(passed))]).run()
            found = self._next_jump(way)
            step = found and replace(found, departure=departure)
        return step, way

    def _next_jump(self, way: Iterator[Start | Step]) -> Step | None:
        """Return the next step at which something jumps, None after the last; one that comes too late lands."""
        step = None
        for taken in way:
            if isinstance(taken, Step):
                self.past.append(taken)
                if any(taken.jumped):
                    step = taken
                    break
        if step and self.landing:
            self.landing.late = self._due(step) / self.rate - step.seconds
            if self._departure(step) > (self.landing.latest - NEAR_SECONDS) * self.rate:
                return replace(step, jumped=(True,) * len(step.jumped), lands=True)
        return step

    def _due(self, step: Step) -> int:
        """Return when a step is due, in samples of the track: when a layer that plays on comes to its line."""
        guide = next((k for k, jumps in enumerate(step.jumped) if not jumps), len(self.playheads) - 1)
        return self._sample(step.left[guide]) - self.playheads[guide].offset

    def _departure(self, step: Step) -> int:
        """Return when a step can be taken: when it is due, but while all layers play, and after the last jump.

        The landing is between its two moments.
        """
        if step.departure is not None:
            return step.departure
        due, jumped = self._due(step), max(playhead.jumped_at for playhead in self.playheads)
        if step.lands and self.landing:
            earliest, latest = (
                round(seconds * self.rate) for seconds in (self.landing.earliest, self.landing.latest)
            )
            due = min(max(due, earliest), latest)
        return max(jumped, min(due, self._limit()))

    def _end(self, step: Step) -> int:
        """Return the sample of the track up to which a block is needed that comes before a step."""
        return min(self._departure(step) + round(MARGIN_SECONDS * self.rate), self._limit(), self.wanted)

    def _can_do_without(self, step: Step) -> bool:
        """Tell whether a step lies so near the end of the track that it is better to play on."""
        remaining = self.wanted - self._departure(step)
        return not step.lands and remaining < LAST_SECONDS * self.rate and self._limit() >= self.wanted

    def _align(self, step: Step) -> tuple[list[Playhead], AlignedJump, Jump]:
        """Bring a step's jump to the sample; return also who jumps, and what is reported."""
        jumping = [playhead for playhead, jumps in zip(self.playheads, step.jumped, strict=True) if jumps]
        departure = self._departure(step)
        layer = step.jumped.index(True)
        left, line = step.left[layer], step.lines[layer]
        target = self._sample(line) + round(self.costs.shift(layer, left, line) * self.rate)
        target += departure - self._due(step)
        if step.lands and self.landing:
            target = departure + self.landing.end - self.wanted
        aligned = align_jump(
            self.material,
            self.playheads,
            jumping,
            departure,
            target,
            fixed=step.lands,
            fade_seconds=self.style.fade_seconds,
            keep_levels=step.lands and self.leads_back,
            after=self.turned_after,
        )
        return jumping, aligned, self._describe(jumping, aligned)

    def _sample(self, line: int) -> int:
        return round(float(self.grid.times[line]) * self.rate)

    def _limit(self) -> int:
        """Return the last sample of the track up to which every playhead can play on."""
        return self.material.bounds.end - max(playhead.offset for playhead in self.playheads)

    def _move(self, jumping: list[Playhead], aligned: AlignedJump) -> list[NDArray[np.floating]]:
        """Move playheads to where they jump, and return the crossfade of each layer."""
        departure, splice = aligned.departure, aligned.splice
        gains = iter(aligned.gains)
        crossfades: list[NDArray[np.floating]] = []
        playheads = []
        for playhead in self.playheads:
            old = playhead.render(departure - splice.fade.samples, departure)
            if playhead in jumping:
                gain = recovery(next(gains), self.rate)
                new = playhead.layer.samples[splice.target - splice.fade.samples : splice.target]
                old = join(old, new * gain[0], splice.fade)
                playhead = replace(playhead, offset=splice.target - departure, jumped_at=departure, gains=gain)
            crossfades.append(old)
            playheads.append(playhead)
        self.playheads = playheads
        return crossfades

    def _block(
        self, aligned: AlignedJump, jump: Jump, crossfades: list[NDArray[np.floating]], end: int, *, lands: bool
    ) -> Block:
        departure, fade = aligned.departure, aligned.splice.fade
        begin = departure - fade.samples
        layers = [playhead.render(departure, end) for playhead in self.playheads]
        made = mix(layers)
        sounds = [np.concatenate(parts) for parts in zip(crossfades, layers, strict=True)]
        plays = self._plays(begin, departure, end, lands=lands)
        sounds[-1] = sounds[-1] * plays
        samples = mix(sounds)
        steady = end - round(MARGIN_SECONDS * self.rate)
        samples *= self.level.gains(made, len(samples), self.playheads, departure, end, steady, lands=lands)
        self._release()
        offsets = [playhead.offset for playhead in self.playheads]
        copy = max(offsets) - min(offsets) <= SAME_POSITION_SECONDS * self.rate and bool(np.all(plays == 1))
        leads_to = self.landing.end if lands and self.leads_back and self.landing else None
        return Block(begin, samples, fade.samples, jump, copy, leads_to=leads_to)

    def _longer(self, begin: int, end: int) -> Block:
        """Return a block that plays on from sample `begin` of the track, without a jump."""
        layers = [playhead.render(begin, end) for playhead in self.playheads]
        made, steady = mix(layers), end - round(MARGIN_SECONDS * self.rate)
        layers[-1] = layers[-1] * self._plays(begin, begin, end, lands=False)
        gains = self.level.gains(made, end - begin, self.playheads, begin, end, steady, lands=False)
        return Block(begin, mix(layers) * gains, 0)

    def _plays(self, begin: int, departure: int, end: int, *, lands: bool) -> NDArray[np.float32]:
        """Return the gains of the last layer, `(n, 1)`, which is percussion where it ever rests."""
        if not self.rests:
            return np.ones((1, 1), np.float32)
        if lands:
            self.rests.play(begin)
        else:
            self.rests.follow(self.playheads[-1].offset, begin, departure, end)
        return self.rests.gains(begin, end)[:, None]

    def _release(self) -> None:
        for layer in self.material.layers:
            release(layer.samples)
            release(layer.mono)

    def _describe(self, jumping: list[Playhead], aligned: AlignedJump) -> Jump:
        together = len(jumping) == len(self.playheads)
        context = self.costs.whole if together else self.costs.contexts[self.playheads.index(jumping[0])]
        layer, left = "all" if together else jumping[0].layer.name, jumping[0].song_sample(aligned.departure)
        return describe(aligned, context, self.grid.times, layer=layer, left=left)
