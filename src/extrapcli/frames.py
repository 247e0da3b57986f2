"""Convert between samples and the one-second frames that models take. Pure functions of arrays."""

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]
"""Float32 `(batch, frames, frame_samples)`; a batch has one entry for each channel."""


def to_frames(samples: NDArray[np.float32], *, frame_samples: int) -> Frames:
    """Cut `(n, channels)` into `(channels, n / frame_samples, frame_samples)`.

    Raises ValueError where n is not a multiple of `frame_samples`.
    """
    n, channels = samples.shape
    if n % frame_samples:
        raise ValueError(f"{n} samples are no whole number of frames of {frame_samples}")
    return np.ascontiguousarray(samples.T).reshape(channels, -1, frame_samples)


def to_samples(frames: Frames) -> NDArray[np.float32]:
    """Lay `(channels, frames, frame_samples)` end to end as `(n, channels)`: the inverse of `to_frames`."""
    return frames.reshape(len(frames), -1).T


def last(samples: NDArray[np.floating], n: int) -> NDArray[np.floating]:
    """Return the last n rows of `(m, channels)`; where m < n, the whole is repeated before itself."""
    return np.take(samples, range(len(samples) - n, len(samples)), axis=0, mode="wrap")
