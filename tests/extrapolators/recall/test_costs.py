"""The costs of a song that repeats a known pattern: four bars of 2 s, of which the third is the first again."""

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis, Beats
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.extrapolators.recall.costs import Costs
from extrapcli.extrapolators.recall.encoder import Encoder
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.material import prepare
from extrapcli.models import find_model

RATE = 22050
BAR_SECONDS = 2
ORDER = "ABACDBADCA"


def bar(notes: list[int], drums: list[float]) -> NDArray[np.floating]:
    """Four notes, half a second each, and clicks at some seconds."""
    time = np.arange(RATE // 2) / RATE
    tones = [np.sin(2 * np.pi * 220 * 2 ** (note / 12) * time) * np.exp(-3 * time) for note in notes]
    sound = 0.2 * np.concatenate(tones)
    noise = np.random.default_rng(0).normal(size=RATE // 20) * np.geomspace(1, 0.01, RATE // 20)
    for second in drums:
        begin = round(second * RATE)
        sound[begin : begin + len(noise)] += 0.2 * noise
    return sound


BARS = {
    "A": bar([0, 3, 7, 3], [0, 1]),
    "B": bar([5, 8, 12, 8], [0, 0.5, 1]),
    "C": bar([7, 11, 14, 17], [0, 0.75, 1.5]),
    "D": bar([-4, 0, 3, 8], [0, 1, 1.25]),
}


def costs_of(classes: NDArray[np.int_] | None = None) -> Costs:
    sound = np.concatenate([BARS[name] for name in ORDER])[:, None].astype(np.float32)
    analysis = Analysis(Song("bars", sound, RATE, "f32", "wav"))
    material = prepare(analysis, Encoder(open_model(find_model("recall"), device="cpu")))
    count = len(ORDER) * 4
    beats = Beats(np.arange(count) / 2, np.arange(count) % 4, 4, 1.0, 1.0)
    return Costs(material, Grid.of(beats, 0, len(ORDER) * BAR_SECONDS), room_seconds=2, classes=classes)


@pytest.fixture(scope="module")
def costs() -> Costs:
    return costs_of()


def line_of(bar: int) -> int:
    return 2 * bar


def test_jumps_go_only_between_equal_positions_of_the_bar(costs: Costs) -> None:
    phases = costs.grid.phases
    there = np.isfinite(costs.follow)
    assert there.any(axis=2).all()
    for layer in range(costs.layers):
        lines, ranks = np.nonzero(there[layer])
        np.testing.assert_array_equal(phases[lines], phases[costs.targets[layer, lines, ranks]])


def test_no_jump_goes_to_where_it_would_play_on_or_where_no_room_is_left(costs: Costs) -> None:
    lines = np.arange(len(costs.grid))[None, :, None]
    there = np.isfinite(costs.follow)
    assert not (there & (costs.targets == lines)).any()
    assert costs.grid.times[costs.targets[there]].max() <= len(ORDER) * BAR_SECONDS - 2


def test_after_a_bar_the_best_moments_are_those_that_the_same_bar_led_to(costs: Costs) -> None:
    bars = np.arange(float(len(ORDER))) * BAR_SECONDS
    cost = costs.whole.jump_costs(bars[3:4], bars, ahead=False)[0]
    after_an_a = {1, 3, 7}
    assert set(np.argsort(cost)[:3].tolist()) == after_an_a


def test_the_same_bar_counts_as_repeated_and_another_does_not(costs: Costs) -> None:
    number = costs.mixes.number
    first = number[line_of(0), line_of(0)]
    similarity = costs.mixes.similarity(np.array([first]))[0]
    assert similarity[first] == pytest.approx(1)
    assert similarity[number[line_of(6), line_of(6)]] > 0.9
    assert similarity[number[line_of(3), line_of(3)]] < 0.1
    assert similarity[number[line_of(0), line_of(3)]] < 0.6


def test_layers_of_equal_bars_fit_better_than_those_of_different_ones(costs: Costs) -> None:
    number, cost = costs.mixes.number, costs.mixes.cost
    equal = cost[number[line_of(0), line_of(6)]]
    others = [cost[number[line_of(0), line_of(k)]] for k, name in enumerate(ORDER[:-1]) if name != "A"]
    assert equal < min(others)


def test_what_was_heard_last_counts_most(costs: Costs) -> None:
    heard = costs.mixes.heard(30)
    number = costs.mixes.number
    own = np.array([heard[number[line_of(k), line_of(k)]] for k in range(len(ORDER) - 1)])
    assert ((own > 0) & (own <= 1)).all()
    for again, before in ((7, 4), (8, 3)):
        assert own[again] == pytest.approx(own[before], rel=0.1)
    assert own[8] > own[7] > own[5]


def test_there_are_jumps_to_every_class_of_lines(costs: Costs) -> None:
    """The same ones at the same cost as without classes, but the best of each class."""
    classes = np.arange(len(costs.grid)) // 3 % 2
    two = costs_of(classes)
    assert two.targets.shape[2] == 2 * costs.targets.shape[2]
    there = np.isfinite(two.follow)
    for layer, line in np.ndindex(two.follow.shape[:2]):
        found = two.targets[layer, line][there[layer, line]]
        assert set(classes[found]) == {0, 1}
        plain = costs.targets[layer, line][np.isfinite(costs.follow[layer, line])]
        assert set(plain.tolist()) <= set(found.tolist())
