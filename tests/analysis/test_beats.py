"""Beats of a band whose tempo and bars are known; and of sounds without any."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import beats as beats_module
from extrapcli.analysis.beats import PULSE, BarBeat, Beats, find_beats
from tests.analysis.band import RATE, band

NEAR = 0.02  # seconds


def steady(
    bpm: float, metre: int, *, seconds: float = 20, lead: float = 0.3
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    return band(np.full(round(seconds * bpm / 60), 60 / bpm), metre, lead=lead)


def share_found(true: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    return float(np.mean([np.abs(found - time).min(initial=9) < NEAR for time in true]))


@pytest.mark.parametrize(("bpm", "metre"), [(80, 4), (110, 4), (126, 3), (96, 3)])
def test_beats_tempo_and_bars_of_a_band_are_found(bpm: float, metre: int) -> None:
    sound, true = steady(bpm, metre)
    found = find_beats(sound)
    assert found.has_pulse
    assert found.bpm == pytest.approx(bpm, rel=0.01)
    assert share_found(true[2:], found.times) > 0.95
    assert share_found(found.times[found.times < true[-1] + NEAR], true) > 0.95
    assert found.metre == metre


@pytest.mark.parametrize(("bpm", "metre"), [(110, 4), (126, 3)])
def test_downbeats_are_the_first_beats_of_bars(bpm: float, metre: int) -> None:
    sound, true = steady(bpm, metre)
    found = find_beats(sound)
    assert share_found(true[::metre][1:], found.downbeats) > 0.8
    assert found.bar_confidence > 0.5


def test_beats_lie_on_onsets_to_a_few_milliseconds() -> None:
    sound, true = steady(117, 4)
    found = find_beats(sound)
    errors = [np.abs(found.times - time).min() for time in true[2:]]
    assert np.median(errors) < 0.003


def test_a_change_of_tempo_is_followed() -> None:
    lengths = np.repeat([0.6, 0.5], 24)
    sound, true = band(lengths, 4)
    assert share_found(true[2:], find_beats(sound).times) > 0.9


def test_later_sound_has_later_beats() -> None:
    shift = 1.234
    (sound, true), (later, _) = steady(110, 4), steady(110, 4, lead=0.3 + shift)
    first, second = find_beats(sound), find_beats(later)
    inside = first.times[(first.times > true[4]) & (first.times < true[-1])]
    assert share_found(inside + shift, second.times) > 0.95


def test_the_level_makes_no_difference() -> None:
    sound, _ = steady(110, 4, seconds=12)
    loud, soft = (find_beats(sound * np.float32(gain)) for gain in (1.0, 2.0**-7))
    np.testing.assert_array_equal(loud.times, soft.times)
    np.testing.assert_array_equal(loud.positions, soft.positions)
    assert (loud.confidence, loud.bar_confidence) == (soft.confidence, soft.bar_confidence)


def test_the_same_sound_has_the_same_beats() -> None:
    sound, _ = steady(110, 4, seconds=12)
    np.testing.assert_array_equal(find_beats(sound).times, find_beats(sound).times)


def noise(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    return rng.normal(size=count)


def rumble(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    return np.cumsum(rng.normal(size=count)) - np.linspace(0, 1, count)


def drone(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    time = np.arange(count) / RATE
    tones: NDArray[np.float64] = np.sin(2 * np.pi * np.array([[110], [165], [220], [331]]) * time)
    together: NDArray[np.float64] = tones.sum(axis=0)
    return together


def syllables(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Vowels of random pitch, length and pause, three or four a second, as in speech."""
    sound, begin = np.zeros(count), 0
    while begin < count:
        age = np.arange(int(rng.uniform(0.08, 0.3) * RATE)) / RATE
        pitch, rise = rng.uniform(90, 180), rng.uniform(-60, 60)
        phase = 2 * np.pi * (pitch * age + rise * age**2)
        vowel = np.sum([np.sin(k * phase) / (1 + abs(k * pitch - 700) / 300) for k in range(1, 15)], axis=0)
        part = (vowel * np.hanning(len(age)))[: count - begin]
        sound[begin : begin + len(part)] = part
        begin += len(age) + int(rng.choice([0.02, 0.05, 0.3]) * RATE)
    return sound


@pytest.mark.parametrize("make", [noise, rumble, drone, syllables])
def test_sound_without_a_pulse_is_said_to_have_none(
    make: Callable[[np.random.Generator, int], NDArray[np.float64]], rng: np.random.Generator
) -> None:
    found = find_beats((make(rng, 15 * RATE) * 0.1).astype(np.float32))
    assert found.confidence < PULSE
    assert not found.has_pulse


@pytest.mark.parametrize("seconds", [0, 0.001, 5])
def test_silence_has_no_beats(seconds: float) -> None:
    found = find_beats(np.zeros(round(seconds * RATE), np.float32))
    assert (len(found.times), found.metre, found.bpm, found.confidence) == (0, 0, 0.0, 0.0)
    assert not found.has_pulse


@pytest.mark.parametrize("seconds", [0.001, 0.3, 1, 3])
def test_short_sound_has_beats_in_order_and_inside(seconds: float) -> None:
    sound, _ = steady(120, 4)
    part = sound[RATE : RATE + round(seconds * RATE)]
    found = find_beats(part)
    assert (np.diff(found.times) > 0).all()
    assert ((found.times >= 0) & (found.times <= seconds)).all()
    assert ((found.positions >= 0) & (found.positions < max(found.metre, 1))).all()


def test_silence_around_music_makes_no_difference_to_its_beats() -> None:
    sound, true = steady(110, 4)
    found = find_beats(np.pad(sound, (40 * RATE, 40 * RATE)))
    assert share_found(40 + true[2:], found.times) > 0.95
    assert found.bpm == pytest.approx(110, abs=0.5)
    assert found.confidence == pytest.approx(find_beats(sound).confidence, abs=0.05)
    assert ((found.times > 39.4) & (found.times < 40.6 + len(sound) / RATE)).all()


def test_a_song_that_is_decoded_in_stretches_keeps_its_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    sound, true = steady(110, 4, seconds=45)
    whole = find_beats(sound)
    monkeypatch.setattr(beats_module, "STRETCH_FRAMES", 600)
    monkeypatch.setattr(beats_module, "OVERLAP_FRAMES", 200)
    parts = find_beats(sound)
    assert share_found(whole.times, parts.times) > 0.95
    assert share_found(true[::4][1:], parts.downbeats) > 0.8
    assert (np.diff(parts.times) > 0.4).all()


def test_bars_go_on_from_stretch_to_stretch(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    beat = np.arange(3000) % 25 == 0
    given = np.stack([0.7 * beat, rng.uniform(0, 0.6, 3000) * beat], axis=1).astype(np.float32)  # bars are unclear
    monkeypatch.setattr(beats_module, "STRETCH_FRAMES", 300)
    monkeypatch.setattr(beats_module, "OVERLAP_FRAMES", 50)
    frames, positions, metre = beats_module._decoded(given)
    assert (np.diff(frames) == 25).all()
    np.testing.assert_array_equal(np.diff(positions) % metre, 1)


def test_moments_at_one_position_of_a_bar_have_the_same_beat_up_to_the_end_of_the_song() -> None:
    beats = Beats(np.arange(12, dtype=np.float64) / 2, np.arange(12) % 4, 4, 1.0, 1.0)
    assert beats.place(3.8) == BarBeat(3, 1)
    assert beats.place(5.8) == BarBeat(4, 1)
    assert beats.place(5.6) == BarBeat(3, 4)


def test_a_pulse_needs_beats() -> None:
    few = Beats(np.array([1.0]), np.array([0]), 4, 1.0, 1.0)
    assert not few.has_pulse
    assert few.bpm == 0


STRANGE: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "one sample": lambda t: np.ones(1),
    "two samples": lambda t: np.array([1.0, -1.0]),
    "a click": lambda t: 1.0 * (t == 2),
    "a click at the end": lambda t: 1.0 * (t == t[-1]),
    "a constant": np.ones_like,
    "every other sample": lambda t: np.where(np.arange(len(t)) % 2, 1.0, -1.0),
    "noise at full scale": lambda t: np.sign(np.random.default_rng(0).normal(size=len(t))),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_strange_sound_has_no_pulse_and_no_beat_at_no_time(kind: str) -> None:
    found = find_beats(STRANGE[kind](np.arange(5 * RATE) / RATE).astype(np.float32))
    assert np.isfinite(found.times).all()
    assert 0 <= found.confidence < PULSE
    assert 0 <= found.bar_confidence <= 1
