"""Does the beat go on? Tempo, and the phase of the beat across a join, from the spectral flux of `seams`."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from extrapcli.evaluation.seams import PER_SECOND

Array = NDArray[np.float32]

LONGEST_SECONDS = 2  # of a lag that may be a beat
USUAL = 120.0  # beats a minute
PHASE_SECONDS = 6.0  # how much on each side of a join is listened to
SEARCH = 0.04  # the tempo around a join lies within this share of the song's
CLEAR = 0.06  # of the flux that goes with the beat, for there to be one: less says no more than chance


def tempo(flux: Array) -> float | None:
    """Beats a minute, 30 to 300, of a curve of flux `(n,)`, 100 a second; None where it is mostly silent.

    The strongest lag of the flux's autocorrelation, weighted by a bell over octaves around 120 (Ellis 2007).
    """
    if len(flux) < 2 * LONGEST_SECONDS * PER_SECOND or np.median(flux) <= 0:
        return None
    around = flux - flux.mean()
    likeness = correlate(around, around, "full", "fft")[len(flux) - 1 :]
    per_minute = 60 * PER_SECOND / np.arange(PER_SECOND // 5, LONGEST_SECONDS * PER_SECOND + 1)
    weighted = likeness[PER_SECOND // 5 :][: len(per_minute)] * np.exp(-0.5 * np.log2(per_minute / USUAL) ** 2)
    return float(per_minute[np.argmax(weighted)])


def tempo_ratio(song: float | None, continuation: float | None) -> float | None:
    """The continuation's tempo by the song's, brought by octaves to between 0.71 and 1.41; 1 keeps the tempo."""
    if song is None or continuation is None:
        return None
    octaves = np.log2(continuation / song)
    return float(2 ** (octaves - np.round(octaves)))


def beat_error(tempo: float | None, track: Array, left: float, right: float) -> float | None:
    """How far the beat is off after a join: 0 to 0.5 of a beat; None where there is no beat to keep.

    `tempo` is the song's, `track` a curve of flux. Up to second `left` the old side sounds alone, from second `right`
    on the new one. The flux of the six seconds on either side is correlated with a complex tone at the song's tempo,
    a bin of the Fourier tempogram (Grosche & Müller 2011); the difference of the phases is the error.
    """
    if tempo is None:
        return None
    size = round(PHASE_SECONDS * PER_SECOND)
    end, begin = round(left * PER_SECOND), round(right * PER_SECOND)
    old, new = track[max(0, end - size) : end], track[begin : begin + size]
    if min(len(old), len(new)) < size // 2:
        return None
    times = np.arange(end - len(old), end) / PER_SECOND, np.arange(begin, begin + len(new)) / PER_SECOND
    grid = tempo / 60 * np.linspace(1 - SEARCH, 1 + SEARCH, 33)[:, None]
    before, after = (_tone(curve, at, grid) for curve, at in zip((old, new), times, strict=True))
    best = int(np.argmax(np.abs(before) + np.abs(after)))
    if min(np.abs(before[best]), np.abs(after[best])) < CLEAR:
        return None
    return float(np.abs(np.angle(after[best] * np.conj(before[best]))) / (2 * np.pi))


def _tone(curve: Array, seconds: NDArray[np.floating], grid: NDArray[np.floating]) -> NDArray[np.complexfloating]:
    """The part of a curve that goes with each frequency, in units of the curve's sum: 0 to 1, with its phase."""
    shape = np.hanning(len(curve))
    turning = np.exp(-2j * np.pi * grid * seconds)
    part: NDArray[np.complexfloating] = turning @ (curve * shape) / max(float((curve * shape).sum()), 1e-9)
    return part
