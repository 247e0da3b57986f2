"""Power and mel spectra for measuring by; what a network hears is its own affair."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

PER_SECOND = 25
WINDOW, BANDS, LOWEST, HIGHEST = 2048, 64, 40.0, 10000.0
CHUNK = 512


def mel_energies(
    sound: Array,
    rate: int,
    *,
    per_second: int = PER_SECOND,
    window: int = WINDOW,
    bands: int = BANDS,
    highest: float = HIGHEST,
) -> Array:
    """Energies `(len(sound) // hop, bands)` of mono sound `(n,)`, each around the beginning of its hop.

    There are `rate // per_second` samples in a hop. The bands are those of `mel_weights`.
    """
    return banded(sound, rate // per_second, window, mel_weights(rate, window, bands, highest))


def mel_weights(rate: int, window: int, bands: int, highest: float) -> Array:
    """The weights `(window // 2 + 1, bands)` of frequencies in triangular bands of height 1.

    They are equally spaced in mel between 40 Hz and `highest`.
    """
    points = 700 * (10 ** (np.linspace(mel(LOWEST), mel(highest), bands + 2) / 2595) - 1)
    f = np.fft.rfftfreq(window, 1 / rate)[:, None]
    rise, fall = (f - points[:-2]) / np.diff(points)[:-1], (points[2:] - f) / np.diff(points)[1:]
    return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)


def mel(hertz: float) -> float:
    """2595 log10(1 + f / 700) (O'Shaughnessy 1987)."""
    return float(2595 * np.log10(1 + hertz / 700))


def banded(sound: Array, hop: int, window: int, weights: Array) -> Array:
    """Power spectra `(len(sound) // hop, k)`, in Hann windows around the beginning of each hop, times weights."""
    padded = np.pad(sound, (window // 2, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][: len(sound) // hop]
    shape = np.hanning(window).astype(np.float32)
    chunks = [frames[k : k + CHUNK] * shape for k in range(0, len(frames), CHUNK)]
    powers = [np.abs(np.fft.rfft(chunk)).astype(np.float32) ** 2 @ weights for chunk in chunks]
    return np.concatenate(powers) if powers else np.zeros((0, weights.shape[1]), np.float32)
