"""The versions of a song in another length: what cuts cost, and the best ways from one waypoint to another."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.descriptors import Array, Times
from extrapcli.extrapolators.recall.version import Cut, PlayCosts, Version, Waypoint
from extrapcli.extrapolators.recall.version_search import PARTS, VersionSearch

TARGETS = 16  # in either direction, from each line
STAY_SECONDS = 4.0  # between two cuts, about
REACH_SECONDS, MOST_REACHED = 0.04, 8_000
ROWS = 256  # moments at a time
FEW_CUTS = 3
SHIFTS = np.arange(-6, 7) * 0.04  # by which a free cut is moved in the end, in seconds

CutCosts = Callable[[Times, Times], Array]
"""Of leaving the song at each moment and going on at each other: `(leave, reach)`, infinite where that can't be."""


class Versions:
    """Finds versions of a song up to its `end`, with cuts between lines; all in seconds."""

    def __init__(self, lines: Times, end: float, cut_costs: CutCosts, play_costs: PlayCosts | None = None) -> None:
        self.lines, self.end, self.play_costs = lines, end, play_costs
        self._cut_costs, self._avoided = cut_costs, list[tuple[Cut, float, float]]()
        self.slots = np.diff(lines, append=2 * lines[-1] - lines[-2])
        stay = min(STAY_SECONDS, (end - lines[0]) / 8)
        self.stay = max(1, round(stay / float(np.median(self.slots))))
        self.cost = cut_costs(lines, lines)
        self.targets = self._targets()
        self.moments = (lines[:, None] + self.slots[:, None] * np.arange(PARTS) / PARTS).ravel()
        self.reached = np.arange(lines[0], end, max(REACH_SECONDS, (end - lines[0]) / MOST_REACHED))
        rows = range(0, len(self.moments), ROWS)
        self.free = np.concatenate([cut_costs(self.moments[at : at + ROWS], self.reached) for at in rows])

    def _targets(self) -> list[list[int]]:
        """Return the cheapest lines after and before each line."""
        targets = []
        for line, cost in enumerate(self.cost):
            order = np.argsort(cost, kind="stable")
            order = order[np.isfinite(cost[order])]
            targets.append([*order[order > line][:TARGETS].tolist(), *order[order < line][:TARGETS].tolist()])
        return targets

    def cut_costs(self, leave: Times, reach: Times) -> Array:
        """Return the cost of leaving the song at each moment and going on at each other, `(leave, reach)`."""
        costs = self._cut_costs(leave, reach)
        for cut, cost, within in self._avoided:
            costs[_near(cut, leave, reach, within)] += cost
        return costs

    def avoid(self, cut: Cut, cost: float, *, within: float) -> None:
        """Add to the cost of a cut, and of those whose two ends are within so many seconds."""
        self._avoided.append((cut, cost, within))
        self.cost[_near(cut, self.lines, self.lines, within)] += cost
        self.free[_near(cut, self.moments, self.reached, within)] += cost
        self.targets = self._targets()

    def shortest(self, *, hold: float, lead: float, cost: float) -> float:
        """Return how short a few cuts between lines can make the song if none of them costs more than `cost`."""
        first, last = (int(np.searchsorted(self.lines, seconds)) for seconds in (hold, self.end - lead))
        skipped = np.zeros(len(self.lines) + self.stay)
        for _ in range(FEW_CUTS):
            after = skipped.copy()
            for line in range(first, last):
                for target in self.targets[line]:
                    if line < target < last and self.cost[line, target] <= cost:
                        gain = skipped[line] + self.lines[target] - self.lines[line]
                        after[target + self.stay :] = np.maximum(after[target + self.stay :], gain)
            skipped = after
        return self.end - float(skipped.max())

    def find(
        self, starts: list[Waypoint], ends: list[Waypoint], *, hold: float, lead: float, most: int
    ) -> list[list[Version]]:
        """Return up to `most` versions to each end, of waypoints that share a time of the track, the cheapest first.

        No cut is nearer than `hold` seconds to a start, or `lead` seconds to an end.
        """
        search = VersionSearch(self, starts, ends, hold=hold, lead=lead)
        return [self._settled(search.versions(k, most)) for k in range(len(ends))]

    def _settled(self, versions: list[Version]) -> list[Version]:
        """Move the free cuts of versions to where they cost least near by; return the cheapest first."""
        loose = [
            (k, n)
            for k, version in enumerate(versions)
            for n, cut in enumerate(version.cuts)
            if cut.free and cut.cost
        ]
        cuts = [versions[k].cuts[n] for k, n in loose]
        if cuts:
            leave = np.array([cut.leave for cut in cuts])[:, None] + SHIFTS
            reach = leave - np.array([cut.later for cut in cuts])[:, None]
            costs = np.concatenate(
                [self.cut_costs(*pair).diagonal()[None] for pair in zip(leave, reach, strict=True)]
            )
            for (k, n), moved, cost in zip(loose, leave, costs, strict=True):
                best, cut = int(np.argmin(cost)), versions[k].cuts[n]
                cut = Cut(float(moved[best]), float(moved[best]) - cut.later, float(cost[best]), free=True)
                cuts_then = (*versions[k].cuts[:n], cut, *versions[k].cuts[n + 1 :])
                versions[k] = replace(versions[k], cuts=cuts_then)
        return sorted(versions, key=lambda version: version.cost)


def _near(cut: Cut, leave: Times, reach: Times, within: float) -> tuple[NDArray[np.int_], ...]:
    """Return the rows and columns of `(leave, reach)` that are near to a cut."""
    rows, columns = np.abs(leave - cut.leave) < within, np.abs(reach - cut.reach) < within
    return np.ix_(np.flatnonzero(rows), np.flatnonzero(columns))
