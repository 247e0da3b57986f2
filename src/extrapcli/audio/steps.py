"""Sound measured in steps of 50 ms: what offset, silence and down-mix are found by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks

STEP_SECONDS = 0.05
SECOND = round(1 / STEP_SECONDS)  # in steps


@dataclass(frozen=True)
class Steps:
    """The whole steps of a sound `(n, channels)`, each of `size` samples.

    `means` has the mean of each channel, `(steps, channels)`; `products` the mean product of each two channels,
    `(steps, channels, channels)`.
    """

    size: int
    means: NDArray[np.float64]
    products: NDArray[np.float64]

    @classmethod
    def of(cls, samples: NDArray[np.floating], rate: int) -> "Steps":
        """Measure one sample or more."""
        size = max(1, min(round(STEP_SECONDS * rate), len(samples)))
        steps = samples[: len(samples) // size * size].reshape(-1, size, samples.shape[1])
        ones = np.ones((1, size), samples.dtype)
        measured = [(ones @ chunk, chunk.transpose(0, 2, 1) @ chunk) for chunk in chunks(steps)]
        means, products = (np.concatenate(parts).astype(np.float64) / size for parts in zip(*measured, strict=True))
        return cls(size, means[:, 0], products)

    @property
    def powers(self) -> NDArray[np.float64]:
        """The mean square of each channel, `(steps, channels)`."""
        return np.diagonal(self.products, axis1=1, axis2=2)

    @property
    def power(self) -> NDArray[np.float64]:
        """The mean square of all channels together, `(steps,)`."""
        power: NDArray[np.float64] = self.powers.mean(axis=1)
        return power
