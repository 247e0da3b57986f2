from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio.offset import without_offset
from extrapcli.audio.silence import Bounds, find_bounds, is_silent
from extrapcli.audio.steps import Steps

RATE = 8000


def noise(seconds: float, rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.normal(scale=0.1, size=(round(seconds * RATE), 2)).astype(np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros((round(seconds * RATE), 2), np.float32)


def bounds_of(samples: NDArray[np.floating]) -> Bounds:
    return find_bounds(Steps.of(samples, RATE))


def test_a_song_cut_off_is_music_to_its_last_sample(rng: np.random.Generator) -> None:
    samples = noise(20.013, rng)
    assert bounds_of(samples) == Bounds(0, len(samples), len(samples))
    assert not bounds_of(samples).ends_by_itself


def test_silence_before_and_after_is_not_music(rng: np.random.Generator) -> None:
    bounds = bounds_of(np.concatenate([silence(3), noise(20, rng), silence(5)]))
    assert bounds.begin == pytest.approx(3 * RATE, abs=0.1 * RATE)
    assert bounds.end == pytest.approx(23 * RATE, abs=0.1 * RATE)
    assert bounds.ending == bounds.end


@pytest.mark.parametrize("seconds", [1.5, 4, 12])
def test_a_fade_is_an_ending_and_begins_where_the_level_falls(seconds: float, rng: np.random.Generator) -> None:
    fall = np.geomspace(1, 1e-4, round(seconds * RATE))[:, None].astype(np.float32)
    bounds = bounds_of(np.concatenate([noise(30, rng), noise(seconds, rng) * fall, silence(2)]))
    assert bounds.ends_by_itself
    assert 29 * RATE <= bounds.ending <= (30 + 0.15 * seconds) * RATE
    assert bounds.ending < bounds.end <= (30 + seconds) * RATE


def test_a_song_of_silence_is_music_from_end_to_end() -> None:
    assert bounds_of(silence(4)) == Bounds(0, 4 * RATE, 4 * RATE)


@pytest.mark.parametrize("before", [0, 3])
def test_a_stroke_that_decays_has_no_ending(before: float) -> None:
    time = np.arange(2 * RATE) / RATE
    stroke = (np.sin(2 * np.pi * 330 * time) * np.exp(-10 * time))[:, None]
    bounds = bounds_of(np.concatenate([np.zeros((round(before * RATE), 1)), stroke]))
    assert 1 * RATE < bounds.end - bounds.begin < 2 * RATE
    assert not bounds.ends_by_itself


def test_a_quiet_moment_in_the_middle_is_music(rng: np.random.Generator) -> None:
    samples = np.concatenate([noise(10, rng), silence(3), noise(10, rng)])
    assert bounds_of(samples) == Bounds(0, len(samples), len(samples))


FALL = np.geomspace(1, 10 ** (-70 / 20), 3 * RATE)[:, None]
HUM = 10 ** (-65 / 20) * np.sin(2 * np.pi * 50 * np.arange(100 * RATE) / RATE)[:, None]
QUIET: dict[str, Callable[[np.random.Generator, int], NDArray[np.floating]]] = {
    "nothing": lambda rng, n: np.zeros((n, 2)),
    "dither": lambda rng, n: rng.integers(-1, 2, size=(n, 2)) / 32768,
    "hiss": lambda rng, n: rng.normal(scale=10 ** (-70 / 20), size=(n, 2)),
    "hum": lambda rng, n: HUM[:n],
}


@pytest.mark.parametrize("seconds", [0, 3, 40])
@pytest.mark.parametrize("kind", QUIET)
def test_an_ending_is_found_before_any_kind_of_silence(kind: str, seconds: float, rng: np.random.Generator) -> None:
    """And the beginning of the music after it."""
    music = np.concatenate([noise(12, rng), noise(3, rng) * FALL])
    quiet = silence(seconds).astype(np.float64)
    sound = np.concatenate([quiet, music, quiet])
    bounds = bounds_of(sound + QUIET[kind](rng, len(sound)))
    assert bounds.begin == pytest.approx(seconds * RATE, abs=0.1 * RATE)
    assert bounds.ending == pytest.approx((seconds + 12) * RATE, abs=0.3 * RATE)
    assert (seconds + 13) * RATE < bounds.end <= (seconds + 15) * RATE


@pytest.mark.parametrize("gain", [0.01, 1, 8])
@pytest.mark.parametrize("offset", [(0.15, 0.15), (0.01, 0.01), (0.2, -0.1)])
def test_an_offset_changes_no_bounds(gain: float, offset: tuple[float, float], rng: np.random.Generator) -> None:
    """Of a loud song, or one whose peak is near -60 dBFS, with silence after it that has the offset too."""
    music = gain * np.concatenate([noise(12, rng), noise(3, rng) * FALL, silence(3)]).astype(np.float64)
    plain = bounds_of(music)
    assert plain.ends_by_itself
    moved = music + offset
    found = bounds_of(without_offset(moved, Steps.of(moved, RATE)))
    assert found.ending == pytest.approx(plain.ending, abs=0.06 * RATE)
    assert found.end == pytest.approx(plain.end, abs=0.06 * RATE)


def test_a_hidden_track_comes_after_a_long_silence(rng: np.random.Generator) -> None:
    samples = np.concatenate([noise(10, rng), silence(60), noise(5, rng)])
    bounds = bounds_of(samples)
    assert bounds == Bounds(0, len(samples), len(samples), ((10 * RATE, 70 * RATE),))
    assert bounds.silent == 60 * RATE


@pytest.mark.parametrize("kind", QUIET)
def test_a_hidden_track_comes_after_any_kind_of_silence(kind: str, rng: np.random.Generator) -> None:
    sound = np.concatenate([noise(12, rng), noise(3, rng) * FALL, silence(40), noise(9, rng)]).astype(np.float64)
    ((begin, end),) = bounds_of(sound + QUIET[kind](rng, len(sound))).silences
    assert 13 * RATE < begin <= 15 * RATE
    assert end == pytest.approx(55 * RATE, abs=0.1 * RATE)


def test_a_soft_passage_that_is_no_noise_is_music(rng: np.random.Generator) -> None:
    steps = rng.uniform(0.3, 1, size=(160, 1)).repeat(RATE // 8, axis=0)  # soft, but uneven
    sound = np.concatenate([noise(10, rng), noise(20, rng) * steps * 0.004, noise(10, rng)])
    assert bounds_of(sound).silences == ()


def test_what_is_silent(rng: np.random.Generator) -> None:
    assert is_silent(Steps.of(silence(1), RATE).power)
    assert is_silent(Steps.of(rng.integers(-1, 2, size=(RATE, 2)) / 32768, RATE).power)  # dither of 16 bits
    assert not is_silent(Steps.of(noise(1, rng) * 1e-3, RATE).power)
    assert not is_silent(Steps.of(np.concatenate([silence(9), noise(0.1, rng) * 0.01, silence(9)]), RATE).power)
