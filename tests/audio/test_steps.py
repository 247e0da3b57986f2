import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio.downmix import Downmix
from extrapcli.audio.steps import Steps

RATE = 8000


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0.0, 1e-3, 0.5, -300.0])
def test_steps_are_exact_whatever_the_offset(offset: float, dtype: type, rng: np.random.Generator) -> None:
    sound = rng.normal(0, 0.01, (40 * 400, 3))
    sound[:, 1] += 0.5 * sound[:, 0]
    sound[4000:8000] *= 1e-3
    sound[:, 2] += offset
    given: NDArray[np.floating] = sound.astype(dtype)
    steps = Steps.of(given, RATE)
    parts = given.astype(np.float64).reshape(40, 400, 3)
    np.testing.assert_allclose(steps.means, parts.mean(axis=1), rtol=1e-5, atol=1e-7)
    true = np.stack([np.cov(part.T, bias=True) for part in parts])
    scale = np.sqrt(np.diagonal(true, axis1=1, axis2=2))
    assert np.abs((steps.covariances - true) / (scale[:, :, None] * scale[:, None])).max() < 1e-3


@pytest.mark.parametrize("channels", [1, 2, 5, 8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_mix_is_the_mean_of_the_channels(channels: int, dtype: type, rng: np.random.Generator) -> None:
    sound: NDArray[np.floating] = rng.normal(size=(1000, channels)).astype(dtype)
    given = sound.copy()
    mixed = Downmix().mix(sound)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(mixed, sound.mean(axis=1), atol=1e-6)
    np.testing.assert_array_equal(sound, given)
