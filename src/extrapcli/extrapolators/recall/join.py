"""From a place to the sample: where exactly a part leaves for another place, over which fade, how loud.

Pure arrays in, numbers out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.crossfade import Fade

SEARCH_SECONDS = 0.008
COMPARED_SECONDS = 0.06
ALIKE = 0.5  # correlation from which two sides count as alike
MIN_FADE_SECONDS, MAX_FADE_SECONDS = 0.03, 0.2
LEVEL_SECONDS = 0.2
MAX_GAIN = 10 ** (3 / 20)
SETTLING_SECONDS = 2.0

Sound = NDArray[np.floating]


@dataclass(frozen=True)
class Seam:
    """The sample `place` of the song that follows where the old side ends, and the fade that ends there."""

    place: int
    fade: Fade


def find_seam(
    old: Sound, sound: Sound, place: int, rate: int, *, fade_seconds: float | None = None, fixed: bool = False
) -> Seam:
    """Shift `place` by up to 8 ms, unless it is fixed, to where `sound` is most like `old`, which leads up to it.

    Both are `(n, channels)`; `old` ends where the new side shall be alone. The correlation of the last 60 ms
    of the two sides decides the fade: alike sides get a long one that keeps amplitudes, unlike ones a short
    one that keeps power. `fade_seconds` gives it another length.
    """
    search = 0 if fixed else round(SEARCH_SECONDS * rate)
    n = min(round(COMPARED_SECONDS * rate), len(old), place - search)
    best, likeness = place, 0.0
    if n > search and place + search <= len(sound):
        left = old[-n:].mean(axis=1)
        right = sound[place - n - search : place + search].mean(axis=1)
        correlation = _correlations(left, right)
        best = place - search + int(np.argmax(correlation))
        likeness = float(correlation.max())
    length = MIN_FADE_SECONDS + (MAX_FADE_SECONDS - MIN_FADE_SECONDS) * max(0.0, likeness) ** 2
    samples = round((length if fade_seconds is None else fade_seconds) * rate)
    return Seam(best, Fade(min(samples, len(old), best), "equal-gain" if likeness > ALIKE else "equal-power"))


def _correlations(short: Sound, long: Sound) -> NDArray[np.float64]:
    """The normalised correlation of `short` with every stretch of `long` of its length, -1 to 1."""
    n = len(short)
    size = 2 ** int(np.ceil(np.log2(len(long) + n)))
    products = np.fft.irfft(np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size)), size)[: len(long) - n + 1]
    squares = np.concatenate([[0], np.cumsum(np.square(long, dtype=np.float64))])
    energy = (squares[n:] - squares[:-n]) * float(np.square(short, dtype=np.float64).sum())
    correlations: NDArray[np.float64] = products / np.sqrt(np.maximum(energy, 1e-12))
    return correlations


def matching_gain(old: Sound, new: Sound, rate: int) -> float:
    """The gain that brings the beginning of `new` to the level of the end of `old`, 200 ms of each, within 3 dB."""
    n = round(LEVEL_SECONDS * rate)
    before, after = (float(np.sqrt(np.square(side, dtype=np.float64).mean())) for side in (old[-n:], new[:n]))
    return min(max(before / max(after, 1e-9), 1 / MAX_GAIN), MAX_GAIN) if before > 0 else 1.0


def settling(gain: float, rate: int) -> NDArray[np.float32]:
    """From a gain back to 1 in 2 s, evenly in decibels."""
    decay = np.linspace(np.log(gain), 0, round(SETTLING_SECONDS * rate), endpoint=False, dtype=np.float32)
    settled: NDArray[np.float32] = np.exp(decay)
    return settled
