"""Find the best ways to play a song in another length: from one moment of song and track to another, with few cuts.

A version is a path through states. A state is the line of the song that is played, and how much later the track is
there than the song. Playing on changes only the line; a cut goes to another line and changes both. The least cost of
every state after so many cuts is found cut by cut. As cuts between bar lines hardly ever add up to the length that is
asked for, one cut, the first or the last, is free to go to any moment, and is put where that is heard least.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.descriptors import Array, Times
from extrapcli.extrapolators.recall.version import Cut, PlayCosts, Version, Waypoint

PARTS = 4  # of a slot: where a free cut may leave
STEP_SECONDS, MOST_STATES = 0.01, 2_000_000
SLACK_SECONDS, SLACK_COST = 16.0, 4.0  # by which a way may go beyond its ends, and cost more than the best one
SAME_SECONDS = 0.025  # what the cuts of a version may be out by, all together
MOST_CUTS = 16
LAST_CUTS = 12  # free ones, the best of which are looked at after each number of cuts
SPARE_COST, MOST_SPARE = 0.5, 1.5  # of a cut in a silence; how many seconds of it are left out or played twice


class Possible(Protocol):
    """What is possible in a song.

    Attributes:
        lines: `(n,)`, in seconds; `slots` is how long each is, `stay` how many lines are between two cuts.
        cost: `(n, n)`, of a cut from each line to each other; `targets` are the lines to go to from each.
        moments: `(n * PARTS,)`, where a free cut may leave; `reached`, in even steps, where it may go.
        free: `(moments, reached)`, what it costs.
        play_costs: what it costs to play, if anything.
    """

    lines: Times
    slots: Times
    stay: int
    cost: Array
    targets: list[list[int]]
    moments: Times
    reached: Times
    free: Array
    play_costs: PlayCosts | None


@dataclass(frozen=True)
class _Layer:
    """The least costs of all states after so many cuts, `(lines, steps)`, without those of playing to their lines.

    A state counts as reached when so much was played after a cut that the next may follow. `origin` is the number of
    the free cut that comes first, where the layer begins with one.
    """

    played: Array
    origin: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class _Way:
    """How an end is reached: from a state of a layer, by playing on, or by a free cut."""

    cost: float
    layers: list[_Layer]
    number: int
    row: int
    column: int
    last: Cut | None = None


class VersionSearch:
    """A search from some waypoints to others."""

    def __init__(
        self, possible: Possible, starts: list[Waypoint], ends: list[Waypoint], *, hold: float, lead: float
    ) -> None:
        self.of, self.starts, self.ends, self.lead = possible, starts, ends, lead
        self.first, self.last = starts[0].track + hold, ends[0].track - lead  # between which the track has its cuts
        laters = [waypoint.later for waypoint in (*starts, *ends)]
        self.low = min(laters) - SLACK_SECONDS
        spread = max(laters) + SLACK_SECONDS - self.low
        self.step = max(STEP_SECONDS, len(possible.lines) * spread / MOST_STATES)
        self.laters = self.low + self.step * np.arange(int(spread / self.step) + 1)
        self.playing = self._playing()
        self.open = [self._begun()]
        self.closed = [self._begun_freely()]
        self.ways: list[list[_Way]] = [[] for _ in ends]
        while True:
            for ways, end in zip(self.ways, ends, strict=True):
                ways += self._ways(end)
            latest = self.open[-1], self.closed[-1]
            cheapest = min(float(layer.played.min()) for layer in latest)
            best = min((way.cost for ways in self.ways for way in ways), default=np.inf)
            if len(self.open) > MOST_CUTS or cheapest >= best + (SLACK_COST if len(ends) > 1 else 0):
                break
            self.open.append(self._extended(latest[0]))
            self.closed.append(self._extended(latest[1]))

    def _playing(self) -> Array:
        """Return what it costs to play the song up to each line, `(lines, steps)`."""
        lines, slots = self.of.lines.tolist(), self.of.slots.tolist()
        costs = np.zeros((len(lines) + self.of.stay, len(self.laters)), np.float32)
        if self.of.play_costs:
            for line, (begin, seconds) in enumerate(zip(lines, slots, strict=True)):
                costs[line + 1 :] = costs[line] + seconds * self.of.play_costs(
                    line, begin + seconds / 2 + self.laters
                )
        return costs

    def _column(self, later: float) -> int:
        return round((later - self.low) / self.step)

    def _columns(self, seconds: float) -> slice:
        """Return the columns in which a cut is possible when a second of the song is played."""
        begin = np.ceil((self.first - seconds - self.low) / self.step)
        end = np.floor((self.last - seconds - self.low) / self.step) + 1
        return slice(*np.clip([begin, end], 0, len(self.laters)).astype(int).tolist())

    def _begun(self) -> _Layer:
        """Return the layer without a cut."""
        played = np.full(self.playing.shape, np.inf, np.float32)
        for start in self.starts:
            line, column = int(np.searchsorted(self.of.lines, start.song)), self._column(start.later)
            cost = start.cost - self.playing[line, column]
            played[line:, column] = np.minimum(played[line:, column], cost)
        return _Layer(played)

    def _begun_freely(self) -> _Layer:
        """Return the layer after a free cut; an empty one where there are several starts, as it would take long."""
        of, count = self.of, len(self.laters)
        arrived = np.full((len(of.lines), count), np.inf, np.float32)
        origin = np.zeros(arrived.shape, np.int64)
        target = np.searchsorted(of.lines, of.reached)
        later = self.starts[0].later
        for k, moment in enumerate(of.moments.tolist()):
            if len(self.starts) > 1 or not self.first <= moment + later <= self.last:
                continue
            columns = np.rint((later + moment - of.reached - self.low) / self.step).astype(int)
            there = np.flatnonzero((target < len(of.lines)) & (columns >= 0) & (columns < count))
            line, column = target[there], columns[there]
            cost = of.free[k, there] + self.open[0].played[k // PARTS, self._column(later)]
            cost += self.playing[k // PARTS, self._column(later)]
            better = cost < arrived[line, column]
            arrived[line[better], column[better]] = cost[better]
            origin[line[better], column[better]] = k * len(of.reached) + there[better]
        return _Layer(self._reached(arrived), origin)

    def _reached(self, arrived: Array) -> Array:
        """Return the least costs of states from the costs of arriving at lines by a cut."""
        played = np.full(self.playing.shape, np.inf, np.float32)
        played[self.of.stay :] = np.minimum.accumulate(arrived - self.playing[: len(arrived)], axis=0)
        return played

    def _extended(self, layer: _Layer) -> _Layer:
        """Return the layer after one more cut."""
        lines, count = self.of.lines, len(self.laters)
        arrived = np.full((len(lines), count), np.inf, np.float32)
        for line, seconds in enumerate(lines.tolist()):
            columns = self._columns(seconds)
            row = layer.played[line, columns] + self.playing[line, columns]
            if not np.isfinite(row).any():
                continue
            for target in self.of.targets[line]:
                shift = self._shift(line, target)
                begin, end = max(0, columns.start + shift), min(count, columns.stop + shift)
                if begin < end:
                    into = arrived[target, begin:end]
                    moved = row[begin - shift - columns.start : end - shift - columns.start]
                    np.minimum(into, moved + self.of.cost[line, target], out=into)
        return _Layer(self._reached(arrived))

    def _shift(self, line: int, target: int) -> int:
        return round(float(self.of.lines[line] - self.of.lines[target]) / self.step)

    def _ways(self, end: Waypoint) -> list[_Way]:
        """Return the best ways to come to an end from the latest layers."""
        number = len(self.open) - 1
        ways = [*self._straight(self.open, end, number), *self._straight(self.closed, end, number)]
        return ways + self._freely(end, number)

    def _straight(self, layers: list[_Layer], end: Waypoint, number: int) -> list[_Way]:
        """Return the best way to play on to an end."""
        line = int(np.searchsorted(self.of.lines, end.song - self.lead, side="right")) - 1
        column, cuts = self._column(end.later), number + (layers is self.closed)
        within = round(SAME_SECONDS / self.step) if cuts else 0
        most = max(within, int(min(end.spare, MOST_SPARE) / self.step) if layers is self.open else 0)
        columns = np.arange(max(0, column - most), min(len(self.laters), column + most + 1))
        if line < 0 and cuts:
            return []
        row = line + self.of.stay if cuts else len(self.playing) - 1  # without a cut, no matter where it begins
        away = np.abs(columns - column)
        cost = layers[-1].played[row, columns] + SPARE_COST * (away > within)
        cost += self.playing[min(max(line, 0) + 1, len(self.of.lines)), columns]
        best = int(np.argmin(cost + 1e-3 * away))
        way = _Way(float(cost[best]) + end.cost, layers, number, row, int(columns[best]))
        return [way] if np.isfinite(way.cost) else []

    def _freely(self, end: Waypoint, number: int) -> list[_Way]:
        """Return the best ways to come to an end by a free cut."""
        of, layer = self.of, self.open[-1]
        reach_step, last, ways = float(of.reached[1] - of.reached[0]), end.song - self.lead, []
        for k, moment in enumerate(of.moments.tolist()):
            columns, line = self._columns(moment), k // PARTS
            first, final = (
                int(np.ceil((seconds - moment + end.later - self.low) / self.step))
                for seconds in (of.reached[0], last)
            )
            columns = slice(max(columns.start, first), max(0, min(columns.stop, final)))
            there = np.flatnonzero(np.isfinite(layer.played[line, columns])) + columns.start
            if not len(there):
                continue
            reach = moment + self.laters[there] - end.later
            number_of = np.minimum(np.rint((reach - of.reached[0]) / reach_step).astype(int), len(of.reached) - 1)
            costs = of.free[k, number_of]
            cost = layer.played[line, there] + self.playing[line, there] + costs
            best = int(np.argmin(cost))
            cut = Cut(moment, float(reach[best]), float(costs[best]), free=True)
            ways.append(_Way(float(cost[best]) + end.cost, self.open, number, line, int(there[best]), cut))
        return sorted((way for way in ways if np.isfinite(way.cost)), key=lambda way: way.cost)[:LAST_CUTS]

    def versions(self, number: int, most: int) -> list[Version]:
        """Return the versions of the cheapest ways to an end that were found."""
        found = []
        for way in sorted(self.ways[number], key=lambda way: way.cost)[:most]:
            start, cuts = self._trace(way.layers, way.number, way.row, way.column)
            cuts += [way.last] if way.last else []
            playing = way.cost - sum(cut.cost for cut in cuts)
            found.append(Version(start, self._exact(self.starts[start], cuts, self.ends[number]), playing))
        return found

    def _trace(self, layers: list[_Layer], number: int, row: int, column: int) -> tuple[int, list[Cut]]:
        """Return the start of the best way to a state, and its cuts."""
        of, played = self.of, layers[number].played
        line = int(np.argmax(played[:, column] == played[row, column])) - of.stay
        if not number:
            origin = layers[0].origin
            if origin is None:
                near = [(abs(self._column(start.later) - column), start.cost) for start in self.starts]
                return near.index(min(near)), []
            moment, reached = divmod(int(origin[line, column]), len(of.reached))
            return 0, [
                Cut(float(of.moments[moment]), float(of.reached[reached]), float(of.free[moment, reached]), True)
            ]
        before = layers[number - 1].played
        ways = []
        for source, targets in enumerate(of.targets):
            if line in targets:
                at, columns = column - self._shift(source, line), self._columns(float(of.lines[source]))
                if columns.start <= at < columns.stop:
                    cost = before[source, at] + self.playing[source, at] + of.cost[source, line]
                    ways.append((float(cost), source, at))
        _, source, at = min(ways)
        start, cuts = self._trace(layers, number - 1, source, at)
        return start, [*cuts, Cut(float(of.lines[source]), float(of.lines[line]), float(of.cost[source, line]))]

    def _exact(self, start: Waypoint, cuts: list[Cut], end: Waypoint) -> tuple[Cut, ...]:
        """Let the free cut, or else the last one, go where the version is as long as it should be."""
        k = next((k for k, cut in enumerate(cuts) if cut.free), -1)
        missing = end.later - start.later - sum(cut.later for cut in cuts)
        if not cuts and abs(missing) <= (SAME_SECONDS if start.track else 0):
            return ()  # an earlier cut of the track sees to the rest
        if end.spare and not (cuts and (cuts[k].free or abs(missing) <= SAME_SECONDS)):
            leave = end.song - end.spare + max(0.0, missing)  # as early in the silence as can be
            return (*cuts, Cut(leave, leave - missing, 0.0, free=True))
        if not cuts:
            return ()
        cuts[k] = replace(cuts[k], reach=cuts[k].leave - cuts[k].later - missing, free=True)
        return tuple(cuts)
