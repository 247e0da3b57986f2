"""Sounds with known properties, mono `(n,)` float32, and settings for few hypothesis examples."""

import numpy as np
from hypothesis import settings
from numpy.typing import NDArray

Sound = NDArray[np.float32]

few = settings(max_examples=12, deadline=None, derandomize=True)


def tones(*pitches: float, seconds: float, rate: int, amplitude: float = 0.2) -> Sound:
    """Sines at these frequencies in Hz, all with one amplitude."""
    t = np.arange(round(seconds * rate)) / rate
    sound: Sound = (amplitude * np.sin(2 * np.pi * np.outer(pitches, t)).sum(axis=0)).astype(np.float32)
    return sound


def white(seconds: float, rate: int, *, seed: int = 0, rms: float = 0.1) -> Sound:
    return (rms * np.random.default_rng(seed).normal(size=round(seconds * rate))).astype(np.float32)


def pink(seconds: float, rate: int, *, seed: int = 0, rms: float = 0.1) -> Sound:
    """Noise with the same power in each octave."""
    spectrum = np.fft.rfft(white(seconds, rate, seed=seed))
    sound: Sound = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum))))).astype(np.float32)
    return sound * np.float32(rms / sound.std())


def beats(per_minute: float, seconds: float, rate: int, *, first: float = 0.0, seed: int = 0) -> Sound:
    """A drum on each beat from second `first` on, decaying to a tenth in 30 ms, over soft noise."""
    rng = np.random.default_rng(seed)
    sound = 1e-3 * rng.normal(size=round(seconds * rate))
    drum = 0.5 * rng.normal(size=round(0.1 * rate)) * 10 ** (-np.arange(round(0.1 * rate)) / (0.03 * rate))
    for beat in np.arange(first, seconds - 0.1, 60 / per_minute):
        begin = round(beat * rate)
        sound[begin : begin + len(drum)] += drum
    return sound.astype(np.float32)


def rms(sound: Sound) -> float:
    return float(np.sqrt(np.square(sound, dtype=np.float64).mean()))
