import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.dsp import level_steps


@given(begin=st.integers(-5, 45), gap=st.integers(0, 10), span=st.integers(1, 50), seed=st.integers(0, 100))
def test_it_compares_the_mean_power_before_and_after(begin: int, gap: int, span: int, seed: int) -> None:
    power = np.random.default_rng(seed).exponential(size=40)
    (step,) = level_steps(power, np.array([begin]), np.array([begin + gap]), span=span)
    left, right = min(max(begin, 1), 40), min(max(begin + gap, 0), 39)
    before, after = power[max(0, left - span) : left].mean(), power[right : right + span].mean()
    assert step == pytest.approx(abs(10 * np.log10((after + 1e-6) / (before + 1e-6))), abs=1e-4)


@pytest.mark.parametrize("decibels", [-30, -3, 0, 12])
def test_a_change_of_level_is_its_decibels_however_loud(decibels: float) -> None:
    power = np.repeat([1.0, 10 ** (decibels / 10)], 50)
    for level in (1.0, 7.0):
        steps = level_steps(level * power, np.array([10, 50]), np.array([10, 50]), span=10)
        np.testing.assert_allclose(steps, [0, abs(decibels)], atol=0.01)


def test_silence_has_no_steps() -> None:
    assert level_steps(np.zeros(20), np.arange(20), np.arange(20), span=5).max() == 0
