"""Transforms by matrix products are Fourier transforms."""

import numpy as np
import pytest

from extrapcli.networks.fourier import LENGTH, correlation, inverse, transform


def test_a_transform_is_numpys(rng: np.random.Generator) -> None:
    signal = rng.normal(size=(2, 50000)).astype(np.float32)
    real, imaginary = (np.asarray(part).transpose(0, 2, 1).reshape(2, LENGTH) for part in transform(signal))
    np.testing.assert_allclose(real + 1j * imaginary, np.fft.fft(signal, LENGTH), atol=0.01)


def test_the_inverse_gives_the_signal_back(rng: np.random.Generator) -> None:
    signal = rng.normal(size=(1, 50000)).astype(np.float32)
    back = np.asarray(inverse(transform(signal)))
    np.testing.assert_allclose(back[:, :50000], signal, atol=1e-4)
    assert np.abs(back[:, 50000:]).max() < 1e-4


@pytest.mark.parametrize("length", [1, 700])
def test_a_correlation_is_numpys(length: int, rng: np.random.Generator) -> None:
    signal, pattern = (rng.normal(size=(2, n)).astype(np.float32) for n in (5000, length))
    got = np.asarray(correlation(transform(signal), pattern))[:, : 5001 - length]
    wanted = [np.correlate(s.astype(float), p.astype(float), "valid") for s, p in zip(signal, pattern, strict=True)]
    np.testing.assert_allclose(got, wanted, atol=1e-3)
