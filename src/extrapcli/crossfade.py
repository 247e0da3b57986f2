"""Crossfades between a block and what came before. Pure functions of arrays."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Fade:
    """A crossfade of `samples` samples at the song's rate.

    `equal-gain` suits sides that are similar: the gains sum to 1. `equal-power` suits unrelated sides: the squares of
    the gains sum to 1.
    """

    samples: int
    curve: Literal["equal-gain", "equal-power"]

    def gains(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the gains `(samples,)` of the old side (falling) and of the new side (rising).

        With x from 0 to 1 at the middle of each sample: cos^2 and sin^2 of x*pi/2, or cos and sin.
        """
        x = (np.arange(self.samples) + 0.5) / max(self.samples, 1) * (np.pi / 2)
        power = 2 if self.curve == "equal-gain" else 1
        return np.cos(x) ** power, np.sin(x) ** power


def join(before: NDArray[np.floating], after: NDArray[np.floating], fade: Fade) -> NDArray[np.floating]:
    """Lay the first `fade.samples` of `after` over the last of `before`.

    Both are `(n, channels)`; the result has `len(before) + len(after) - fade.samples` rows and the dtype of
    `before`, whose samples ahead of the fade are left as they are. Raises ValueError where a side is
    shorter than the fade.
    """
    n = fade.samples
    if n > min(len(before), len(after)):
        raise ValueError(f"a fade of {n} samples needs that many on both sides: {len(before)}, {len(after)}")
    kept = len(before) - n
    fall, rise = fade.gains()
    over = before[kept:] * fall[:, None] + after[:n] * rise[:, None]
    return np.concatenate([before[:kept], over.astype(before.dtype), after[n:].astype(before.dtype)])
