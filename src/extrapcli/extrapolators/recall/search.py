"""Search for the cheapest way through a song: which layers jump at which lines, and where to.

A beam search. A hypothesis is a track so far: the line that each layer has come to, how long it has stayed, what was
heard, and what all of it cost. At every line it plays on, lets one layer jump, or all together.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.costs import Costs
from extrapcli.extrapolators.recall.steering import SILENT_JUMP_COST, Steering
from extrapcli.extrapolators.recall.way import OTHER_SECONDS, Start, Stays, Step, no_way

BEAM = 32
LAG_STEPS = 40  # decisions this far back are final
MEMORY_SECONDS = 100.0
REPETITION_COST = 4.5  # of each second that was heard just now
LAYER_SECONDS, LAYER_COST = 30.0, 0.1  # how long it is remembered what a layer played; of each second played again
SHORT_COST, LONG_COST = 3.0, 0.15  # of each second by which a layer stays too short; too long, at each line
JUMP_COST, STUCK_COST = 0.3, 20.0

Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]


class Landing(Protocol):
    """The jump to the song's own ending, which is possible between two seconds of the track.

    These may change by a little while the track is made.
    """

    @property
    def begin(self) -> float: ...

    @property
    def until(self) -> float: ...

    def cost(self, lines: Ints, seconds: float) -> float:
        """Return what it costs to land at `seconds`, when each layer has come to a line `(layers,)`."""
        ...


@dataclass(frozen=True)
class _Landed:
    """A way to land: from the hypothesis in a row after so many steps."""

    cost: float
    start: int
    row: int
    steps: int
    step: Step


@dataclass(frozen=True)
class _Hypotheses:
    """Hypotheses, one in each row.

    `lines` and `stay`, in seconds, are `(rows, layers)`; `heard` is how much each mix was, `(rows, mixes)`. `played`
    says how often each layer played each slot lately, `(rows, layers, slots)`.
    `start` is the number of the start, `left` says whether the song was left.
    """

    lines: Ints
    stay: Floats
    seconds: Floats
    cost: Floats
    start: Ints
    left: Bools
    heard: Floats
    played: Floats

    def rows(self, index: Ints | Bools) -> "_Hypotheses":
        return _Hypotheses(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True)
class _Decisions:
    """What all hypotheses did at one line: each follows from the row `parent` of the hypotheses before."""

    parent: Ints
    left: Ints
    lines: Ints
    jumped: Bools
    seconds: Floats

    def rows(self, index: Ints | Bools) -> "_Decisions":
        return _Decisions(*(getattr(self, field.name)[index] for field in fields(self)))

    def step(self, row: int) -> Step:
        left, lines, jumped = (array[row].tolist() for array in (self.left, self.lines, self.jumped))
        return Step(tuple(left), tuple(lines), tuple(jumped), float(self.seconds[row]))


class Search:
    """Finds a way from one of several starts on. `noise` is the scale of a random cost of each jump.

    Decisions are final after `lag` steps. `heard_until` is how many seconds of the song were heard, all if None, and
    `past` has the steps after that.
    """

    def __init__(
        self,
        costs: Costs,
        stays: Stays,
        starts: list[Start],
        *,
        landing: Landing | None,
        steering: Steering | None = None,
        noise: float,
        seed: int,
        lag: int = LAG_STEPS,
        heard_until: float | None = None,
        past: Iterable[Step] = (),
    ) -> None:
        self.costs, self.stays, self.starts, self.landing, self.noise = costs, stays, starts, landing, noise
        self.lag = lag
        self.steering = steering
        self.repetition_cost = REPETITION_COST * (steering.repetition if steering else 1)
        self.random = np.random.default_rng(seed)
        count, layers = len(starts), costs.layers
        heard, played = self._memory(heard_until, past)
        self.now = _Hypotheses(
            lines=np.array([np.broadcast_to(start.line, layers) for start in starts]),
            stay=np.array([np.broadcast_to(start.stay, layers) for start in starts], float),
            seconds=np.array([start.seconds for start in starts]),
            cost=np.array([start.cost for start in starts]),
            start=np.arange(count),
            left=np.array([start.left for start in starts]),
            heard=np.tile(heard, (count, 1)),
            played=np.tile(played, (count, 1, 1)),
        )
        self.trace: list[_Decisions] = []
        self.landed: _Landed | None = None

    def run(self) -> Iterator[Start | Step]:
        """Yield the best start and then, line after line, the best steps: without end, or up to the landing."""
        started = False
        while not self.landing or not self.landed or self.now.seconds.min() <= self.landing.until:
            if self.landing:
                self._land(self.landing)
            self._extend()
            if len(self.trace) < 2 * self.lag or self.landed:
                continue
            best = int(np.argmin(self.now.cost))
            if not started:
                started = True
                yield self.starts[self.now.start[best]]
                self._keep(self.now.start == self.now.start[best])
                best = int(np.argmin(self.now.cost))
            ancestors = np.arange(len(self.now.cost))
            for decisions in self.trace[: self.lag - 1 : -1]:
                ancestors = decisions.parent[ancestors]
            yield from self._path(ancestors[best], self.lag)
            del self.trace[: self.lag]
            self._keep(ancestors == ancestors[best])
        if not started:
            yield self.starts[self.landed.start]
        yield from self._path(self.landed.row, self.landed.steps)
        yield self.landed.step

    def _memory(self, heard_until: float | None, past: Iterable[Step]) -> tuple[Floats, Floats]:
        """Return how much each mix was heard, `(mixes,)`, and how often layers played slots, `(layers, slots)`."""
        mixes, slots = self.costs.mixes, self.costs.grid.slot_seconds
        heard = mixes.heard(MEMORY_SECONDS, heard_until)
        played = np.zeros((self.costs.layers, len(slots)), np.float32)
        for step in past:
            seconds = slots[step.lines[-1]]
            again = mixes.similarity(mixes.number[step.lines].reshape(1))[0]
            heard = np.maximum(heard * np.exp(-seconds / MEMORY_SECONDS), again)
            played *= np.exp(-seconds / LAYER_SECONDS)
            played[np.arange(self.costs.layers), step.lines] += 1
        return heard, played

    def _path(self, row: int, steps: int) -> list[Step]:
        """Return the first decisions on the way to a hypothesis that was in some row after so many steps."""
        path = []
        for decisions in self.trace[:steps][::-1]:
            path.append(decisions.step(row))
            row = int(decisions.parent[row])
        return path[::-1]

    def _keep(self, kept: Bools) -> None:
        """Drop all hypotheses but some."""
        self.now = self.now.rows(kept)
        self.trace[-1] = self.trace[-1].rows(kept)

    def _land(self, landing: Landing) -> None:
        """Note the best hypothesis to go on with the song's own ending from; if none is in time, one that is late."""
        now = self.now
        in_time = (now.seconds <= landing.until) | (self.landed is None)
        for row in np.flatnonzero((now.seconds >= landing.begin) & in_time):
            seconds = float(now.seconds[row])
            cost = float(now.cost[row]) + landing.cost(now.lines[row], seconds)
            if not self.landed or cost < self.landed.cost:
                left = tuple(now.lines[row].tolist())
                step = Step(left, left, (True,) * len(left), seconds, lands=True)
                self.landed = _Landed(cost, int(now.start[row]), int(row), len(self.trace), step)

    def _extend(self) -> None:
        """Extend all hypotheses by a slot, and keep the best."""
        now, mixes, slots = self.now, self.costs.mixes, self.costs.grid.slot_seconds
        lines, jumped, cost = self._options()
        parent = np.repeat(np.arange(len(now.cost)), lines.shape[1])
        lines, jumped = lines.reshape(-1, self.costs.layers), jumped.reshape(-1, self.costs.layers)
        cost = cost.ravel() + now.cost[parent]
        if not self.trace:
            cost = self._at_once(parent, lines, jumped, cost)
        there = np.flatnonzero((lines < len(slots)).all(axis=1) & np.isfinite(cost))
        mix = mixes.number[tuple(lines[there].T)]
        there, mix = there[mix >= 0], mix[mix >= 0]
        parent, lines, jumped, cost = parent[there], lines[there], jumped[there], cost[there]
        seconds = slots[lines[:, -1]]
        if self.steering:
            middle = now.seconds[parent] + seconds / 2
            rests = self.steering.rests(middle) & (now.left[parent] | jumped.all(axis=1))
            mix = mixes.number[tuple(np.where(rests[:, None], lines[:, :1], lines).T)]
            cost = cost + seconds * self.steering.cost(mixes.slots[mix], middle, rests)
            cost = cost + SILENT_JUMP_COST * (rests & jumped[:, -1] & ~jumped[:, 0])
        layers = np.arange(self.costs.layers)
        again = now.played[parent[:, None], layers, lines].sum(axis=1)
        cost = cost + seconds * (self.repetition_cost * now.heard[parent, mix] + LAYER_COST * again + mixes.cost[mix])
        cost = cost + self.noise * self.random.gumbel(size=len(cost)) * jumped.any(axis=1)
        best = self._best(_Decisions(parent, now.lines[parent], lines, jumped, now.seconds[parent]), cost)
        parent, lines, jumped, mix, seconds = parent[best], lines[best], jumped[best], mix[best], seconds[best]
        self.trace.append(_Decisions(parent, now.lines[parent], lines, jumped, now.seconds[parent]))
        fading = np.exp(-seconds / MEMORY_SECONDS)[:, None]
        played = now.played[parent] * np.exp(-seconds / LAYER_SECONDS)[:, None, None].astype(np.float32)
        played[np.arange(len(best))[:, None], layers, lines] += 1
        self.now = _Hypotheses(
            lines=lines + 1,
            stay=np.where(jumped, 0, now.stay[parent]) + seconds[:, None],
            seconds=now.seconds[parent] + seconds,
            cost=cost[best],
            start=now.start[parent],
            left=now.left[parent] | jumped.all(axis=1),
            heard=np.maximum(now.heard[parent] * fading, mixes.similarity(mix)),
            played=played,
        )

    def _at_once(self, parent: Ints, lines: Ints, jumped: Bools, cost: Floats) -> Floats:
        """Return the cost of first options, where those are impossible that don't jump though their start does.

        Raises UsageError where all others have been passed over.
        """
        jumps = np.array([start.jumps for start in self.starts])[parent]
        possible = np.where(jumps & ~jumped.all(axis=1), np.inf, cost)
        times = self.costs.grid.times
        for number, start in enumerate(self.starts):
            for passed in start.passed:
                near = np.abs(times[np.minimum(lines, len(times) - 1)] - times[list(passed)]) < OTHER_SECONDS
                gone = (near.all(axis=1) | ~jumped.any(axis=1)) & (parent == number)
                possible = np.where(gone, np.inf, possible)
        if np.isfinite(possible).any():
            return possible
        if any(start.passed for start in self.starts):
            raise no_way()
        return cost

    def _options(self) -> tuple[Ints, Bools, Floats]:
        """Return what each hypothesis can do: lines and jumps `(rows, options, layers)`, and what each costs."""
        now, costs, stays = self.now, self.costs, self.stays
        rows, layers = now.lines.shape
        last = len(costs.grid) - 1
        here = np.minimum(now.lines, last)
        plays_on = LONG_COST * np.maximum(0, now.stay - stays.longest) + STUCK_COST * (now.lines >= last)
        leaves = SHORT_COST * np.maximum(0, stays.shortest - now.stay) * now.left[:, None] + JUMP_COST
        options = [(now.lines[:, None], np.zeros(layers, bool), plays_on.sum(axis=1, keepdims=True))]
        for layer in range(layers):
            others = np.arange(layers) != layer
            targets = costs.targets[layer, here[:, layer]]
            lines = np.repeat(now.lines[:, None], targets.shape[1], axis=1)
            lines[:, :, layer] = targets
            cost = leaves[:, layer] + plays_on[:, others].sum(axis=1)
            cost = costs.follow[layer, here[:, layer]] + cost[:, None]
            possible = now.left[:, None] | (layers == 1)
            options.append((lines, ~others, np.where(possible, cost, np.inf)))
        if layers > 1:
            targets, follow = costs.together(here)
            lines = np.repeat(targets[..., None], layers, axis=2)
            options.append((lines, np.ones(layers, bool), follow + leaves.sum(axis=1, keepdims=True)))
        lines = np.concatenate([option[0] for option in options], axis=1)
        jumped = np.concatenate(
            [np.broadcast_to(option[1], (rows, option[0].shape[1], layers)) for option in options], axis=1
        )
        return lines, jumped, np.concatenate([option[2] for option in options], axis=1)

    def _best(self, options: _Decisions, cost: Floats) -> Ints:
        """Return the best options; of those that are at the same lines and may soon jump again, only one."""
        order = np.argsort(cost, kind="stable")[: 40 * BEAM]
        parent = options.parent[order]
        key = options.lines[order, 0]
        for layer in range(self.costs.layers):
            ready = ~options.jumped[order, layer] & (self.now.stay[parent, layer] >= self.stays.shortest)
            key = (key * len(self.costs.grid) + options.lines[order, layer]) * 2 + ready
        if len(self.trace) < self.lag:
            key = key * len(self.starts) + self.now.start[parent]
        _, first = np.unique(key, return_index=True)
        best: Ints = order[np.sort(first)[:BEAM]]
        return best
