"""Sound measured in steps of 50 ms: what offset, silence and down-mix are found by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks

STEP_SECONDS = 0.05
SECOND = round(1 / STEP_SECONDS)  # in steps
LARGE = 0.01  # of the mean square: a mean whose square is larger


@dataclass(frozen=True)
class Steps:
    """The whole steps of a sound of `length` samples at `rate`, each of `size` samples.

    `means` has the mean of each channel, `(steps, channels)`; `covariances` how each two channels vary together
    around these, `(steps, channels, channels)`.
    """

    length: int
    rate: int
    size: int
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]

    @classmethod
    def of(cls, samples: NDArray[np.floating], rate: int) -> "Steps":
        """Measure a sound `(n, channels)`."""
        size = max(1, min(round(STEP_SECONDS * rate), len(samples)))
        steps = samples[: len(samples) // size * size].reshape(-1, size, samples.shape[1])
        ones = np.full((1, size), 1 / size, samples.dtype)
        means, covariances = [], []
        for chunk in chunks(steps):
            mean = (ones @ chunk)[:, 0].astype(np.float64)
            product = (chunk.transpose(0, 2, 1) @ chunk).astype(np.float64) / size
            covariance = product - mean[:, :, None] * mean[:, None]
            large = (mean**2 > LARGE * np.diagonal(product, axis1=1, axis2=2)).any(axis=1)
            if large.any():  # it leaves of the product too little to be exact, and is not exact at once
                about = mean[large].astype(chunk.dtype)
                left = chunk[large] - about[:, None]
                rest = (ones @ left)[:, 0].astype(np.float64)
                mean[large] = about + rest
                covariance[large] = left.transpose(0, 2, 1) @ left / size - rest[:, :, None] * rest[:, None]
            means.append(mean)
            covariances.append(covariance)
        return cls(len(samples), rate, size, np.concatenate(means), np.concatenate(covariances))

    @property
    def variances(self) -> NDArray[np.float64]:
        """The mean square of each channel around its mean, `(steps, channels)`."""
        return np.maximum(0, np.diagonal(self.covariances, axis1=1, axis2=2))

    @property
    def products(self) -> NDArray[np.float64]:
        """The mean product of each two channels, `(steps, channels, channels)`."""
        return self.covariances + self.means[:, :, None] * self.means[:, None]

    @property
    def power(self) -> NDArray[np.float64]:
        """The mean square of all channels together, `(steps,)`."""
        power: NDArray[np.float64] = (self.variances + self.means**2).mean(axis=1)
        return power
