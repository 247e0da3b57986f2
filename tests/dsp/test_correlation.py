from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.dsp import moving_sum, normalised_cross_correlation

Method = Literal["fft", "direct"]
METHODS: list[Method] = ["fft", "direct"]


@given(n=st.integers(1, 60), size=st.integers(1, 60), seed=st.integers(0, 100))
def test_a_moving_sum_is_the_sum_of_each_stretch(n: int, size: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=max(n, size))
    expected = [values[k : k + size].sum() for k in range(len(values) - size + 1)]
    np.testing.assert_allclose(moving_sum(values, size=size), expected, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 9), (7, 7), (7, 64), (300, 1000)])
def test_it_is_the_cosine_with_each_stretch(method: Method, m: int, n: int, rng: np.random.Generator) -> None:
    template, signal = rng.normal(size=m), rng.normal(size=n)
    found = normalised_cross_correlation(template, signal, method=method)
    norm = np.linalg.norm
    expected = [template @ signal[k : k + m] / (norm(template) * norm(signal[k : k + m])) for k in range(n - m + 1)]
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@given(at=st.integers(0, 400), gain=st.floats(1e-3, 1e3), seed=st.integers(0, 100))
def test_a_copy_is_found_at_any_level(method: Method, at: int, gain: float, seed: int) -> None:
    signal = np.random.default_rng(seed).normal(size=500).astype(np.float32)
    found = normalised_cross_correlation(np.float32(gain) * signal[at : at + 100], signal, method=method)
    assert int(np.argmax(found)) == at
    assert found[at] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_silence_is_similar_to_nothing(method: Method, rng: np.random.Generator) -> None:
    sound, silence = rng.normal(size=50), np.zeros(50)
    for template, signal in ((sound[:20], silence), (silence[:20], sound), (silence[:20], silence)):
        assert np.abs(normalised_cross_correlation(template, signal, method=method)).max() == 0


def test_inputs_are_left_alone(rng: np.random.Generator) -> None:
    template, signal = rng.normal(size=20), rng.normal(size=50)
    before = template.copy(), signal.copy()
    normalised_cross_correlation(template, signal)
    np.testing.assert_array_equal(template, before[0])
    np.testing.assert_array_equal(signal, before[1])
