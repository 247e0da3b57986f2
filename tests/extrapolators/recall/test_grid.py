import numpy as np
import pytest

from extrapcli.analysis import Beats
from extrapcli.extrapolators.recall.grid import Grid


def steady(bpm: float, metre: int, seconds: float, confidence: float = 1.0) -> Beats:
    """Beats at one tempo; the first one is the second of a bar."""
    times = np.arange(0.3, seconds, 60 / bpm)
    return Beats(times, (np.arange(len(times)) + 1) % metre, metre, confidence, 1.0)


@pytest.mark.parametrize(
    ("bpm", "metre", "beats_in_slot"),
    [(120, 4, 2), (140, 4, 4), (60, 4, 1), (100, 3, 3), (60, 3, 1), (240, 6, 6), (150, 5, 1), (180, 7, 1)],
)
def test_slots_are_parts_of_a_bar_of_about_a_second(bpm: float, metre: int, beats_in_slot: int) -> None:
    beats = steady(bpm, metre, 30)
    grid = Grid.of(beats, 0, 30)
    assert grid.keeps_bars
    np.testing.assert_allclose(grid.slot_seconds, beats_in_slot * 60 / bpm)
    assert set(grid.phases) == set(range(metre // beats_in_slot))
    np.testing.assert_allclose(grid.times[grid.phases == 0], beats.downbeats)


@pytest.mark.parametrize(("seconds", "lines"), [(3.9, 8), (5.2, 10)])
def test_in_a_loop_of_two_bars_every_beat_has_a_line(seconds: float, lines: int) -> None:
    grid = Grid.of(steady(120, 4, seconds), 0, seconds)
    assert grid.keeps_bars
    assert len(grid) == lines
    assert set(grid.phases) == set(range(4))


def test_lines_lie_within_the_music() -> None:
    grid = Grid.of(steady(120, 4, 30), 3.1, 24.9)
    assert grid.times[0] >= 3.1
    assert grid.times[-1] <= 24.9


@pytest.mark.parametrize("beats", [steady(120, 4, 30, confidence=0.2), steady(120, 4, 2)])
def test_without_a_pulse_lines_are_a_second_apart(beats: Beats) -> None:
    grid = Grid.of(beats, 1, 31)
    assert not grid.keeps_bars
    np.testing.assert_allclose(grid.slot_seconds, 1)
    assert grid.times[-1] == 31
    assert set(grid.phases) == {0}


@pytest.mark.parametrize(("seconds", "lines"), [(1.0, 5), (2.5, 11), (6.0, 13)])
def test_a_short_sound_has_enough_lines_to_jump_between(seconds: float, lines: int) -> None:
    grid = Grid.of(steady(120, 4, 0.5), 0, seconds)
    assert len(grid) == lines
    assert grid.times[0] == pytest.approx(0)


@pytest.mark.parametrize(
    ("bars", "uneven"), [(0, 0), (1, 1), (-1, 1), (2, 0.5), (-2, 0.5), (3, 1), (4, 0), (-8, 0), (6, 0.5)]
)
def test_whole_phrases_of_four_bars_are_even(bars: int, uneven: float) -> None:
    phases = np.tile([0, 1], 40)  # two lines in a bar
    line, other = np.array([40, 41]), np.array([40, 41]) + 2 * bars
    times = np.arange(80.0)
    assert Grid(times, phases, True).unevenness(line, other).tolist() == [uneven, uneven]
    assert not Grid(times, phases, False).unevenness(line, other).any()
