import numpy as np
import pytest

from extrapcli.dsp import padded, windows


@pytest.mark.parametrize(("begin", "size"), [(0, 10), (3, 4), (-5, 20), (-9, 4), (20, 6), (8, 6), (2, 0)])
@pytest.mark.parametrize("shape", [(10,), (10, 2)])
def test_beyond_its_ends_a_sound_is_silent(begin: int, size: int, shape: tuple[int, ...]) -> None:
    samples = np.arange(1, 1 + int(np.prod(shape)), dtype=np.float32).reshape(shape)
    found = padded(samples, begin, size)
    assert found.shape == (size, *shape[1:])
    for at, row in enumerate(found, begin):
        expected = samples[at] if 0 <= at < 10 else np.zeros(shape[1:])
        np.testing.assert_array_equal(row, expected)


@pytest.mark.parametrize("at_once", [1, 3, 99])
@pytest.mark.parametrize(("count", "hop", "window"), [(100, 10, 16), (95, 7, 8), (3, 5, 64)])
def test_windows_lie_around_every_hop(at_once: int, count: int, hop: int, window: int) -> None:
    samples = np.arange(1, count + 1, dtype=np.float32)
    chunks = list(windows(samples, hop=hop, window=window, at_once=at_once))
    assert all(len(chunk) <= at_once for chunk in chunks)
    found = np.concatenate(chunks)
    expected = [padded(samples, k * hop - window // 2, window) for k in range(count // hop + 1)]
    np.testing.assert_array_equal(found, expected)
