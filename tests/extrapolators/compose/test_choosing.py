import numpy as np
import pytest

from extrapcli.extrapolators.compose.choosing import JOIN_COST, NEVER, Chooser, join_costs
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import BINS, PER_SECOND, Spectra

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


def test_what_may_not_be_played_is_not_however_likely() -> None:
    joins = FREE.copy()
    joins[:, :, :32] = NEVER
    choose = chooser(joins, most=2)
    logits = np.where(np.arange(64) < 32, 1e12, 0.0)
    assert min(choose(1, logits) for _ in range(50)) >= 32
    runs = np.split(chosen := following(chooser(most=2), 60, 1e12), np.flatnonzero(np.diff(chosen) != 1) + 1)
    assert max(map(len, runs)) == 2


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
    def draws(played: int, bar: int) -> list[int]:
        """Draw from a slot and one that was never played."""
        logits = np.full(64, -99.0)
        logits[[bar, 63]] = 0
        found = []
        for seed in range(20):
            choose = chooser(heat=0.2, seed=seed, played=played)
            choose.take(0, 50)
            found.append(choose(0, logits))
        return found

    assert set(draws(32, 50)) == {63}
    assert set(draws(32, 30)) == {63}  # heard before anything new was
    assert set(draws(32, 40)) == {40, 63}


def test_a_dear_join_is_not_taken() -> None:
    joins, logits = FREE.copy(), np.full(64, -99.0)
    logits[[40, 50]] = 0
    joins[2, 31, 40] = 9.0
    assert {chooser(joins, seed=seed)(2, logits) for seed in range(20)} == {50}
    assert {chooser(joins, seed=seed)(1, logits) for seed in range(20)} == {40, 50}


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


@pytest.mark.parametrize("after", [False, True])
def test_both_sides_of_a_join_are_compared(after: bool) -> None:
    """Slot 20 differs from the others just after its beginning, slot 21 just before its own."""
    decibels = np.zeros((round(10 * PER_SECOND), BINS), np.float32)
    odd = round(5.05 * PER_SECOND) if after else round(4.95 * PER_SECOND)
    decibels[odd - 2 : odd + 2] = 20.0
    slots = Slots(np.arange(41) / 4, np.arange(40) % 8, 8, True)
    costs = join_costs(slots, Spectra(decibels, np.zeros(2)), 12.0)
    into = costs[:, 9, 4:38]
    assert np.all(into.argmax(axis=1) == 20 - 4)
    assert np.all(np.sort(into, axis=1)[:, -2] == JOIN_COST)
    out = costs[:, 4:38, 9]  # after slot 19
    assert np.all(out.argmax(axis=1) == 19 - 4)


def test_the_ends_of_the_song_are_not_played(slots: Slots, spectra: Spectra) -> None:
    costs = join_costs(slots, spectra, 32.0)
    assert np.all(costs[:, :, [0, -1]] == NEVER)
    assert costs[:, :, 1:-1].max() < 100
