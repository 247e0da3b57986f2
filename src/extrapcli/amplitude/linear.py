"""Linear prediction: the next sample as a weighted sum of the samples before it (Atal and Schroeder 1967)."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

CHUNK_ROWS = 1 << 16  # equations that are in memory together


def fit(sequences: Iterable[NDArray[np.floating]], order: int) -> NDArray[np.float64]:
    """Find the weights with the least squared error over all sequences `(n,)`: `(order,)`, the latest sample's last.

    They solve the normal equations of the covariance method, in which every sample with `order` samples before it is
    predicted. Of several solutions, as for silence, the smallest is returned. Sequences no longer than `order` are
    ignored.
    """
    products, targets = np.zeros((order, order)), np.zeros(order)
    for sequence in sequences:
        if len(sequence) <= order:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(sequence, order + 1)
        for begin in range(0, len(windows), CHUNK_ROWS):
            rows = windows[begin : begin + CHUNK_ROWS].astype(np.float64)
            products += rows[:, :-1].T @ rows[:, :-1]
            targets += rows[:, :-1].T @ rows[:, -1]
    return np.linalg.lstsq(products, targets, rcond=None)[0].astype(np.float64)


def predict(weights: NDArray[np.float64], sequence: NDArray[np.floating]) -> NDArray[np.float64]:
    """Predict each sample of a sequence `(n,)` from those before it, with silence before the first."""
    before = np.concatenate([np.zeros(len(weights)), sequence[:-1]])
    return np.convolve(before, weights[::-1], mode="valid")


def extrapolate(weights: NDArray[np.float64], known: NDArray[np.floating], count: int) -> NDArray[np.float64]:
    """Predict the `count` samples after `known`, `(count,)`, each from those before it, predictions included.

    `known` is at least as long as the weights.
    """
    order = len(weights)
    samples = np.empty(order + count)
    samples[:order] = known[len(known) - order :]
    with np.errstate(over="ignore", invalid="ignore"):
        for index in range(count):
            samples[order + index] = samples[index : order + index] @ weights
    return samples[order:]
