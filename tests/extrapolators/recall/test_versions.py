"""The search for versions of another length: it finds the cheapest there is, and is exact."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.version import Version, Waypoint
from extrapcli.extrapolators.recall.versions import Versions

Times = NDArray[np.float64]

LINES = np.arange(2.0, 14.0, 2.0)
END = 14.0
STAY = 2  # lines


def versions(costs: NDArray[np.float32]) -> Versions:
    """Cuts are possible between lines alone."""

    def cut_costs(leave: Times, reach: Times) -> NDArray[np.float32]:
        found = np.full((len(leave), len(reach)), np.inf, np.float32)
        rows, columns = (np.abs(times[:, None] - LINES) < 1e-6 for times in (leave, reach))
        for (a, line), (b, target) in product(np.argwhere(rows), np.argwhere(columns)):
            if line != target:
                found[a, b] = costs[line, target]
        return found

    return Versions(LINES, END, cut_costs)


def cheapest(costs: NDArray[np.float32], seconds: float, most: int) -> float:
    """Try every way of up to so many cuts: lines are left and reached in turn, two lines later at the soonest."""
    best = np.inf
    ways = [(0, 0.0, 0.0)]  # the first line at which a cut may follow, how much later the track is, cost
    for _ in range(most):
        ways = [
            (target + STAY, later + LINES[line] - LINES[target], cost + float(costs[line, target]))
            for begin, later, cost in ways
            for line in range(begin, len(LINES))
            for target in range(len(LINES))
            if line != target and 0 <= later + LINES[line] <= seconds
        ]
        best = min([best, *(cost for _, later, cost in ways if abs(later - (seconds - END)) < 1e-6)])
    return best


def best(found: list[Version]) -> Version:
    return min(found, key=lambda version: version.cost)


@pytest.mark.parametrize("seconds", [6.0, 8.0, 10.0, 18.0])
def test_it_finds_the_cheapest_version(rng: np.random.Generator, seconds: float) -> None:
    costs = rng.uniform(1, 3, (len(LINES), len(LINES))).astype(np.float32)
    (found,) = versions(costs).find([Waypoint(0, 0)], [Waypoint(END, seconds)], hold=0, lead=0, most=40)
    assert best(found).cost == pytest.approx(cheapest(costs, seconds, 3), abs=1e-4)


def test_each_version_is_as_long_as_it_should_be(rng: np.random.Generator) -> None:
    lines = np.cumsum(rng.uniform(1.7, 2.3, 30))
    end = lines[-1] + 2

    def cut_costs(leave: Times, reach: Times) -> NDArray[np.float32]:
        away = leave[:, None] - reach
        return np.where(np.abs(away) < 0.2, np.inf, 1 + np.sin(7 * leave)[:, None] * np.cos(5 * reach)).astype(
            np.float32
        )

    for seconds in (20.0, 41.3, 100.7):
        start, stop = Waypoint(0, 0), Waypoint(end, seconds)
        (found,) = Versions(lines, end, cut_costs).find([start], [stop], hold=4, lead=5, most=40)
        assert found
        for version in found:
            assert sum(cut.later for cut in version.cuts) == pytest.approx(seconds - end)
            assert sum(cut.free for cut in version.cuts) == 1
            later, reached = 0.0, 0.0
            for cut in version.cuts:
                assert cut.leave > reached
                assert 4 - 0.3 <= cut.leave + later <= seconds - 5 + 0.3
                later, reached = later + cut.later, cut.reach


def test_a_cut_that_is_avoided_costs_more(rng: np.random.Generator) -> None:
    costs = rng.uniform(1, 3, (len(LINES), len(LINES))).astype(np.float32)
    search = versions(costs)

    def find() -> Version:
        return best(search.find([Waypoint(0, 0)], [Waypoint(END, 10)], hold=0, lead=0, most=40)[0])

    before = find()
    search.avoid(before.cuts[0], 10, within=0.3)
    after = find()
    assert before.cost < after.cost
    assert before.cuts[0] not in after.cuts


def test_silence_may_take_up_what_bars_cannot() -> None:
    costs = np.ones((len(LINES), len(LINES)), np.float32)
    (found,) = versions(costs).find([Waypoint(0, 0)], [Waypoint(END, 9.5, spare=1.0)], hold=0, lead=0, most=40)
    cuts = best(found).cuts
    assert cuts[-1].free
    assert min(cuts[-1].leave, cuts[-1].reach) >= END - 1
    assert abs(cuts[-1].later) == pytest.approx(0.5)


def test_the_shortest_version_has_only_good_cuts() -> None:
    costs = np.full((len(LINES), len(LINES)), 9, np.float32)
    costs[0, 2], costs[4, 5] = 1, 1
    search = versions(costs)
    assert search.shortest(hold=0, lead=0, cost=5) == END - 6
    assert search.shortest(hold=0, lead=0, cost=0.5) == END
    assert search.shortest(hold=3, lead=0, cost=5) == END - 2
