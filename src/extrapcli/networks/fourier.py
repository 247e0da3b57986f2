"""Fourier transforms as matrix products, which every backend and ONNX Runtime have."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

ROOT = 256
LENGTH = ROOT**2
"""How many values `correlation` can tell apart: signals are padded to it with zeros."""

Tensor = Any  # a tensor of any Keras backend


def product(
    real: Tensor, imaginary: Tensor, by: NDArray[np.complex128], multiply: Callable[..., Tensor]
) -> tuple[Tensor, Tensor]:
    """Multiply complex by complex, elements or matrices."""
    a, b = by.real.astype(np.float32), by.imag.astype(np.float32)
    return multiply(real, a) - multiply(imaginary, b), multiply(real, b) + multiply(imaginary, a)


def transform(signal: Tensor) -> tuple[Tensor, Tensor]:
    """Real signals `(batch, n)`, n up to 65536, to X[c + 256 d] at [c, d], real and imaginary `(batch, 256, 256)`.

    In two steps (Cooley and Tukey 1965): X[c + 256 d] = sum_b W^(256 b d) W^(b c) sum_a W^(256 a c) x[256 a + b],
    with W = exp(-2 pi i / 65536).
    """
    square = ops.reshape(ops.pad(signal, ((0, 0), (0, LENGTH - signal.shape[1]))), (-1, ROOT, ROOT))
    first, twiddle = _matrices()
    real, imaginary = (ops.matmul(part.astype(np.float32), square) for part in (first.real, first.imag))
    real, imaginary = product(real, imaginary, twiddle, ops.multiply)
    return product(real, imaginary, first, ops.matmul)


def inverse(real: Tensor, imaginary: Tensor) -> Tensor:
    """The real part of what `transform` would make these of: `(batch, 65536)`."""
    first, twiddle = (matrix.conj() for matrix in _matrices())
    real, imaginary = product(real, imaginary, first, ops.matmul)
    real, imaginary = product(real, imaginary, twiddle, ops.multiply)
    signal = ops.matmul(first.real.astype(np.float32), real) - ops.matmul(first.imag.astype(np.float32), imaginary)
    return ops.reshape(signal, (-1, LENGTH)) / LENGTH


def correlation(signal: tuple[Tensor, Tensor], pattern: Tensor) -> Tensor:
    """Of a transformed signal: c[p] = sum_m signal[p + m] pattern[m] at p = 0 .. 65535, around the end."""
    real, imaginary = signal
    a, b = transform(pattern)
    return inverse(real * a + imaginary * b, imaginary * a - real * b)


def _matrices() -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    index = np.outer(np.arange(ROOT), np.arange(ROOT))
    return np.exp(-2j * np.pi * index / ROOT), np.exp(-2j * np.pi * index / LENGTH)
