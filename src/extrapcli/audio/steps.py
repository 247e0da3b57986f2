"""Sound measured in steps of 50 ms: what offset, silence and down-mix are found by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks

STEP_SECONDS = 0.05
SECOND = round(1 / STEP_SECONDS)  # in steps


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
            mean = ones @ chunk
            left = chunk - mean
            means.append(mean[:, 0] + (ones @ left)[:, 0].astype(np.float64))  # a large mean is not exact at once
            covariances.append(left.transpose(0, 2, 1) @ left)
        covariance = np.concatenate(covariances).astype(np.float64) / size
        return cls(len(samples), rate, size, np.concatenate(means), covariance)

    @property
    def variances(self) -> NDArray[np.float64]:
        """The mean square of each channel around its mean, `(steps, channels)`."""
        return np.diagonal(self.covariances, axis1=1, axis2=2)

    @property
    def products(self) -> NDArray[np.float64]:
        """The mean product of each two channels, `(steps, channels, channels)`."""
        return self.covariances + self.means[:, :, None] * self.means[:, None]

    @property
    def power(self) -> NDArray[np.float64]:
        """The mean square of all channels together, `(steps,)`."""
        power: NDArray[np.float64] = (self.variances + self.means**2).mean(axis=1)
        return power
