import numpy as np
import pytest

from extrapcli.frames import last, to_frames, to_samples


def test_frames_and_back_is_the_identity(rng: np.random.Generator) -> None:
    samples = rng.normal(size=(50, 2)).astype(np.float32)
    frames = to_frames(samples, frame_samples=10)
    assert frames.shape == (2, 5, 10)
    np.testing.assert_array_equal(frames[1, 3], samples[30:40, 1])
    np.testing.assert_array_equal(to_samples(frames), samples)


def test_a_broken_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole number of frames"):
        to_frames(np.zeros((51, 2), np.float32), frame_samples=10)


@pytest.mark.parametrize("n", [1, 7, 10, 25])
def test_last_ends_like_its_source_and_repeats_it(n: int) -> None:
    source = np.arange(20.0).reshape(10, 2)
    np.testing.assert_array_equal(last(source, n), np.concatenate([source] * 3)[-n:])
