"""Bars of known length are counted, whether they are given as beats or found in the sound of drums."""

import numpy as np
import pytest

from extrapcli.analysis.beats import Beats, find_beats
from extrapcli.evaluation.metre import bar_continuity
from extrapcli.evaluation.self_repetition import RATE
from tests.evaluation.sounds import Sound, beats


def counted(times: list[float], *, metre: int = 4, first: int = 0, confidence: float = 1.0) -> Beats:
    positions = (np.arange(len(times)) + first) % metre
    return Beats(np.array(times, np.float64), positions, metre, confidence, 1.0)


def regular(count: int, *, begin: float = 0.0, period: float = 0.5) -> list[float]:
    return [begin + period * k for k in range(count)]


def test_regular_bars_all_keep_the_metre() -> None:
    assert bar_continuity(counted(regular(81)), 20.0) == 1.0


@pytest.mark.parametrize("late", [0.25, -0.2, 0.13])
def test_a_late_beat_breaks_one_bar(late: float) -> None:
    """Of ten bars that end after the head."""
    times = regular(61) + [time + late for time in regular(20, begin=30.5)]
    assert bar_continuity(counted(times), 20.0) == pytest.approx(0.9)


def test_a_small_change_of_tempo_breaks_none() -> None:
    times = regular(61) + regular(20, begin=30.515, period=0.515)
    assert bar_continuity(counted(times), 20.0) == 1.0


def test_a_change_that_two_bars_share_breaks_both() -> None:
    """Two beats that are 0.1 s longer make each bar only 5 % longer."""
    times = [*regular(64), 32.1, *regular(16, begin=32.7)]
    assert bar_continuity(counted(times), 20.0) == pytest.approx(0.8)


def test_another_tempo_breaks_all_bars() -> None:
    times = regular(41) + regular(40, begin=20.4, period=0.4)
    assert bar_continuity(counted(times), 20.0) == 0.0


def test_a_bar_of_three_breaks_the_metre() -> None:
    found = counted(regular(81))
    found.positions[63:] = (found.positions[63:] + 1) % 4
    assert bar_continuity(found, 20.0) == pytest.approx(0.9)


def test_the_head_gives_the_usual_length() -> None:
    """Even where it is shorter than what follows."""
    times = regular(17) + regular(200, begin=8.4, period=0.4)
    assert bar_continuity(counted(times), 8.0) == 0.0
    assert bar_continuity(counted(times), 0.0) == pytest.approx(50 / 54)


def test_without_a_pulse_or_a_bar_there_is_no_value() -> None:
    assert bar_continuity(counted(regular(81), confidence=0.2), 20.0) is None
    assert bar_continuity(counted(regular(41)), 20.0) is None
    assert bar_continuity(counted([]), 0.0) is None


def accented(seconds: float, *, first: float = 0.0) -> Sound:
    """Drums at 120 bpm with a louder, lower one on each first beat of four."""
    sound = beats(120, seconds, RATE, first=first)
    n = round(0.2 * RATE)
    boom = np.sin(2 * np.pi * 60 * np.arange(n) / RATE) * np.exp(-np.arange(n) / (0.06 * RATE))
    for beat in np.arange(first, seconds - 0.3, 2.0):
        begin = round(beat * RATE)
        sound[begin : begin + n] += (0.8 * boom).astype(np.float32)
    return sound


def test_drums_that_skip_lose_bars() -> None:
    """Every 4.7 s, which is no whole number of beats, against drums that go on."""
    steady = accented(60)
    piece = round(4.7 * RATE)
    skipping = np.concatenate([steady[: 20 * RATE], *[steady[k : k + piece] for k in range(0, 8 * RATE, RATE)]])
    kept, lost = (bar_continuity(find_beats(sound), 20.0) for sound in (steady, skipping))
    assert kept is not None
    assert lost is not None
    assert kept > 0.95
    assert lost < kept - 0.3
