"""Linear prediction against SciPy and against its definition."""

import numpy as np
import pytest
import scipy.linalg
import scipy.signal

from extrapcli.amplitude import linear


@pytest.mark.parametrize("order", [1, 3, 8, 32])
def test_the_weights_have_the_least_squared_error(order: int, rng: np.random.Generator) -> None:
    sounds = [scipy.signal.lfilter([1], [1, -1.2, 0.6], rng.normal(size=n)) for n in (500, 2000)]
    rows = np.concatenate([scipy.linalg.hankel(s[:-order], s[-order - 1 : -1]) for s in sounds])
    expected = scipy.linalg.lstsq(rows, np.concatenate([s[order:] for s in sounds]))[0]
    np.testing.assert_allclose(linear.fit(sounds, order), expected, atol=1e-8)


def test_it_finds_the_recurrence_that_made_a_sound(rng: np.random.Generator) -> None:
    """A sum of two decaying tones is predicted exactly from four samples."""
    t = np.arange(400)
    sound = np.cos(0.3 * t) * 0.99**t + np.sin(1.1 * t + 1) * 0.995**t
    weights = linear.fit([sound[:200]], 4)
    np.testing.assert_allclose(linear.extrapolate(weights, sound[:200], 200), sound[200:], atol=1e-6)


def test_predictions_are_sums_of_the_samples_before(rng: np.random.Generator) -> None:
    sound, weights = rng.normal(size=50), rng.normal(size=3)
    predicted = linear.predict(weights, sound)
    assert len(predicted) == 50
    padded = np.concatenate([np.zeros(3), sound])
    expected = [padded[place : place + 3] @ weights for place in range(50)]
    np.testing.assert_allclose(predicted, expected)


@pytest.mark.parametrize("sequences", [[np.zeros(100)], [np.ones(2)], []])
def test_silence_predicts_silence(sequences: list[np.ndarray]) -> None:
    assert not linear.fit(sequences, 3).any()
