import numpy as np
import pytest

from extrapcli.audio.resample import resample

RATES = [8000, 11025, 22050, 44100, 48000, 96000, 192000]


@pytest.mark.parametrize("from_rate", RATES)
@pytest.mark.parametrize("to_rate", [22050, 44100])
def test_nothing_shifts_in_time(from_rate: int, to_rate: int) -> None:
    def tone(rate: int) -> np.ndarray:
        t = np.arange(rate) / rate
        return (np.sin(2 * np.pi * 997 * t) * np.exp(-(((t - 0.5) / 0.1) ** 2)))[:, None].astype(np.float32)

    resampled = resample(tone(from_rate), from_rate=from_rate, to_rate=to_rate)
    assert resampled.shape == (to_rate, 1)
    np.testing.assert_allclose(resampled, tone(to_rate), atol=2e-3)


def test_equal_rates_change_nothing(rng: np.random.Generator) -> None:
    sound = rng.normal(size=(1000, 3)).astype(np.float32)
    np.testing.assert_array_equal(resample(sound, from_rate=44100, to_rate=44100), sound)


@pytest.mark.parametrize("n", [1, 7, 999, 44100])
def test_the_length_is_exact(n: int, rng: np.random.Generator) -> None:
    sound = rng.normal(size=(n, 2)).astype(np.float32)
    assert resample(sound, from_rate=44100, to_rate=22050).shape == (round(n / 2), 2)
    assert resample(sound, from_rate=11025, to_rate=44100).shape == (4 * n, 2)
