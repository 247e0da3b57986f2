import numpy as np
import pytest

from extrapcli.analysis.beats import Beats
from extrapcli.extrapolators.compose.slots import Slots


def steady(
    bpm: float, *, begin: float = 0.3, seconds: float = 30.0, metre: int = 4, confidence: float = 1.0
) -> Beats:
    times = np.arange(begin, seconds, 60 / bpm)
    return Beats(times, (np.arange(len(times)) + 1) % metre, metre, confidence, 1.0)


@pytest.mark.parametrize("bpm", [55, 66, 80, 100, 120, 140, 166, 180, 215])
def test_slots_are_parts_of_beats_and_neither_short_nor_long(bpm: float) -> None:
    beats = steady(bpm)
    slots = Slots.of(beats, 0.0, 30.0)
    assert np.all((np.diff(slots.edges) >= 0.18 - 1e-9) & (np.diff(slots.edges) <= 0.36 + 1e-9))
    nearest = np.abs(beats.times[:, None] - slots.edges).min(axis=1)
    assert nearest.max() < 1e-6


def test_at_120_beats_a_minute_a_slot_is_half_a_beat() -> None:
    slots = Slots.of(steady(120), 0.0, 30.0)
    np.testing.assert_allclose(np.diff(slots.edges), 0.25)
    assert slots.per_bar == 8


@pytest.mark.parametrize("metre", [3, 4])
def test_places_count_from_the_downbeats_on(metre: int) -> None:
    beats = steady(100, metre=metre)
    slots = Slots.of(beats, 0.0, 30.0)
    steps = np.diff(slots.places) % slots.per_bar
    assert set(steps.tolist()) == {1}
    downbeats = slots.edges[:-1][slots.places == 0]
    assert np.abs(beats.downbeats[:, None] - downbeats).min(axis=1).max() < 1e-6


def test_slots_reach_to_the_ends_of_the_music() -> None:
    beats = steady(120, begin=5.2, seconds=20.0)
    slots = Slots.of(beats, 1.0, 28.0)
    assert 1.0 <= slots.edges[0] < 1.5
    assert 27.5 < slots.edges[-1] <= 28.0
    assert len(slots.edges) == len(slots) + 1
    assert set((np.diff(slots.places) % 8).tolist()) == {1}


@pytest.mark.parametrize("beats", [steady(120, confidence=0.1), Beats(np.zeros(0), np.zeros(0, int), 0, 0.0, 0.0)])
def test_without_a_pulse_slots_are_a_quarter_of_a_second(beats: Beats) -> None:
    slots = Slots.of(beats, 0.0, 10.0)
    np.testing.assert_allclose(np.diff(slots.edges), 0.25)
    assert slots.edges[-1] == 10.0
    assert not slots.keeps_bars


@pytest.mark.parametrize("end", [10.1, 10.2, 20.2])
def test_no_slot_begins_before_the_music(end: float) -> None:
    slots = Slots.of(steady(120, confidence=0.1), 0.0, end)
    assert slots.edges[0] >= 0
    assert slots.edges[-1] == end


def test_where_no_beat_lies_in_the_music_there_are_loose_slots() -> None:
    assert len(Slots.of(steady(120), 1.2, 1.3)) == 0


def test_moments_count_on_over_bars() -> None:
    slots = Slots.of(steady(120, begin=5.2), 1.0, 28.0)
    assert set(np.diff(slots.moments).tolist()) == {1}
    assert np.array_equal(slots.moments % 8, slots.places)
