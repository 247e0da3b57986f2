"""Rhythm of a continuation: its tempo against the song's, and whether the beat stays in phase across a join.

Both are found in the spectral flux of `join_audibility`, 100 values a second.
"""

import librosa
import numpy as np
from numpy.typing import NDArray

from extrapcli.evaluation.join_audibility import PER_SECOND

LEAST_SECONDS = 4  # in which a tempo shows
WINDOW_SECONDS = 8
PHASE_SECONDS = 6.0  # of each side of a join
SEARCH = 0.04  # the tempo around a join lies within this share of the song's
CLEAR = 0.06  # share of the flux that follows the beat; with less, a phase says no more than chance


def tempo(flux: NDArray[np.float32]) -> float | None:
    """Estimate the tempo of spectral flux `(n,)` in beats per minute; None where it is short or mostly silent.

    librosa finds it in the tempogram, whose columns are autocorrelations over 8 s (Grosche & Müller 2011). There is
    one column a second here; librosa's own tempogram has one for each value, which fills memory for long sound.
    """
    if len(flux) < LEAST_SECONDS * PER_SECOND or np.median(flux) <= 0:
        return None
    size = WINDOW_SECONDS * PER_SECOND
    windows = librosa.util.frame(np.pad(flux, size // 2), frame_length=size, hop_length=PER_SECOND)
    correlations = librosa.autocorrelate(windows * np.hanning(size)[:, None], axis=0)
    tempogram = librosa.util.normalize(correlations, axis=0)
    return float(librosa.feature.tempo(tg=tempogram, sr=PER_SECOND, hop_length=1)[0])


def tempo_ratio(song: float | None, continuation: float | None) -> float | None:
    """Divide the continuation's tempo by the song's and shift it by octaves to between 0.71 and 1.41."""
    if song is None or continuation is None:
        return None
    octaves = np.log2(continuation / song)
    return float(2 ** (octaves - np.round(octaves)))


def beat_error(tempo: float | None, flux: NDArray[np.float32], left: float, right: float) -> float | None:
    """Measure how far the beat is off after a join, 0 to 0.5 of a beat; None where there is no clear beat.

    `tempo` is the song's, `flux` the whole track's. Up to second `left` the old side sounds alone, from second
    `right` on the new one. The flux of the six seconds on either side is correlated with a complex tone at the song's
    tempo, as in a Fourier tempogram (Grosche & Müller 2011); the difference of the phases is the error. librosa's
    tempogram has one tempo every 10 bpm in so short a window, too few to tell phases apart.
    """
    if tempo is None:
        return None
    size = round(PHASE_SECONDS * PER_SECOND)
    end, begin = round(left * PER_SECOND), round(right * PER_SECOND)
    old, new = flux[max(0, end - size) : end], flux[begin : begin + size]
    if min(len(old), len(new)) < size // 2:
        return None
    times = np.arange(end - len(old), end) / PER_SECOND, np.arange(begin, begin + len(new)) / PER_SECOND
    frequencies = tempo / 60 * np.linspace(1 - SEARCH, 1 + SEARCH, 33)[:, None]
    before, after = (_at(frequencies, side, at) for side, at in zip((old, new), times, strict=True))
    best = int(np.argmax(np.abs(before) + np.abs(after)))
    if min(np.abs(before[best]), np.abs(after[best])) < CLEAR:
        return None
    return float(np.abs(np.angle(after[best] * np.conj(before[best]))) / (2 * np.pi))


def _at(
    frequencies: NDArray[np.floating], flux: NDArray[np.float32], seconds: NDArray[np.floating]
) -> NDArray[np.complexfloating]:
    """Compute the component of flux at each frequency in Hz, `(k, 1)`, as a share of its sum, with its phase."""
    windowed = flux * np.hanning(len(flux))
    component: NDArray[np.complexfloating] = np.exp(-2j * np.pi * frequencies * seconds) @ windowed
    return component / max(float(windowed.sum()), 1e-9)
