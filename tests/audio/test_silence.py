import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio.silence import Bounds, find_bounds

RATE = 8000


def noise(seconds: float, rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.normal(scale=0.1, size=(round(seconds * RATE), 2)).astype(np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros((round(seconds * RATE), 2), np.float32)


def test_a_song_cut_off_is_music_to_its_last_sample(rng: np.random.Generator) -> None:
    samples = noise(20.013, rng)
    assert find_bounds(samples, RATE) == Bounds(0, len(samples), len(samples))
    assert not find_bounds(samples, RATE).ends_by_itself


def test_silence_before_and_after_is_not_music(rng: np.random.Generator) -> None:
    bounds = find_bounds(np.concatenate([silence(3), noise(20, rng), silence(5)]), RATE)
    assert bounds.begin == pytest.approx(3 * RATE, abs=0.1 * RATE)
    assert bounds.end == pytest.approx(23 * RATE, abs=0.1 * RATE)
    assert bounds.ending == bounds.end


@pytest.mark.parametrize("seconds", [1.5, 4, 12])
def test_a_fade_is_an_ending_and_begins_where_the_level_falls(seconds: float, rng: np.random.Generator) -> None:
    fall = np.geomspace(1, 1e-4, round(seconds * RATE))[:, None].astype(np.float32)
    bounds = find_bounds(np.concatenate([noise(30, rng), noise(seconds, rng) * fall, silence(2)]), RATE)
    assert bounds.ends_by_itself
    assert 29 * RATE <= bounds.ending <= (30 + 0.15 * seconds) * RATE
    assert bounds.ending < bounds.end <= (30 + seconds) * RATE


def test_a_song_of_silence_is_music_from_end_to_end() -> None:
    assert find_bounds(silence(4), RATE) == Bounds(0, 4 * RATE, 4 * RATE)


def test_a_quiet_moment_in_the_middle_is_music(rng: np.random.Generator) -> None:
    samples = np.concatenate([noise(10, rng), silence(3), noise(10, rng)])
    assert find_bounds(samples, RATE) == Bounds(0, len(samples), len(samples))
