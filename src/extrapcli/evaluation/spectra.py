"""Mel spectra for measuring by; what a network hears is its own affair."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

PER_SECOND = 25
WINDOW, BANDS, LOWEST, HIGHEST = 2048, 64, 40.0, 10000.0
CHUNK = 512


def mel_energies(sound: Array, rate: int) -> Array:
    """Energies `(len(sound) // hop, 64)` of mono sound `(n,)`, 25 a second, each around the beginning of its hop.

    64 triangular bands of height 1, equally spaced in mel = 2595 log10(1 + f / 700) (O'Shaughnessy 1987) between
    40 Hz and 10 kHz; windows of 2048 samples.
    """
    hop = rate // PER_SECOND
    low, high = (2595 * np.log10(1 + f / 700) for f in (LOWEST, HIGHEST))
    points = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    f = np.fft.rfftfreq(WINDOW, 1 / rate)[:, None]
    rise, fall = (f - points[:-2]) / np.diff(points)[:-1], (points[2:] - f) / np.diff(points)[1:]
    weights = np.maximum(0, np.minimum(rise, fall)).astype(np.float32)
    padded = np.pad(sound, (WINDOW // 2, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::hop][: len(sound) // hop]
    shape = np.hanning(WINDOW).astype(np.float32)
    chunks = [frames[k : k + CHUNK] * shape for k in range(0, len(frames), CHUNK)]
    return np.concatenate([np.abs(np.fft.rfft(chunk)).astype(np.float32) ** 2 @ weights for chunk in chunks])
