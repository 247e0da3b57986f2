"""Where a voice sounds."""

import numpy as np
from numpy.typing import NDArray

PER_SECOND = 25


def find_voice(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how likely a voice sounds in mono sound `(n,)` at 22,050 Hz: 0 to 1, 25 values a second."""
    return np.zeros(len(mono) * PER_SECOND // 22050 + 1, np.float32)
