import numpy as np
import pytest

from extrapcli.crossfade import Fade, join


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_gains_sum_to_one_or_their_squares_do(n: int) -> None:
    fall, rise = Fade(n, "equal-gain").gains()
    np.testing.assert_allclose(fall + rise, np.ones(n))
    fall, rise = Fade(n, "equal-power").gains()
    np.testing.assert_allclose(fall**2 + rise**2, np.ones(n))
    np.testing.assert_allclose(fall, rise[::-1])


def test_joining_a_sound_with_itself_changes_nothing(rng: np.random.Generator) -> None:
    sound = rng.normal(size=(100, 2))
    joined = join(sound[:70], sound[50:], Fade(20, "equal-gain"))
    np.testing.assert_allclose(joined, sound)


def test_what_lies_outside_the_fade_is_untouched(rng: np.random.Generator) -> None:
    before = rng.normal(size=(100, 2)).astype(np.float32)
    after = rng.normal(size=(80, 2)).astype(np.float32)
    joined = join(before, after, Fade(30, "equal-power"))
    assert joined.shape == (150, 2)
    assert joined.dtype == np.float32
    np.testing.assert_array_equal(joined[:70], before[:70])
    np.testing.assert_array_equal(joined[100:], after[30:])


def test_without_a_fade_the_sides_meet(rng: np.random.Generator) -> None:
    before, after = rng.normal(size=(5, 1)), rng.normal(size=(4, 1))
    np.testing.assert_array_equal(join(before, after, Fade(0, "equal-gain")), np.concatenate([before, after]))


def test_unlike_sides_keep_their_power_under_equal_power(rng: np.random.Generator) -> None:
    before, after = rng.normal(size=(2, 100_000, 1))
    middle = join(before, after, Fade(100_000, "equal-power"))
    assert middle.std() == pytest.approx(1, abs=0.01)
    assert join(before, after, Fade(100_000, "equal-gain")).std() < 0.9


def test_a_fade_longer_than_a_side_is_refused() -> None:
    with pytest.raises(ValueError, match="a fade of 6 samples"):
        join(np.zeros((5, 1)), np.zeros((9, 1)), Fade(6, "equal-gain"))
