import numpy as np
import pytest

from extrapcli.extrapolators.compose.choosing import JOIN_COST, NEVER, Chooser, join_costs
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import Spectra

FREE = np.zeros((3, 64, 64), np.float32)


def chooser(
    joins: np.ndarray = FREE, *, played: int = 32, heat: float = 0.5, most: int = 4, seed: int = 0
) -> Chooser:
    return Chooser(joins, played=played, heat=heat, most=most, seed=seed)


def following(choose: Chooser, count: int, bonus: float) -> list[int]:
    """Draw for a layer that prefers to go on."""
    chosen, at = [], 31
    for _ in range(count):
        logits = np.zeros(64)
        logits[min(at + 1, 63)] = bonus
        chosen.append(at := choose(1, logits))
    return chosen


@pytest.mark.parametrize("most", [1, 3, 8])
def test_no_more_than_the_most_slots_come_from_one_place(most: int) -> None:
    chosen = following(chooser(most=most), 400, 20.0)
    runs = np.split(chosen, np.flatnonzero(np.diff(chosen) != 1) + 1)
    assert max(map(len, runs)) == most


def test_the_same_seed_draws_the_same() -> None:
    one, same, other = (following(chooser(seed=seed), 50, 1.0) for seed in (1, 1, 2))
    assert one == same != other


def test_each_layer_has_its_own_place() -> None:
    choose = chooser(heat=0.01)
    for layer, slot in enumerate((5, 20, 40)):
        logits = np.zeros(64)
        logits[slot] = 9
        assert choose(layer, logits) == slot
    for layer, slot in enumerate((6, 21, 41)):
        logits = np.zeros(64)
        logits[slot] = 9
        assert choose(layer, logits) == slot


def test_what_was_just_played_is_less_likely() -> None:
    choose, counts = chooser(heat=0.2), np.zeros(64)
    logits = np.full(64, -99.0)
    logits[[3, 50]] = 0
    first = choose(0, logits)
    for _ in range(20):
        counts[choose(0, logits)] += 1
    assert counts[[3, 50]].sum() == 20
    assert abs(counts[3] - counts[50]) <= 8
    assert first in (3, 50)


def test_heat_makes_unlikely_slots_likelier() -> None:
    logits = np.zeros(64)
    logits[50] = 3
    shares = []
    for heat in (0.3, 1.3):
        drawn = [chooser(heat=heat, seed=seed)(0, logits) for seed in range(200)]
        shares.append(np.mean(np.array(drawn) == 50))
    assert shares[0] > 0.95 > shares[1]


def test_going_on_costs_nothing_and_joins_cost_more_where_the_sound_differs(slots: Slots, spectra: Spectra) -> None:
    costs = join_costs(slots, spectra, 40.0)
    each = np.arange(127)
    assert not costs[:, each, each + 1][:, 1:].any()
    same, other = costs[1, 40, 41 + 32], costs[1, 40, 44]
    assert JOIN_COST <= same < other


def test_the_ends_of_the_song_are_not_played(slots: Slots, spectra: Spectra) -> None:
    costs = join_costs(slots, spectra, 32.0)
    assert np.all(costs[:, :, [0, -1]] == NEVER)
    assert costs[:, :, 1:-1].max() < 100
