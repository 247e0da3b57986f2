"""Search for the cheapest way through a song: which layers jump at which lines, and where to.

A beam search. A hypothesis is a track so far: the line that each layer has come to, how long it has stayed, what was
heard, and what all of it cost. At every line it plays on, lets one layer jump, or all together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.costs import Costs

BEAM = 32
LAG_STEPS = 40  # decisions this far back are final
MEMORY_SECONDS = 60.0
REPETITION_COST = 4.0  # of each second that was heard just now
SHORT_COST, LONG_COST = 3.0, 0.15  # of each second by which a layer stays too short; too long, each second
JUMP_COST = 0.3
STUCK_COST = 20.0

Ints = NDArray[np.int_]


@dataclass(frozen=True)
class Stays:
    """How long a layer stays between jumps, in seconds: `shortest` at least, and `longest` at most if possible."""

    shortest: float
    longest: float


@dataclass(frozen=True)
class Start:
    """A way to begin: at second `seconds` of the track, the whole sound comes to a line of the song.

    `left` says whether it has left the song by then; if not, the first jump is one of all layers.
    """

    line: int
    seconds: float
    cost: float
    left: bool = True


@dataclass(frozen=True)
class Step:
    """What happens at a line of the track, for each layer.

    `left` is the line of the song that it has come to, `line` that from which it plays on; `jumped` says whether
    these differ.
    """

    left: tuple[int, ...]
    lines: tuple[int, ...]
    jumped: tuple[bool, ...]
    lands: bool = False  # on the song's own ending


class Landing(Protocol):
    """The jump to the song's own ending, which is possible between two seconds of the track."""

    begin: float
    until: float

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
class _Taken:
    """The decisions of all hypotheses at one line: `parent` is the row of each in the step before."""

    parent: Ints
    left: Ints
    lines: Ints
    jumped: NDArray[np.bool_]


class Search:
    """Finds a way from one of several starts on."""

    def __init__(
        self,
        costs: Costs,
        stays: Stays,
        starts: list[Start],
        *,
        landing: Landing | None,
        noise: float,
        seed: int,
    ) -> None:
        self.costs, self.stays, self.landing, self.noise = costs, stays, landing, noise
        self.landed: _Landed | None = None
        self.random = np.random.default_rng(seed)
        self.starts = starts
        layers, count = costs.layers, len(starts)
        self.lines = np.repeat(np.array([[start.line] for start in starts]), layers, axis=1)
        self.stay = np.zeros((count, layers))
        self.seconds = np.array([start.seconds for start in starts])
        self.cost = np.array([start.cost for start in starts])
        self.start = np.arange(count)
        self.left = np.array([start.left for start in starts])
        self.heard = np.tile(costs.mixes.heard(MEMORY_SECONDS), (count, 1))
        self.trace: list[_Taken] = []

    def run(self) -> Iterator[Start | Step]:
        """Yield the best start and then, line after line, the best steps: without end, or up to the landing."""
        started = False
        while True:
            if self.landing:
                self._land(self.landing)
                if self.seconds.min() > self.landing.until:
                    break
            self.step()
            if len(self.trace) < 2 * LAG_STEPS or self.landed:
                continue
            row = int(np.argmin(self.cost))
            if not started:
                started = True
                yield self.starts[self.start[row]]
                self._keep(self.start == self.start[row])
                row = int(np.argmin(self.cost))
            ancestors = np.arange(len(self.cost))
            for taken in self.trace[: LAG_STEPS - 1 : -1]:
                ancestors = taken.parent[ancestors]
            yield from self._path(ancestors[row], LAG_STEPS)
            del self.trace[:LAG_STEPS]
            self._keep(ancestors == ancestors[row])
        assert self.landed
        if not started:
            yield self.starts[self.landed.start]
        yield from self._path(self.landed.row, self.landed.steps)
        yield self.landed.step

    def _path(self, row: int, steps: int) -> list[Step]:
        """Return the first decisions on the way to a hypothesis that was in some row after so many steps."""
        path = []
        for taken in self.trace[:steps][::-1]:
            path.append(Step(*(tuple(a[row].tolist()) for a in (taken.left, taken.lines, taken.jumped))))
            row = int(taken.parent[row])
        return path[::-1]

    def _land(self, landing: "Landing") -> None:
        """Note the best hypothesis to go on with the song's own ending from."""
        inside = (self.seconds >= landing.begin) & (self.seconds <= landing.until)
        for row in np.flatnonzero(inside):
            cost = self.cost[row] + landing.cost(self.lines[row], self.seconds[row])
            if not self.landed or cost < self.landed.cost:
                left = tuple(self.lines[row].tolist())
                step = Step(left, left, (True,) * len(left), lands=True)
                self.landed = _Landed(cost, int(self.start[row]), int(row), len(self.trace), step)

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        """Drop all hypotheses but some."""
        for name in ("lines", "stay", "seconds", "cost", "start", "left", "heard"):
            setattr(self, name, getattr(self, name)[kept])
        last = self.trace[-1]
        self.trace[-1] = _Taken(*(a[kept] for a in (last.parent, last.left, last.lines, last.jumped)))

    def step(self) -> None:
        """Extend all hypotheses by a slot, and keep the best."""
        costs = self.costs
        lines, jumped, price = self._options()
        count = lines.shape[1]
        parent = np.repeat(np.arange(len(self.cost)), count)
        lines, jumped = lines.reshape(-1, costs.layers), jumped.reshape(-1, costs.layers)
        price = price.ravel() + self.cost[parent]
        there = (lines < len(costs.grid) - 1).all(axis=1) & np.isfinite(price)
        parent, lines, jumped, price = parent[there], lines[there], jumped[there], price[there]
        mix = costs.mixes.number[tuple(lines.T)]
        fits = mix >= 0
        parent, lines, jumped, price, mix = parent[fits], lines[fits], jumped[fits], price[fits], mix[fits]
        seconds = costs.grid.slot_seconds[lines[:, -1]]
        price = price + seconds * (REPETITION_COST * self.heard[parent, mix] + costs.mixes.cost[mix])
        price = price + self.noise * self.random.gumbel(size=len(price)) * jumped.any(axis=1)
        best = self._best(parent, lines, jumped, price)
        parent, lines, jumped, price, mix, seconds = (a[best] for a in (parent, lines, jumped, price, mix, seconds))
        self.trace.append(_Taken(parent, self.lines[parent], lines, jumped))
        self.stay = np.where(jumped, 0, self.stay[parent]) + seconds[:, None]
        fading = np.exp(-seconds / MEMORY_SECONDS)[:, None]
        self.heard = np.maximum(self.heard[parent] * fading, costs.mixes.similarity(mix))
        self.seconds = self.seconds[parent] + seconds
        self.lines, self.cost, self.start = lines + 1, price, self.start[parent]
        self.left = self.left[parent] | jumped.all(axis=1)

    def _options(self) -> tuple[Ints, NDArray[np.bool_], NDArray[np.floating]]:
        """Return what each hypothesis can do: lines and jumps `(hypotheses, options, layers)`, costs."""
        costs, stays = self.costs, self.stays
        layers, rows = costs.layers, len(self.cost)
        here = np.minimum(self.lines, len(costs.grid) - 1)
        stuck = STUCK_COST * (self.lines >= len(costs.grid) - 1)
        late = np.maximum(0, self.stay - stays.longest)
        remaining = LONG_COST * late + stuck  # of each layer that plays on
        short = np.maximum(0, stays.shortest - self.stay) * self.left[:, None]
        early = SHORT_COST * short + JUMP_COST  # of each layer that jumps
        choices = [(self.lines[:, None], np.zeros(layers, bool), remaining.sum(axis=1)[:, None])]
        for layer in range(layers):
            targets = costs.targets[layer, here[:, layer]]
            lines = np.repeat(self.lines[:, None], targets.shape[1], axis=1)
            lines[:, :, layer] = targets
            others = np.arange(layers) != layer
            price = early[:, layer] + remaining[:, others].sum(axis=1)
            price = costs.follow[layer, here[:, layer]] + price[:, None]
            alone = self.left[:, None] | (layers == 1)
            choices.append((lines, ~others, np.where(alone, price, np.inf)))
        if layers > 1:
            targets, follow = costs.together(here)
            lines = np.repeat(targets[..., None], layers, axis=2)
            choices.append((lines, np.ones(layers, bool), follow + early.sum(axis=1)[:, None]))
        lines = np.concatenate([c[0] for c in choices], axis=1)
        jumped = np.concatenate([np.broadcast_to(c[1], (rows, c[0].shape[1], layers)) for c in choices], axis=1)
        price = np.concatenate([c[2] for c in choices], axis=1)
        return lines, jumped, price

    def _best(self, parent: Ints, lines: Ints, jumped: NDArray[np.bool_], price: NDArray[np.floating]) -> Ints:
        """Return the best extensions; of those that are at the same lines and may soon jump again, only one."""
        order = np.argsort(price, kind="stable")[: 40 * BEAM]
        key = lines[order, 0]
        for k in range(self.costs.layers):
            ready = ~jumped[order, k] & (self.stay[parent[order], k] >= self.stays.shortest)
            key = (key * len(self.costs.grid) + lines[order, k]) * 2 + ready
        if len(self.trace) < LAG_STEPS:
            key = key * len(self.starts) + self.start[parent[order]]
        _, first = np.unique(key, return_index=True)
        return order[np.sort(first)[:BEAM]]
