"""The search, with costs that are made up so that the best way is known."""

from dataclasses import dataclass
from itertools import groupby, islice, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.extrapolators.recall import search as search_module
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.search import Search
from extrapcli.extrapolators.recall.way import Start, Stays, Step

LINES = 41


class NeverAlike:
    """Mixes of which none repeats another."""

    def __init__(self, layers: int, cost: float) -> None:
        index = np.indices((LINES - 1,) * layers).reshape(layers, -1)
        self.number = np.arange(index.shape[1]).reshape((LINES - 1,) * layers)
        self.slots = index.T
        self.cost = np.where((index == index[0]).all(axis=0), cost, 0.0)

    def similarity(self, mixes: NDArray[np.int_]) -> NDArray[np.float32]:
        return np.zeros((len(mixes), self.number.size), np.float32)

    def heard(self, memory_seconds: float, until: float | None = None) -> NDArray[np.float32]:
        return np.zeros(self.number.size, np.float32)


class MadeUp:
    """Slots of a second; a jump to a line costs 5, but 0 from line 10 to line 20."""

    def __init__(self, layers: int, copy_cost: float = 0.0) -> None:
        self.layers = layers
        self.grid = Grid(np.arange(float(LINES)), np.zeros(LINES, int), True)
        self.mixes = NeverAlike(layers, copy_cost)
        self.targets = np.tile(np.arange(LINES), (layers, LINES, 1))
        self.follow = np.full((layers, LINES, LINES), 5, np.float32)
        self.follow[:, 10, 20] = 0
        self.follow[:, np.arange(LINES), np.arange(LINES)] = np.inf

    def together(self, lines: NDArray[np.int_]) -> tuple[NDArray[np.int_], NDArray[np.float32]]:
        cost = np.mean([self.follow[layer, lines[:, layer]] for layer in range(self.layers)], axis=0)
        return np.tile(np.arange(LINES), (len(lines), 1)), cost


@dataclass
class LandsAt:
    """Landing is best from line 30, five minutes into the track."""

    begin: float = 300.0
    until: float = 308.0

    def cost(self, lines: NDArray[np.int_], seconds: float) -> float:
        return float(np.abs(lines - 30).sum())


def search(
    costs: MadeUp, starts: list[Start], *, seed: int = 0, noise: float = 0.0, landing: LandsAt | None = None
) -> Search:
    return Search(costs, Stays(5, 12), starts, landing=landing, noise=noise, seed=seed)  # type: ignore[arg-type]


def steps_of(way: Search, count: int) -> tuple[Start, list[Step]]:
    first, *steps = islice(way.run(), count)
    assert isinstance(first, Start)
    assert all(isinstance(step, Step) for step in steps)
    return first, [step for step in steps if isinstance(step, Step)]


@pytest.mark.parametrize("layers", [1, 2])
def test_the_steps_are_one_way_line_after_line(layers: int) -> None:
    _, steps = steps_of(search(MadeUp(layers), [Start(3, 40.0, 0.0)]), 200)
    assert steps[0].left == (3,) * layers
    for before, after in pairwise(steps):
        assert after.left == tuple(line + 1 for line in before.lines)
        assert after.jumped == tuple(a != b for a, b in zip(after.left, after.lines, strict=True))


def test_the_cheap_jump_is_taken() -> None:
    _, steps = steps_of(search(MadeUp(1), [Start(3, 40.0, 0.0)]), 60)
    jumps = [(step.left, step.lines) for step in steps if any(step.jumped)]
    assert jumps.count(((10,), (20,))) >= len(jumps) // 2 > 0


def test_the_best_start_is_taken() -> None:
    starts = [Start(3, 40.0, 5.0), Start(4, 40.0, 0.0), Start(5, 40.0, 5.0)]
    first, steps = steps_of(search(MadeUp(1), starts), 60)
    assert first.line == 4
    assert steps[0].left == (4,)


@pytest.mark.parametrize("layers", [1, 2])
def test_layers_stay_as_long_as_they_should(layers: int) -> None:
    _, steps = steps_of(search(MadeUp(layers, copy_cost=2.0), [Start(3, 40.0, 0.0)]), 300)
    for layer in range(layers):
        at = np.flatnonzero([step.jumped[layer] for step in steps])
        assert np.diff(at).min() >= 5
        assert np.median(np.diff(at)) <= 15


def test_layers_part_where_playing_the_song_as_it_is_costs_more() -> None:
    _, steps = steps_of(search(MadeUp(2, copy_cost=2.0), [Start(3, 40.0, 0.0)]), 200)
    apart = [step.lines[0] != step.lines[1] for step in steps]
    assert np.mean(apart) > 0.8


def test_the_first_jump_out_of_the_song_is_one_of_all_layers() -> None:
    _, steps = steps_of(search(MadeUp(2, copy_cost=2.0), [Start(3, 3.0, 0.0, left=False)]), 200)
    first = next(step for step in steps if any(step.jumped))
    assert all(first.jumped)
    assert len(set(first.lines)) == 1


def test_the_last_step_lands_where_it_costs_least() -> None:
    way = search(MadeUp(1), [Start(3, 40.0, 0.0)], landing=LandsAt())
    first, *steps = way.run()
    last = steps[-1]
    assert isinstance(last, Step)
    assert isinstance(first, Start)
    assert last.lands
    assert last.left == (30,)
    assert 300 <= first.seconds + len(steps) - 1 <= 308
    assert not any(step.lands for step in steps[:-1] if isinstance(step, Step))


@pytest.mark.parametrize("begin", [20.0, 300.2])
def test_where_no_line_is_in_time_it_lands_at_the_next_one(begin: float) -> None:
    *_, last = search(MadeUp(1), [Start(3, 40.0, 0.0)], landing=LandsAt(begin, begin + 0.1)).run()
    assert isinstance(last, Step)
    assert last.lands
    assert last.seconds == max(40, np.ceil(begin))


def test_noise_is_the_same_for_the_same_seed() -> None:
    one, again, other = (
        steps_of(search(MadeUp(1), [Start(3, 40.0, 0.0)], noise=1.0, seed=s), 200) for s in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_a_long_way_takes_no_more_memory() -> None:
    way = search(MadeUp(1), [Start(3, 40.0, 0.0)])
    for _ in islice(way.run(), 3000):
        assert len(way.trace) <= 80


def test_no_layer_goes_round_in_a_circle_under_one_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def longest_circle() -> int:
        costs = MadeUp(2, copy_cost=5.0)
        costs.follow[np.isfinite(costs.follow)] = 1.5
        costs.follow[1, 16, 10] = 0
        way = Search(costs, Stays(5, 6), [Start(3, 40.0, 0.0)], landing=None, noise=0.0, seed=0)  # type: ignore[arg-type]
        _, steps = steps_of(way, 300)
        jumps = [(step.left[1], step.lines[1]) for step in steps if step.jumped[1]]
        return max(len(list(same)) for _, same in groupby(jumps))

    assert longest_circle() <= 3
    monkeypatch.setattr(search_module, "LAYER_COST", 0.0)
    assert longest_circle() > 10


class Rests:
    """Percussion rests from a second of the track on. `asked` has the slots and rests of each question for a cost."""

    repetition = 1.0

    def __init__(self, since: float) -> None:
        self.since = since
        self.asked: list[tuple[NDArray[np.int_], NDArray[np.bool_]]] = []

    def rests(self, seconds: NDArray[np.float64]) -> NDArray[np.bool_]:
        return seconds > self.since

    def cost(
        self, slots: NDArray[np.int_], seconds: NDArray[np.float64], rests: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        self.asked.append((slots, rests))
        return np.zeros(len(seconds))


def steered(costs: MadeUp, steering: Rests, *, left: bool = True) -> list[Step]:
    way = Search(
        costs,  # type: ignore[arg-type]
        Stays(5, 12),
        [Start(3, 3.0, 0.0, left=left)],
        landing=None,
        steering=steering,  # type: ignore[arg-type]
        noise=0.0,
        seed=0,
    )
    return steps_of(way, 200)[1]


def test_a_layer_that_rests_does_not_jump() -> None:
    """Not even where that would be for nothing."""
    costs = MadeUp(2)
    costs.follow[1] = -5
    costs.follow[1, np.arange(LINES), np.arange(LINES)] = np.inf
    steps = steered(costs, Rests(100.0))
    alone = [step.seconds for step in steps if step.jumped == (False, True)]
    assert len(alone) > 5
    assert max(alone) <= 100.0


def test_what_a_layer_that_rests_would_play_makes_no_difference() -> None:
    """Layers part where playing the song as it is costs more, but not while only one of them is heard."""
    steering = Rests(0.0)
    together = [step.lines[0] == step.lines[1] for step in steered(MadeUp(2, copy_cost=2.0), steering)]
    assert all(together)
    assert all((slots[rests, 0] == slots[rests, 1]).all() for slots, rests in steering.asked)
    apart = [step.lines[0] != step.lines[1] for step in steered(MadeUp(2, copy_cost=2.0), Rests(np.inf))]
    assert np.mean(apart) > 0.8


def test_nothing_rests_before_the_song_is_left() -> None:
    """At first the song may play on from line 3, or be left for another line."""
    steering = Rests(0.0)
    steered(MadeUp(2), steering, left=False)
    slots, rests = steering.asked[0]
    plays_on = (slots == 3).all(axis=1)
    assert plays_on.sum() == 1
    np.testing.assert_array_equal(rests, ~plays_on)
