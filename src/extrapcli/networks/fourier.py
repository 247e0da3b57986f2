"""Fourier transforms as matrix products, which run on every Keras backend and in ONNX Runtime."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

ROOT = 256
LENGTH = ROOT**2
"""Length of every transform: shorter signals are padded with zeros."""

Tensor = Any  # a tensor of any Keras backend
Complex = tuple[Tensor, Tensor]
"""Real and imaginary part."""


def product(one: Complex, other: Complex, multiply: Callable[..., Tensor]) -> Complex:
    """Multiply two complex tensors, with `ops.multiply` or `ops.matmul`."""
    (a, b), (c, d) = one, other
    return multiply(a, c) - multiply(b, d), multiply(a, d) + multiply(b, c)


def transform(signal: Tensor) -> Complex:
    """Transform real signals `(batch, n)`, n up to 65536: X[c + 256 d] at [c, d] of each part, `(batch, 256, 256)`.

    In two steps (Cooley and Tukey 1965): X[c + 256 d] = sum_b W^(256 b d) W^(b c) sum_a W^(256 a c) x[256 a + b],
    with W = exp(-2 pi i / 65536).
    """
    square = ops.reshape(ops.pad(signal, ((0, 0), (0, LENGTH - signal.shape[1]))), (-1, ROOT, ROOT))
    first, twiddle = _roots(square)
    columns = ops.matmul(first[0], square), ops.matmul(first[1], square)
    return product(product(columns, twiddle, ops.multiply), first, ops.matmul)


def inverse(spectrum: Complex) -> Tensor:
    """Return the real part of the signal that has this transform: `(batch, 65536)`."""
    first, twiddle = ((real, -imaginary) for real, imaginary in _roots(spectrum[0]))
    rows = product(product(spectrum, first, ops.matmul), twiddle, ops.multiply)
    signal = ops.matmul(first[0], rows[0]) - ops.matmul(first[1], rows[1])
    return ops.reshape(signal, (-1, LENGTH)) / LENGTH


def correlation(signal: Complex, pattern: Tensor) -> Tensor:
    """Correlate a transformed signal with a pattern: c[p] = sum_m signal[p + m] pattern[m], circular in p < 65536."""
    a, b = transform(pattern)
    return inverse(product(signal, (a, -b), ops.multiply))


def power_spectrum(signals: Tensor, kept_rows: int, kept_columns: int) -> Tensor:
    """Compute |X[k]|^2 of real signals of one length n, folded row by row to `(..., rows, columns)`.

    Returns `(..., kept_rows, kept_columns)`, with k at [k % rows, k // rows]. In two steps, each a small matrix
    product, with W = exp(-2 pi i / n):

        X[c + rows d] = sum_b W^(rows b d) W^(b c) sum_a W^(columns a c) x[columns a + b]
    """
    rows, columns = signals.shape[-2:]
    a, b, c, d = (np.arange(size) for size in (rows, columns, kept_rows, kept_columns))
    down, twiddle, along = _root(c, a, rows), _root(c, b, rows * columns), _root(b, d, columns)
    partial = ops.matmul(down[0], signals), ops.matmul(down[1], signals)
    real, imaginary = product(product(partial, twiddle, ops.multiply), along, ops.matmul)
    return real * real + imaginary * imaginary


def _root(j: NDArray[np.int_], k: NDArray[np.int_], n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the real and the imaginary part of exp(-2 pi i j k / n) at [j, k]."""
    angle = np.outer(j, k) % n * (-2 * np.pi / n)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def _roots(square: Tensor) -> tuple[Complex, Complex]:
    """Return W^(256 j k) and W^(j k) at [j, k].

    They are computed in the graph, by counting along a tensor: constants of that size would fill a model file.
    """
    k = ops.cumsum(ops.ones_like(square[:1, :1]), axis=2) - 1
    jk = ops.transpose(k, (0, 2, 1)) * k
    first, twiddle = (ops.mod(jk, n) * (-2 * np.pi / n) for n in (ROOT, LENGTH))
    return (ops.cos(first), ops.sin(first)), (ops.cos(twiddle), ops.sin(twiddle))
