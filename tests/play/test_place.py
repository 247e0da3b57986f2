"""Where in its song a track plays, by the jumps of its blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.continuation import Join, positions_of
from extrapcli.extrapolators.base import Block, Jump
from extrapcli.play.place import Place

RATE = 1000
NOTHING = np.zeros((0, 1), np.float32)


def block(start: int, fade: int, layer: str | None, to: float = 0.0) -> Block:
    return Block(start, NOTHING, fade, Jump(layer, 0.0, to, 0.0, 0.0, 0.0) if layer else None)


def test_until_it_jumps_a_track_plays_the_song_itself() -> None:
    place = Place(RATE)
    assert place.at(0) == [0.0]
    assert place.at(2500) == [2.5]
    place.follow(block(1000, 100, None))
    assert place.at(2500) == [2.5]


def test_all_layers_or_one_jump() -> None:
    place = Place(RATE)
    place.follow(block(5000, 500, "all", to=2.0))
    assert place.at(5500) == pytest.approx([2.0])
    assert place.at(6000) == pytest.approx([2.5])
    place.follow(block(7000, 0, "percussive", to=20.0))
    assert place.at(7000) == pytest.approx([3.5, 20.0])
    place.follow(block(8000, 0, "all", to=1.0))
    assert place.at(8000) == pytest.approx([1.0])


jumps = st.lists(
    st.tuples(
        st.integers(500, 5000),
        st.integers(0, 400),
        st.sampled_from(["all", "harmonic", "percussive"]),
        st.floats(0, 60),
    ),
    max_size=8,
)


@given(jumps)
def test_the_places_are_those_of_the_joins(steps: list[tuple[int, int, str, float]]) -> None:
    place, joins, start = Place(RATE), [], 0
    for later, fade, layer, to in steps:
        start += later
        jump = Jump(layer, 0.0, to, 0.0, 0.0, 0.0)
        place.follow(Block(start, NOTHING, fade, jump))
        joins.append(Join(start / RATE, fade / RATE, jump))
    at = start + 600
    expected = positions_of(joins, np.array([at / RATE]))[:, 0]
    found = place.at(at)
    assert found == pytest.approx(expected if len(found) == 2 else expected[:1])
    assert len(found) == 2 or expected[0] == pytest.approx(expected[1])


@given(jumps, st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(0, 10**6))
def test_the_energy_is_one_of_the_song_wherever_it_plays(
    steps: list[tuple[int, int, str, float]], energy: list[float], later: int
) -> None:
    place, start = Place(RATE), 0
    assert place.energy_at(later) is None
    place.energy = np.array(energy)
    for step, fade, layer, to in steps:
        start += step
        place.follow(block(start, fade, layer, to))
    found = place.energy_at(start + later)
    assert found is not None
    assert min(energy) - 1e-9 <= found <= max(energy) + 1e-9


def test_the_energy_of_two_layers_is_their_mean() -> None:
    place = Place(15)
    place.energy = np.arange(100) / 100
    place.follow(Block(0, NOTHING, 0, Jump("percussive", 0.0, 2.0, 0.0, 0.0, 0.0)))
    assert place.energy_at(0) == pytest.approx((0 + 0.3) / 2)
