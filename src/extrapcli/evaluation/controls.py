"""What every measure is read beside: a loop, silence and noise; the true continuation is the music itself."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.floating]


def loop(song: Samples, wanted: int) -> Samples:
    """The song `(n, channels)` again and again, `wanted` samples of it, spliced hard."""
    again: Samples = np.resize(song, (wanted, song.shape[1]))
    return again


def silence(song: Samples, wanted: int) -> Samples:
    return np.zeros((wanted, song.shape[1]), np.float32)


def noise(song: Samples, wanted: int) -> Samples:
    """White Gaussian noise, the same for the same length, with the song's RMS in each channel."""
    level = np.sqrt(np.square(song, dtype=np.float64).mean(axis=0))
    hiss: Samples = (np.random.default_rng(0).normal(size=(wanted, song.shape[1])) * level).astype(np.float32)
    return hiss
