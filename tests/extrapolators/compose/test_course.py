from itertools import cycle, repeat

import numpy as np
import pytest

from extrapcli.extrapolators.compose.course import Course
from extrapcli.extrapolators.compose.slots import Slots

SLOTS = Slots(np.arange(161) / 4 + 0.5, np.arange(160) % 8, 8, True)  # up to 40.5 s


def landed(wanted: float) -> Course:
    """The course of a track of a song of 43 s."""
    return Course.of(SLOTS, 33.0, ends=True).landed(SLOTS, end=43.0, wanted=wanted, lengths=repeat(0.25))


def test_a_song_that_is_cut_off_is_left_where_its_last_slot_ends() -> None:
    found = Course.of(SLOTS, 40.5, ends=False)
    assert (found.first, found.begin, found.moment) == (160, 40.5, 160)
    assert found.landing is None
    assert found.period == pytest.approx(0.25)


def test_a_song_that_ends_is_left_at_a_bar_line() -> None:
    found = Course.of(SLOTS, 33.0, ends=True)
    assert found.first % 8 == 0
    assert 33.0 - 2.0 < found.begin <= 33.0
    assert found.moment == found.first
    assert found.landing is None


@pytest.mark.parametrize("wanted", [50.0, 61.3, 62.1, 90.0, 123.456, 600.0])
def test_the_ending_lasts_until_the_track_does(wanted: float) -> None:
    found = landed(wanted)
    assert found.landing is not None
    assert found.landing % 8 == 0
    assert found.begin + found.room + 43.0 - SLOTS.edges[found.landing] == pytest.approx(wanted)
    assert abs(found.room / (0.25 * found.count) - 1) < 0.04


@pytest.mark.parametrize("wanted", [123.456, 300.0, 601.1])
def test_in_a_long_track_whole_bars_lead_to_the_ending(wanted: float) -> None:
    found = landed(wanted)
    assert (found.moment + found.count) % 8 == 0
    assert abs(found.room / (0.25 * found.count) - 1) <= 0.02


def test_slots_that_differ_in_length_are_counted_as_long_as_they_are() -> None:
    lengths = [0.2, 0.2, 0.35]
    found = Course.of(SLOTS, 33.0, ends=True).landed(SLOTS, end=43.0, wanted=300.0, lengths=cycle(lengths))
    assert abs(found.room / (0.25 * found.count) - 1) <= 0.02


def test_a_track_that_is_shorter_than_its_song_does_not_land() -> None:
    assert landed(37.0).landing is None


def test_a_bar_that_was_begun_is_finished() -> None:
    cut = Slots(SLOTS.edges[:158], SLOTS.places[:157], 8, True)
    assert Course.of(cut, 39.75, ends=False).moment == 157


@pytest.mark.parametrize("ends", [True, False])
def test_the_tempo_is_that_of_where_the_song_is_left(ends: bool) -> None:
    edges = np.cumsum(np.linspace(0.2, 0.3, 162))
    found = Course.of(Slots(edges, SLOTS.places, 8, True), 36.0, ends=ends)
    assert found.period == pytest.approx(np.diff(edges)[: found.first][-32:].mean(), rel=0.01)


def test_one_wrong_beat_changes_no_tempo() -> None:
    edges = SLOTS.edges.copy()
    edges[-2:] -= [0.02, 0.04]
    found = Course.of(Slots(edges, SLOTS.places, 8, True), 40.5, ends=False)
    assert found.period == pytest.approx(0.25, abs=1e-4)
