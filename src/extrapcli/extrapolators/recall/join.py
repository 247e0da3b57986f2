"""Bring a jump to the sample: where exactly the new side begins, over which crossfade, and how loud."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.crossfade import Fade
from extrapcli.dsp import normalised_cross_correlation

SEARCH_SECONDS = 0.008
COMPARED_SECONDS = 0.06
ALIKE = 0.5  # correlation from which two sides count as alike
MIN_FADE_SECONDS, MAX_FADE_SECONDS = 0.1, 0.2
LEVEL_SECONDS = 0.2
MAX_GAIN = 10 ** (3 / 20)
RECOVERY_SECONDS = 2.0


@dataclass(frozen=True)
class Splice:
    """Where a jump lands: at sample `target` of the song the new side plays alone; the crossfade ends there."""

    target: int
    fade: Fade


def find_splice(
    old: NDArray[np.floating],
    song: NDArray[np.floating],
    target: int,
    rate: int,
    *,
    signs: NDArray[np.float32] | float = 1.0,
    fade_seconds: float | None = None,
    fixed: bool = False,
) -> Splice:
    """Shift `target` by up to 8 ms, unless it is `fixed`, to where the song is most like the old side.

    `old` and `song` are `(n, channels)`; `old` ends where the new side will play alone. The correlation of the last
    60 ms of the two sides decides the crossfade: a long equal-gain one if they are alike, a short equal-power one if
    not. `fade_seconds` sets its length instead. Channels are compared as one, each with its sign in the down-mix.
    """
    search = 0 if fixed else round(SEARCH_SECONDS * rate)
    n = min(round(COMPARED_SECONDS * rate), len(old), target - search)
    best, similarity = target, 0.0
    if n > search and target + search <= len(song):
        left = (old[-n:] * signs).mean(axis=1)
        right = (song[target - n - search : target + search] * signs).mean(axis=1)
        correlation = normalised_cross_correlation(left, right)
        best = target - search + int(np.argmax(correlation))
        similarity = float(correlation.max())
    length = MIN_FADE_SECONDS + (MAX_FADE_SECONDS - MIN_FADE_SECONDS) * max(0.0, similarity) ** 2
    samples = round((length if fade_seconds is None else fade_seconds) * rate)
    samples = min(samples, len(old), best)
    return Splice(best, Fade(samples, "equal-gain" if similarity > ALIKE else "equal-power"))


def matching_gain(old: NDArray[np.floating], new: NDArray[np.floating], rate: int) -> float:
    """Return the gain that brings the first 200 ms of `new` to the level of the last 200 ms of `old`, within 3 dB."""
    n = round(LEVEL_SECONDS * rate)
    before, after = (float(np.sqrt(np.square(side, dtype=np.float64).mean())) for side in (old[-n:], new[:n]))
    return min(max(before / max(after, 1e-9), 1 / MAX_GAIN), MAX_GAIN) if before > 0 else 1.0


def recovery(gain: float, rate: int) -> NDArray[np.float32]:
    """Return the gains, one per sample, that lead from a gain back to 1 in 2 s, linearly in decibels."""
    decay = np.linspace(np.log(gain), 0, round(RECOVERY_SECONDS * rate), endpoint=False, dtype=np.float32)
    gains: NDArray[np.float32] = np.exp(decay)
    return gains
