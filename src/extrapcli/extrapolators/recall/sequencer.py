"""Carry out the best way through a song: bring each jump to the sample, and play the layers between jumps."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import release
from extrapcli.crossfade import join
from extrapcli.extrapolators.base import Block, Jump, Style
from extrapcli.extrapolators.recall.alignment import AlignedJump, align_jump
from extrapcli.extrapolators.recall.context import describe
from extrapcli.extrapolators.recall.costs import Costs
from extrapcli.extrapolators.recall.ending import Landing
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.join import recovery
from extrapcli.extrapolators.recall.material import Material
from extrapcli.extrapolators.recall.playhead import Playhead, mix
from extrapcli.extrapolators.recall.search import Search, Start, Stays, Step
from extrapcli.extrapolators.recall.steering import Rests, Steering

FIRST_CANDIDATES = 24
NEAR_SECONDS = 0.3
FIRST_WEIGHT = 4.0
SAME_POSITION_SECONDS = 0.01
MARGIN_SECONDS = 0.15
GAIN_SECONDS = 1.0
LAST_SECONDS = 1.5  # of a track: no jumps
NEVER = sys.maxsize  # the length of a stream, in samples


class Sequencer:
    """Yields the blocks of one track, or of a stream without end."""

    def __init__(self, material: Material, grid: Grid, style: Style, wanted: int | None) -> None:
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
        self.gain = 0.0  # decibels, at the end of what was rendered
        self.power = material.analysis.power

    def blocks(self) -> Iterator[Block]:
        """Yield blocks until the track has `wanted` samples; the first begins where the song is left."""
        starts, jumps = self._starts()
        noise = self.style.variety
        search = Search(
            self.costs,
            self.stays,
            starts,
            landing=self.landing,
            steering=self.steering,
            noise=noise,
            seed=self.style.seed,
        )
        way = search.run()
        first = next(way)
        assert isinstance(first, Start)
        jumping, lands = self.playheads, False
        if first in jumps:
            aligned, jump = jumps[first]
        else:
            step = self._next_jump(way)
            assert step
            lands = step.lands
            jumping, aligned, jump = self._align(step)
        while aligned.departure < self.wanted:
            crossfades = self._move(jumping, aligned)
            step = None if lands else self._next_jump(way)
            end = self.wanted
            if step and self._can_do_without(step):
                step = None
            if step:
                end = min(self._departure(step) + round(MARGIN_SECONDS * self.rate), self._limit(), self.wanted)
            yield self._block(aligned, jump, crossfades, end, lands=lands)
            if not step:
                return
            lands = step.lands
            jumping, aligned, jump = self._align(step)

    def _next_jump(self, way: Iterator[Start | Step]) -> Step | None:
        """Return the next step at which something jumps, None after the last; one that comes too late lands."""
        step = next((step for step in way if isinstance(step, Step) and any(step.jumped)), None)
        if step and self.landing:
            self.landing.late = self._due(step) / self.rate - step.seconds
            if self._departure(step) > (self.landing.latest - NEAR_SECONDS) * self.rate:
                return replace(step, jumped=(True,) * len(step.jumped), lands=True)
        return step

    def _starts(self) -> tuple[list[Start], dict[Start, tuple[AlignedJump, Jump]]]:
        """Align the best first jumps of the whole sound, away from the song's end."""
        grid, material, bounds = self.grid, self.material, self.material.bounds
        if bounds.ends_by_itself:
            line = min(int(np.searchsorted(grid.times, bounds.leaves_at(self.rate) / self.rate)), len(grid) - 2)
            return [Start(line, float(grid.times[line]), 0.0, left=False)], {}
        leave = bounds.end / self.rate
        last = int(np.searchsorted(grid.times, leave + 1e-6)) - 1
        after = leave - grid.times[last]
        targets = grid.times[:-2][grid.phases[:-2] == grid.phases[last]] + after
        if not grid.keeps_bars:
            targets = np.arange(grid.times[0], leave, 1 / material.hops_per_second)
        inside = (targets > 1.0 + bounds.begin / self.rate) & (targets < leave - 2)
        targets = targets[inside] if inside.any() else targets[: len(targets) // 2 + 1]
        cost = self.costs.whole.jump_costs(np.array([leave]), targets, ahead=False)[0]
        order = _distinct(targets, cost)
        starts, jumps = [], {}
        for k in order:
            aligned = align_jump(
                material,
                self.playheads,
                self.playheads,
                bounds.end,
                round(targets[k] * self.rate),
                fixed=False,
                fade_seconds=self.style.fade_seconds,
            )
            line = min(int(np.searchsorted(grid.times, aligned.splice.target / self.rate + 0.25)), len(grid) - 2)
            seconds = aligned.departure / self.rate + grid.times[line] - aligned.splice.target / self.rate
            start = Start(line, seconds, FIRST_WEIGHT * float(cost[k]) + aligned.cost)
            starts.append(start)
            jumps[start] = aligned, self._describe(self.playheads, aligned)
            self._release()
        return starts, jumps

    def _due(self, step: Step) -> int:
        """Return when a step is due, in samples of the track: when a layer that plays on comes to its line."""
        guide = next((k for k, jumps in enumerate(step.jumped) if not jumps), len(self.playheads) - 1)
        return self._sample(step.left[guide]) - self.playheads[guide].offset

    def _departure(self, step: Step) -> int:
        """Return when a step can be taken: when it is due, but while all layers play, and after the last jump.

        The landing is between its two moments.
        """
        due, jumped = self._due(step), max(playhead.jumped_at for playhead in self.playheads)
        if step.lands and self.landing:
            earliest, latest = (
                round(seconds * self.rate) for seconds in (self.landing.earliest, self.landing.latest)
            )
            due = min(max(due, earliest), latest)
        return max(jumped, min(due, self._limit()))

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
        made = _power(mix(layers))
        sounds = [np.concatenate(parts) for parts in zip(crossfades, layers, strict=True)]
        plays = self._plays(begin, departure, end, lands=lands)
        sounds[-1] = sounds[-1] * plays
        samples = mix(sounds)
        samples *= self._gains(made, len(samples), departure, end, lands=lands)
        self._release()
        offsets = [playhead.offset for playhead in self.playheads]
        copy = max(offsets) - min(offsets) <= SAME_POSITION_SECONDS * self.rate and bool(np.all(plays == 1))
        leads_to = self.landing.end if lands and self.leads_back and self.landing else None
        return Block(begin, samples, fade.samples, jump, copy, leads_to=leads_to)

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

    def _gains(self, made: float, count: int, departure: int, end: int, *, lands: bool) -> NDArray[np.float32]:
        """Return gains that bring a block of `count` samples and of a power to the level of the song.

        That is its level at these positions and, within 1.5 dB, as a whole.
        """
        song = self.material.song.samples
        powers = [_power(song[p.song_sample(departure) : p.song_sample(end)]) for p in self.playheads]
        there = sum(powers) / len(powers)
        wanted = 0.0 if lands else _decibels(there / made, 3.0) + _decibels((self.power / there) ** 0.5, 1.5)
        change = round(GAIN_SECONDS * self.rate)
        decibels = self.gain + (wanted - self.gain) * np.arange(min(change, count)) / change
        gains = np.full((count, 1), 10 ** (wanted / 20), np.float32)
        gains[: len(decibels), 0] = 10 ** (decibels / 20)
        last = max(0, end - departure - 1 - round(MARGIN_SECONDS * self.rate))
        self.gain = float(decibels[last]) if last < len(decibels) else wanted
        return gains

    def _describe(self, jumping: list[Playhead], aligned: AlignedJump) -> Jump:
        together = len(jumping) == len(self.playheads)
        context = self.costs.whole if together else self.costs.contexts[self.playheads.index(jumping[0])]
        layer, left = "all" if together else jumping[0].layer.name, jumping[0].song_sample(aligned.departure)
        return describe(aligned, context, self.grid.times, layer=layer, left=left)


def _distinct(targets: NDArray[np.float64], cost: NDArray[np.floating]) -> list[int]:
    """Return the cheapest few targets, cheapest first, of which no two are near each other."""
    taken: list[int] = []
    for k in np.argsort(cost, kind="stable"):
        if all(abs(targets[k] - targets[other]) >= NEAR_SECONDS for other in taken):
            taken.append(int(k))
        if len(taken) == FIRST_CANDIDATES:
            break
    return taken


def _power(samples: NDArray[np.floating]) -> float:
    flat = samples.ravel()
    return float(np.vdot(flat, flat)) / max(1, len(flat)) + 1e-12


def _decibels(ratio: float, most: float) -> float:
    return float(np.clip(10 * np.log10(max(ratio, 1e-12)), -most, most))
