import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.audibility import PER_SECOND, BeatStatistics, beat_shift, short_time_features

RATE = 22050


def pulse(seconds: float, period: float = 0.5, offset: float = 0.1) -> NDArray[np.float32]:
    """A soft tone with a burst of noise in every period."""
    rng = np.random.default_rng(1)
    t = np.arange(round(seconds * RATE)) / RATE
    burst = rng.normal(size=len(t)) * np.exp(-40 * ((t - offset) % period))
    sound = np.sin(2 * np.pi * 220 * t) + burst + 0.1 * rng.normal(size=len(t))
    level: NDArray[np.float32] = (sound / sound.std()).astype(np.float32)
    return level


def test_onset_strength_is_highest_at_onsets() -> None:
    flux = short_time_features(pulse(10), RATE).onset_strength
    bursts = np.round((0.1 + 0.5 * np.arange(1, 19)) * PER_SECOND).astype(int)
    near = np.max([flux[bursts + k] for k in (-1, 0, 1)], axis=0)
    assert near.min() > 3 * np.median(flux)


def test_power_is_the_mean_square() -> None:
    sound = pulse(4)
    assert short_time_features(sound, RATE).power[1:-2].mean() == pytest.approx(np.square(sound).mean(), rel=0.05)


def test_a_click_stands_out_and_an_even_sound_does_not() -> None:
    song = pulse(20)
    beats = BeatStatistics.of(short_time_features(song, RATE))
    middle = 5 * RATE + RATE // 5
    at = round(middle / RATE * PER_SECOND)
    window = slice(at - 2, at + 3)
    flux, level = beats.percentiles(short_time_features(song, RATE), window.start, window.stop)
    assert flux < 50
    assert level <= 99
    clicked = song.copy()
    clicked[middle : middle + 2000] += 5 * np.random.default_rng(2).normal(size=2000).astype(np.float32)
    assert beats.percentiles(short_time_features(clicked, RATE), window.start, window.stop)[0] > 99
    louder = song.copy()
    louder[middle:] *= 8
    assert beats.percentiles(short_time_features(louder, RATE), window.start, window.stop)[1] > 99


@pytest.mark.parametrize("late", [-3, -1, 0, 2, 3])
def test_the_shift_aligns_the_beats(late: int) -> None:
    flux = short_time_features(pulse(20, period=0.48), RATE).onset_strength
    period = 36
    assert beat_shift(flux, 5 * period, 10 * period + late, range(-100, 30)) == -late


def test_without_beats_nothing_is_shifted(rng: np.random.Generator) -> None:
    flat = np.ones(1000, np.float32)
    assert beat_shift(flat, 300, 600, range(-100, 30)) == 0
    assert beat_shift(rng.random(20).astype(np.float32), 3, 6, range(-100, 30)) == 0


def test_silence_has_beats_too() -> None:
    nothing = short_time_features(np.zeros(RATE, np.float32), RATE)
    assert BeatStatistics.of(nothing).percentiles(nothing, 10, 20) == (0, 0)
