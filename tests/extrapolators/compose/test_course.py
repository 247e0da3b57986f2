import numpy as np
import pytest

from extrapcli.extrapolators.compose.course import Course
from extrapcli.extrapolators.compose.slots import Slots

SLOTS = Slots(np.arange(161) / 4 + 0.5, np.arange(160) % 8, 8, True)  # up to 40.5 s


def test_a_song_that_is_cut_off_is_left_where_its_last_slot_ends() -> None:
    course = Course.of(SLOTS, 40.5, ends=False, end=40.6, wanted=90.0)
    assert (course.first, course.begin, course.moment) == (160, 40.5, 160)
    assert course.landing is None
    assert course.seconds(8) == pytest.approx(42.5)


def test_a_song_that_ends_is_left_at_a_bar_line() -> None:
    course = Course.of(SLOTS, 33.0, ends=True, end=43.0, wanted=90.0)
    assert course.first % 8 == 0
    assert 33.0 - 2.0 < course.begin <= 33.0
    assert course.moment == course.first


@pytest.mark.parametrize("wanted", [50.0, 61.3, 62.1, 90.0, 123.456, 600.0])
def test_it_lands_on_the_ending_to_the_sample(wanted: float) -> None:
    course = Course.of(SLOTS, 33.0, ends=True, end=43.0, wanted=wanted)
    assert course.landing is not None
    assert course.count is not None
    lands = course.seconds(course.count)
    assert lands + 43.0 - SLOTS.edges[course.landing] == pytest.approx(wanted)
    assert course.landing % 8 == 0
    assert abs(course.period / 0.25 - 1) < 0.04


@pytest.mark.parametrize("wanted", [123.456, 300.0, 601.1])
def test_in_a_long_track_whole_bars_lead_to_the_ending(wanted: float) -> None:
    course = Course.of(SLOTS, 33.0, ends=True, end=43.0, wanted=wanted)
    assert course.count is not None
    assert (course.moment + course.count) % 8 == 0
    assert abs(course.period / 0.25 - 1) <= 0.02


def test_a_stream_never_lands() -> None:
    course = Course.of(SLOTS, 33.0, ends=True, end=43.0, wanted=None)
    assert course.landing is course.count is None
    assert course.first % 8 == 0


def test_a_bar_that_was_begun_is_finished() -> None:
    cut = Slots(SLOTS.edges[:158], SLOTS.places[:157], 8, True)
    assert Course.of(cut, 39.75, ends=False, end=39.8, wanted=90.0).moment == 157


@pytest.mark.parametrize("ends", [True, False])
def test_the_tempo_is_that_of_where_the_song_is_left(ends: bool) -> None:
    edges = np.cumsum(np.linspace(0.2, 0.3, 162))
    course = Course.of(Slots(edges, SLOTS.places, 8, True), 36.0, ends=ends, end=edges[-1], wanted=None)
    assert course.period == pytest.approx(np.diff(edges)[: course.first][-32:].mean(), rel=0.01)


def test_one_wrong_beat_changes_no_tempo() -> None:
    edges = SLOTS.edges.copy()
    edges[-2:] -= [0.02, 0.04]
    course = Course.of(Slots(edges, SLOTS.places, 8, True), 40.5, ends=False, end=40.6, wanted=90.0)
    assert course.period == pytest.approx(0.25, abs=1e-4)
