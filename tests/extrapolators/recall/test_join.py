import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.extrapolators.recall.join import (
    MAX_FADE_SECONDS,
    MIN_FADE_SECONDS,
    find_splice,
    matching_gain,
    recovery,
)

RATE = 22050


@given(shift=st.integers(-170, 170), seed=st.integers(0, 1000))
def test_a_copy_is_found_to_the_sample(shift: int, seed: int) -> None:
    sound = np.random.default_rng(seed).normal(size=(3 * RATE, 2)).astype(np.float32)
    target = 2 * RATE
    splice = find_splice(sound[:target], sound, target + shift, RATE)
    assert splice.target == target
    assert splice.fade.curve == "equal-gain"
    assert splice.fade.samples == pytest.approx(MAX_FADE_SECONDS * RATE, abs=2)


def test_different_sides_get_a_short_equal_power_fade(rng: np.random.Generator) -> None:
    old, new = (rng.normal(size=(2 * RATE, 1)).astype(np.float32) for _ in range(2))
    splice = find_splice(old, new, RATE, RATE)
    assert splice.fade.curve == "equal-power"
    assert MIN_FADE_SECONDS * RATE - 1 <= splice.fade.samples < 0.11 * RATE
    assert abs(splice.target - RATE) <= 0.008 * RATE + 1


def test_a_fixed_target_does_not_move_and_a_given_length_is_used(rng: np.random.Generator) -> None:
    sound = rng.normal(size=(3 * RATE, 1)).astype(np.float32)
    splice = find_splice(sound[: 2 * RATE], sound, 2 * RATE + 50, RATE, fade_seconds=0.1, fixed=True)
    assert splice.target == 2 * RATE + 50
    assert splice.fade.samples == 2205


@pytest.mark.parametrize(("old", "target"), [(0, 100), (50, 100), (RATE, 0), (RATE, 40)])
def test_the_fade_is_no_longer_than_either_side(old: int, target: int, rng: np.random.Generator) -> None:
    sound = rng.normal(size=(RATE, 1)).astype(np.float32)
    splice = find_splice(sound[:old], sound, target, RATE)
    assert 0 <= splice.fade.samples <= min(old, splice.target)


@pytest.mark.parametrize("ratio", [0.1, 0.8, 1.0, 1.2, 10.0])
def test_the_gain_begins_at_the_old_level_and_settles_at_one(ratio: float, rng: np.random.Generator) -> None:
    new = rng.normal(size=(3 * RATE, 2)).astype(np.float32)
    gain = recovery(matching_gain(new[:RATE] * ratio, new, RATE), RATE)
    assert gain[0] == pytest.approx(np.clip(ratio, 10 ** (-3 / 20), 10 ** (3 / 20)), rel=0.05)
    assert gain[-1] == pytest.approx(1, abs=1e-3)
    assert len(gain) == 2 * RATE


def test_silence_can_be_spliced() -> None:
    nothing = np.zeros((RATE, 1), np.float32)
    splice = find_splice(nothing, nothing, RATE // 2, RATE)
    assert splice.fade.samples > 0
    assert matching_gain(nothing, nothing, RATE) == 1
