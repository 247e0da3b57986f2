"""What a way through a song costs: where each layer may jump to from each line, and what is heard between lines."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.voice import HOPS_PER_SECOND, Voice
from extrapcli.extrapolators.recall.alignment import WORD_SECONDS
from extrapcli.extrapolators.recall.context import Context
from extrapcli.extrapolators.recall.descriptors import Array, Times, band_power, tones_of
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.join import MIN_FADE_SECONDS
from extrapcli.extrapolators.recall.material import Material
from extrapcli.extrapolators.recall.mixes import Mixes

TARGETS = 12  # for each layer and line
CUT_VOICE = 5.0  # cost of a jump from or into the middle of a word
UNEVEN = 0.5  # cost of a jump by an odd number of bars
OFF_BAR = 0.3  # cost of a jump that is not at a bar line
LOST_BAR = 6.0  # cost of a jump to another position in the bar, where there is no other way
NEAR_SECONDS = 0.5
ROOM_TO_FADE_SECONDS = 0.25
SHIFTS = np.arange(-5, 6) / 12  # slots beside a line, where lines follow no beat
ROWS, REACH = 64, 600  # lines at a time, and how many lines away a jump may go

Ints = NDArray[np.int_]


class Costs:
    """The costs of a song.

    Attributes:
        targets: `(layers, lines, targets)`, the best lines to jump to from each line.
        follow: what each of these jumps costs; infinite where there is none.
        shifts: how many seconds beside its line each goes.
    """

    def __init__(self, material: Material, grid: Grid, *, room_seconds: float, classes: Ints | None = None) -> None:
        self.grid, self.room_seconds = grid, room_seconds
        self.classes = np.zeros(len(grid), int) if classes is None else classes
        powers = [band_power(layer.encoding.spectra) for layer in material.layers]
        tones = tones_of(material)
        encodings = [layer.encoding for layer in material.layers]
        self.contexts = [
            Context(material, [encoding], power, tones, grid.times)
            for encoding, power in zip(encodings, powers, strict=True)
        ]
        self.whole = self.contexts[0]
        if len(powers) > 1:
            self.whole = Context(material, encodings, np.sum(powers, axis=0), tones, grid.times)
        self.voice = material.analysis.voice
        self.mixes = Mixes(material, grid, powers, tones)
        self.earliest = material.bounds.begin / material.song.sample_rate + ROOM_TO_FADE_SECONDS
        self.latest = material.bounds.ending / material.song.sample_rate - self.room_seconds
        self.beside = np.zeros(1) if grid.keeps_bars else SHIFTS * grid.slot_seconds[0]
        n = len(grid)
        self.targets = np.zeros((self.layers, n, TARGETS * (int(self.classes.max()) + 1)), int)
        self.follow = np.zeros(self.targets.shape, np.float32)
        self.shifts = np.zeros(self.targets.shape)
        self.between = np.zeros((self.layers, n, n) if self.layers > 1 else 0, np.float32)
        for layer, context in enumerate(self.contexts):
            for begin in range(0, n, ROWS):
                rows = slice(begin, min(begin + ROWS, n))
                columns = slice(max(0, begin - REACH), min(n, begin + ROWS + REACH))
                cost, shifts = self._jump_costs(context, rows, columns)
                best, self.follow[layer, rows] = self._cheapest(cost, columns)
                self.targets[layer, rows] = best + columns.start
                self.shifts[layer, rows] = np.take_along_axis(shifts, best, axis=1)
                if self.layers > 1:
                    self.between[layer, rows, columns] = cost

    @property
    def layers(self) -> int:
        return len(self.contexts)

    def together(self, lines: Ints) -> tuple[Ints, Array]:
        """Return where all layers may jump together when they have come to `lines (n, layers)`, and the cost of each.

        Both are `(n, targets)`; the cost is the mean of those of the layers.
        """
        cost = np.mean([self.between[layer, lines[:, layer]] for layer in range(self.layers)], axis=0)
        return self._cheapest(cost, slice(0, len(self.grid)))

    def _cheapest(self, cost: Array, columns: slice) -> tuple[Ints, Array]:
        """Return the cheapest columns of each class in each row, and their costs, infinite for missing ones."""
        size = self.targets.shape[2]
        best, least = np.zeros((len(cost), size), int), np.full((len(cost), size), np.inf, np.float32)
        for begin in range(0, size, TARGETS):
            members = np.flatnonzero(self.classes[columns] == begin // TARGETS)
            order = members[np.argsort(cost[:, members], axis=1, kind="stable")[:, :TARGETS]]
            best[:, begin : begin + order.shape[1]] = order
            least[:, begin : begin + order.shape[1]] = np.take_along_axis(cost, order, axis=1)
        return best, least

    def shift(self, layer: int, line: int, target: int) -> float:
        """Return how many seconds beside its target a jump from a line goes."""
        found = np.flatnonzero(self.targets[layer, line] == target)
        return float(self.shifts[layer, line, found[0]]) if len(found) else 0.0

    def _jump_costs(self, context: Context, rows: slice, columns: slice) -> tuple[Array, Times]:
        """Return the cost of jumping from some lines to others, and how many seconds beside those.

        Where the lines follow no beat, a jump goes up to half a second beside a line, to where it costs least. A jump
        keeps the position in the bar, unless there is no other line at that position.
        """
        grid = self.grid
        leave, reach = grid.times[rows], grid.times[columns]
        cost = context.jump_costs(leave, (reach[:, None] + self.beside).ravel()).reshape(len(leave), len(reach), -1)
        best = cost.argmin(axis=2)
        cost = np.take_along_axis(cost, best[..., None], axis=2)[..., 0]
        possible = np.abs(leave[:, None] - reach) > min(NEAR_SECONDS, (grid.times[-1] - grid.times[0]) / 4)
        possible &= reach < grid.times[-1]
        inside = (reach >= self.earliest) & (reach <= self.latest)
        possible &= inside | ~inside.any()
        allowed = possible & (grid.phases[rows, None] == grid.phases[None, columns])
        lost = possible & ~allowed.any(axis=1, keepdims=True)
        cost = cost + OFF_BAR * (grid.phases[rows] != 0)[:, None]
        lines = np.arange(len(grid))
        cost = cost + UNEVEN * grid.unevenness(lines[rows, None], lines[columns])
        cost = cost + CUT_VOICE * cut_words(self.voice, leave, reach)
        cost = cost + LOST_BAR * lost
        return np.where(allowed | lost, cost, np.inf), self.beside[best]


def cut_words(voice: Voice, leave: Times, reach: Times) -> Array:
    """Return how much jumps hurt voices on both sides, 0 to 2, where they are moved to hurt them least."""
    earlier = MIN_FADE_SECONDS / 2 + np.arange(0, WORD_SECONDS, 1 / HOPS_PER_SECOND)
    left, reached = (voice.cut_cost(times[:, None] - earlier).astype(np.float32) for times in (leave, reach))
    cost: Array = np.min([left[:, None, k] + reached[:, k] for k in range(len(earlier))], axis=0)
    return cost
