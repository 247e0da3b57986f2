"""The harmony of a sound from moment to moment."""

import numpy as np
from numpy.typing import NDArray


def chroma(
    samples: NDArray[np.float32],
    *,
    sample_rate: int,
    hop: int,
    window: int = 8192,
    lowest: float = 80.0,
    highest: float = 3000.0,
    tuning_width: float = 0.35,
    reference: float = 440.0,
) -> NDArray[np.float32]:
    """Return the strengths of the twelve pitch classes in mono sound `(n,)`: float32 `(n // hop + 1, 12)`.

    Pitch class k lies k semitones above `reference` Hz: class 0 is A unless another note is given. With X[t, f] the
    Fourier transform in a Hann window around sample `t * hop`, and d(f, k) the distance of f from the nearest note of
    class k in semitones,

        c[t, k] = sum_f |X[t, f]| exp(-d(f, k)^2 / (2 tuning_width^2)) / sqrt(f)

    over the frequencies between `lowest` and `highest` Hz (T. Fujishima, Realtime chord recognition of musical sound,
    1999, with a soft assignment to notes). c is averaged over three frames, reduced by its least class, and scaled to
    unit length, so that the product of two rows is a similarity from 0 to 1. Silence gives zeros.
    """
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, window // 2), window)[::hop]
    frequencies = np.fft.rfftfreq(window, 1 / sample_rate)
    bins = np.flatnonzero((frequencies > lowest) & (frequencies < highest))
    semitones = 12 * np.log2(frequencies[bins] / reference)
    distance = (semitones[:, None] - np.arange(12) + 6) % 12 - 6
    weights = np.exp(-0.5 * (distance / tuning_width) ** 2) / np.sqrt(frequencies[bins])[:, None]
    shape = np.hanning(window).astype(np.float32)
    strength = np.stack([np.abs(np.fft.rfft(frame * shape)[bins]) @ weights for frame in frames])
    smooth = np.apply_along_axis(np.convolve, 0, strength, np.ones(3) / 3, "same")
    smooth = smooth - smooth.min(axis=1, keepdims=True)
    unit: NDArray[np.float32] = (smooth / (np.linalg.norm(smooth, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return unit
