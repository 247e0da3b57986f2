"""Linear prediction: the next sample as a weighted sum of the last ones (Atal and Schroeder 1967)."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 1 << 16  # rows of the equations
Samples = NDArray[np.float32] | NDArray[np.float64]
Weights = NDArray[np.float64]


def fit(sequences: Iterable[Samples], order: int) -> Weights:
    """The weights `(order,)`, the latest sample's last, with the least squared error over all sequences `(n,)`.

    They solve the normal equations, each sequence being predicted where `order` samples are before (the covariance
    method); of several solutions, as for silence, the smallest. Sequences no longer than `order` say nothing.
    """
    products, wanted = np.zeros((order, order)), np.zeros(order)
    for sequence in sequences:
        if len(sequence) <= order:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(sequence, order + 1)
        for begin in range(0, len(windows), AT_ONCE):
            rows = windows[begin : begin + AT_ONCE].astype(np.float64)
            products += rows[:, :-1].T @ rows[:, :-1]
            wanted += rows[:, :-1].T @ rows[:, -1]
    return np.linalg.lstsq(products, wanted, rcond=None)[0].astype(np.float64)


def predict(weights: Weights, sequence: Samples) -> NDArray[np.float64]:
    """Each sample of a sequence `(n,)` from those before it, as if silence came before the first."""
    before = np.concatenate([np.zeros(len(weights)), sequence[:-1]])
    return np.convolve(before, weights[::-1], mode="valid")


def go_on(weights: Weights, known: Samples, count: int) -> NDArray[np.float64]:
    """The next `count` samples after `known`, which has at least as many as there are weights."""
    order = len(weights)
    sound = np.empty(order + count)
    sound[:order] = known[len(known) - order :]
    with np.errstate(over="ignore", invalid="ignore"):
        for place in range(count):
            sound[order + place] = sound[place : order + place] @ weights
    return sound[order:]
