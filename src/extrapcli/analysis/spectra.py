"""Spectra of a song from moment to moment, which most parts of its analysis are found in."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.resample import resample_chunks
from extrapcli.audio.spooled import chunks, release, spooled
from extrapcli.dsp import band_powers, flux, pitch_classes, tuning
from extrapcli.dsp.onset import FLOOR

RATE = 22050  # Hz, of the mono sound
FRAMES_PER_SECOND = 75  # of the onset strength
MOMENTS_PER_SECOND = 15  # of all else
FRAMES = FRAMES_PER_SECOND // MOMENTS_PER_SECOND  # in a moment

PITCH_RATE = RATE // 6  # Hz: harmony is found below half of it
PITCH_WINDOW = 2048  # 0.56 s: from 120 Hz on, notes a semitone apart are two peaks
LOWEST_HERTZ, HIGHEST_HERTZ = 50.0, 1200.0  # above, overtones that are no notes of a chord prevail
SURROUNDING_OCTAVES = 0.5
C_HERTZ = 440 * 2 ** (-9 / 12)


@dataclass(frozen=True)
class Levels:
    """The levels of third-octave bands from 43 Hz to 11 kHz, and the onset strength, of a sound at unit level.

    Attributes:
        onset_strength: float64 `(frames,)`, in decibels, 75 a second; see `dsp.onset_strength`.
        bands: float32 `(moments, bands)`, in decibels of the mean power of a Fourier bin, 15 a second.
    """

    onset_strength: NDArray[np.float64]
    bands: NDArray[np.float32]

    @classmethod
    def of(cls, mono: NDArray[np.float32], level: float) -> "Levels":
        """Measure mono sound `(n,)` at 22,050 Hz; `level` is its root mean square."""
        moments: list[NDArray[np.float32]] = []
        rest = np.zeros((0, 0), np.float32)

        def levels() -> Iterator[NDArray[np.float32]]:
            nonlocal rest
            for power in band_powers(mono, hop=RATE // FRAMES_PER_SECOND):
                power /= level**2
                yield 10 * np.log10(power + FLOOR)
                waiting = np.concatenate([rest, power]) if len(rest) else power
                whole = len(waiting) // FRAMES * FRAMES
                moments.append(waiting[:whole].reshape(-1, FRAMES, power.shape[1]).mean(axis=1))
                rest = waiting[whole:]
                release(mono)

        strength = flux(levels())
        moments += [rest.mean(axis=0, keepdims=True)] if len(rest) else []
        return cls(strength, 10 * np.log10(np.concatenate(moments) + np.float32(FLOOR)))


@dataclass(frozen=True)
class PitchClasses:
    """The strengths of the twelve pitch classes, from C, float32 `(moments, 12)`, 15 a second, and the tuning.

    `tuning` is how many semitones, -0.5 to 0.5, the notes are above A = 440 Hz.
    """

    strengths: NDArray[np.float32]
    tuning: float

    @classmethod
    def of(cls, mono: NDArray[np.float32]) -> "PitchClasses":
        """Measure mono sound `(n,)` at 22,050 Hz."""
        low = spooled(resample_chunks(chunks(mono[:, None]), len(mono), from_rate=RATE, to_rate=PITCH_RATE))[:, 0]
        tuned = tuning(low, sample_rate=PITCH_RATE, window=PITCH_WINDOW)
        parts = pitch_classes(
            low,
            sample_rate=PITCH_RATE,
            hop=PITCH_RATE // MOMENTS_PER_SECOND,
            window=PITCH_WINDOW,
            lowest=LOWEST_HERTZ,
            highest=HIGHEST_HERTZ,
            reference=C_HERTZ * 2 ** (tuned / 12),
            surroundings=SURROUNDING_OCTAVES,
        )
        strengths = []
        for part in parts:
            strengths.append(part)
            release(low)
        return cls(np.concatenate(strengths), tuned)
