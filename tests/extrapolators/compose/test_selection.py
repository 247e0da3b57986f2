from itertools import pairwise, product

import numpy as np
import pytest

from extrapcli.extrapolators.compose.selection import choose


def cost(way: tuple[int, ...], targets: np.ndarray, joins: np.ndarray, follows: int, most: int) -> float:
    total, run = targets[0, way[0]], 1
    for slot in range(1, len(way)):
        goes_on = way[slot] == way[slot - 1] + follows
        run = run + 1 if goes_on else 1
        total += targets[slot, way[slot]] + (0 if goes_on else joins[way[slot - 1], way[slot]])
        if run > most:
            return np.inf
    return float(total)


@pytest.mark.parametrize("follows", [1, 2])
@pytest.mark.parametrize("most", [1, 2, 3, 99])
@pytest.mark.parametrize("seed", range(3))
def test_no_other_way_is_cheaper(follows: int, most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    slots, units = 5, 6
    targets, joins = rng.random((slots, units)), rng.random((units, units))
    found = choose(targets, joins, follows=follows, most=most)
    costs = {way: cost(way, targets, joins, follows, most) for way in product(range(units), repeat=slots)}
    assert costs[tuple(found.tolist())] == pytest.approx(min(costs.values()))


@pytest.mark.parametrize("most", [1, 2, 4, 7])
def test_no_more_slots_than_allowed_come_from_one_place(most: int, rng: np.random.Generator) -> None:
    targets = rng.random((60, 100))
    joins = np.full((100, 100), 50.0)  # so dear that it would never jump
    found = choose(targets, joins, follows=2, most=most)
    run = longest = 1
    for before, after in pairwise(found):
        run = run + 1 if after == before + 2 else 1
        longest = max(longest, run)
    assert longest == most


def test_a_plan_that_is_the_song_is_played_as_it_is() -> None:
    targets = 1 - np.eye(40)[10:30]
    found = choose(targets, np.ones((40, 40)), follows=1, most=99)
    np.testing.assert_array_equal(found, np.arange(10, 30))


def test_one_slot_takes_the_nearest_unit(rng: np.random.Generator) -> None:
    targets = rng.random((1, 50))
    assert choose(targets, np.ones((50, 50)), follows=2, most=4).tolist() == [int(targets.argmin())]
