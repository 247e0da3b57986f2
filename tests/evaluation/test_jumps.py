"""Jumps between known beats are measured, and layers that are known to be apart."""

import numpy as np
import pytest

from extrapcli.analysis.beats import Beats
from extrapcli.continuation import Join
from extrapcli.evaluation.jumps import JumpMeasures, measure_jumps
from extrapcli.extrapolators.base import Jump


def song(*, confidence: float = 1.0, bar_confidence: float = 1.0, metre: int = 4) -> Beats:
    """Beats at 0.5, 1, 1.5 ... 29.5 s; every fourth is a downbeat."""
    times = np.arange(1, 60, dtype=np.float64) / 2
    return Beats(times, np.arange(59) % metre, metre, confidence, bar_confidence)


def jump(at: float, to: float, layer: str = "all", *, since: float = 0.0, fade: float = 0.0) -> Join:
    """Leave at second `at` of the track, where the layer plays what is `since` seconds earlier in the song."""
    return Join(at - fade, fade, Jump(layer, at - since, to, 0.0, 0.0, 0.0))


def measured(*joins: Join, end: float = 40.0, beats: Beats | None = None) -> JumpMeasures:
    found = measure_jumps(joins, song() if beats is None else beats, end)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("to", "off_beat", "off_bar"),
    [
        (8.0, 0, 0),
        (8.05, 0, 0),
        (8.25, 1, 1),
        (8.5, 0, 1),
        (9.0, 0, 1),
        (10.0, 0, 0),
        (7.93, 1, 0),
        (29.9, 1, 0),
        (29.8, 1, 1),
    ],
)
def test_a_jump_keeps_beat_and_bar_or_not(to: float, off_beat: float, off_bar: float) -> None:
    """Bars begin at 0.5, 2.5 ...; the jump leaves at 20 s, the last beat of one."""
    found = measured(jump(20.0, to))
    assert (found.off_beat, found.off_bar) == (off_beat, off_bar)


def test_shares_are_of_all_jumps() -> None:
    found = measured(jump(20.0, 8.0), jump(30.0, 18.2, since=12.0), jump(35.0, 10.5, since=11.8))
    assert found.off_beat == pytest.approx(2 / 3)
    assert found.per_minute == pytest.approx(3 * 60 / 20)


def test_layers_that_jump_at_once_are_one_jump() -> None:
    found = measured(jump(20.0, 8.0, "harmonic"), jump(20.0, 8.0, "percussive"))
    assert found.per_minute == pytest.approx(60 / 20)
    assert found.layers_together == 1.0


def test_layers_are_apart_from_the_second_jump_on() -> None:
    """They part at 25 s of the track, by half a beat, and meet again at 35 s."""
    found = measured(
        jump(20.0, 8.0), jump(25.0, 5.25, "percussive", since=12.0), jump(35.0, 23.0, "percussive", since=19.75)
    )
    assert found.layers_off_beat == pytest.approx(0.5, abs=0.01)
    assert found.layers_together == pytest.approx(0.5, abs=0.01)


def test_layers_at_equal_beats_of_other_bars_are_on_the_beat() -> None:
    found = measured(jump(20.0, 8.0), jump(25.0, 5.0, "percussive", since=12.0))
    assert found.layers_off_beat == 0.0
    assert found.layers_together == pytest.approx(0.25, abs=0.01)


def test_a_fade_ends_where_the_layer_arrives() -> None:
    """With or without one, a layer is at its target when the fade ends."""
    plain, faded = (
        measured(jump(20.0, 8.0), jump(25.0, 5.0, "percussive", since=12.0, fade=fade)) for fade in (0.0, 0.4)
    )
    assert plain == faded


def test_beyond_its_last_beat_the_song_goes_on_at_its_tempo() -> None:
    assert measured(jump(30.0, 8.0)).off_beat == 0
    assert measured(jump(30.25, 8.0)).off_beat == 1


def test_without_a_pulse_jumps_are_only_counted() -> None:
    found = measured(jump(20.0, 8.2), beats=song(confidence=0.2))
    assert (found.off_beat, found.off_bar, found.layers_off_beat) == (None, None, None)
    assert found.per_minute == pytest.approx(3.0)


def test_without_clear_bars_beats_are_measured() -> None:
    found = measured(jump(20.0, 8.2), beats=song(bar_confidence=0.2))
    assert (found.off_beat, found.off_bar) == (1, None)


def test_a_track_without_jumps_has_no_measures() -> None:
    assert measure_jumps([Join(20.0, 0.1)], song(), 40.0) is None
    assert measure_jumps([], song(), 40.0) is None
