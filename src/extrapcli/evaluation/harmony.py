"""Harmony of a continuation against its song: the notes it uses and its key, in mono at 22050 Hz."""

import librosa
import numpy as np
from mir_eval.key import weighted_score
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from extrapcli.analysis.harmony import NAMES
from extrapcli.dsp import key_correlations

RATE = 22050
HOP = 2048
LEAST_SAMPLES = 2**16  # so that the longest window of the constant-Q transform fits in
OCTAVES, OCTAVE_BINS = 7, 36
COMPRESSION = 10
TUNING_SECONDS = 60
PEAK_RANGE, PEAK_THRESHOLD = (150, 4000), 0.1  # Hz, and of the loudest in a frame


def chroma(sound: NDArray[np.float32], *, tuning: float | None = None) -> NDArray[np.float64]:
    """Compute the share of each of the twelve pitch classes, from C, in mono sound `(n,)`.

    Strengths are `log(1 + 10 c / max(c))` for magnitudes c of a constant-Q transform with three bins a semitone over
    seven octaves from C1 (logarithmic compression: Müller 2015, Fundamentals of Music Processing, section 3.1.2).
    They count as far as they exceed the median of the octave around them, so that noise and drums, which lie in all
    bins, count little. The shares are means over time; they add up to 1, or to 0 for silence. `tuning` is that of the
    sound; without it, `tuning_of` estimates it.
    """
    if tuning is None:
        tuning = tuning_of(sound)
    padded = np.pad(sound, (0, max(0, LEAST_SAMPLES - len(sound))))
    transform = librosa.cqt(
        padded, sr=RATE, hop_length=HOP, n_bins=OCTAVES * OCTAVE_BINS, bins_per_octave=OCTAVE_BINS, tuning=tuning
    )
    strengths = np.abs(transform)
    strengths = np.log1p(COMPRESSION * strengths / max(float(strengths.max()), 1e-12))
    strengths = np.maximum(0, strengths - median_filter(strengths, (OCTAVE_BINS + 1, 1), mode="mirror"))
    classes = librosa.feature.chroma_cqt(C=strengths, bins_per_octave=OCTAVE_BINS, norm=None)
    shares: NDArray[np.float64] = classes.mean(axis=1, dtype=np.float64)
    shares /= max(shares.sum(), 1e-12)
    return shares


def tuning_of(sound: NDArray[np.float32]) -> float:
    """Estimate how many semitones, -0.5 to 0.5, mono sound `(n,)` is above A = 440 Hz; 0 where it has no pitch.

    A minute from the middle is enough.
    """
    begin = max(0, len(sound) // 2 - TUNING_SECONDS * RATE // 2)
    minute = np.pad(sound[begin : begin + TUNING_SECONDS * RATE], (0, max(0, HOP - len(sound))))
    pitches, magnitudes = _spectral_peaks(np.abs(librosa.stft(minute)))
    return float(librosa.pitch_tuning(pitches[magnitudes >= np.median(magnitudes)])) if len(pitches) else 0.0


def _spectral_peaks(spectra: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Frequencies in hertz and magnitudes of the peaks in `(bins, frames)` between 150 Hz and 4 kHz.

    What librosa.piptrack finds (parabolic interpolation, Smith 2011), in numpy: its compiled code crashes whenever it
    is run again after two processes have compiled it at once.
    """
    left, middle, right = spectra[:-2], spectra[1:-1], spectra[2:]
    curvature, slope = left + right - 2 * middle, (right - left) / 2
    loud = np.where(spectra > PEAK_THRESHOLD * spectra.max(axis=0), spectra, 0)
    peaks = (loud[1:-1] > loud[:-2]) & (loud[1:-1] >= loud[2:])
    frequencies = np.arange(1, len(spectra) - 1) * RATE / (2 * (len(spectra) - 1))
    peaks &= ((frequencies >= PEAK_RANGE[0]) & (frequencies < PEAK_RANGE[1]))[:, None]
    inside = np.abs(slope) < np.abs(curvature)
    shift = np.where(inside, -slope / np.where(inside, curvature, 1), 0)
    bins = np.nonzero(peaks)[0] + 1
    pitches = ((bins + shift[peaks]) * (RATE / (2 * (len(spectra) - 1)))).astype(np.float32)
    return pitches, (middle[peaks] + slope[peaks] * shift[peaks] / 2).astype(np.float32)


def chroma_similarity(one: NDArray[np.float64] | None, other: NDArray[np.float64] | None) -> float:
    """Compare two sets of shares, -1 to 1, by Lin's coefficient of concordance (1989); NaN where one is missing.

    `2 cov(p, q) / (var(p) + var(q))`: 1 for the same, 0 where one has no notes that stand out, as noise, below 0
    where one has the notes that the other leaves out.
    """
    if one is None or other is None:
        return np.nan
    p, q = one - one.mean(), other - other.mean()
    return float(2 * (p @ q) / max(float(p @ p + q @ q), 1e-12))


def key(shares: NDArray[np.float64]) -> str | None:
    """Find the key, such as `A minor`, whose profile correlates best with shares (Krumhansl & Schmuckler 1990)."""
    if not shares.any():
        return None
    mode, tonic = divmod(int(key_correlations(shares).argmax()), 12)
    return f"{NAMES[tonic]} {('major', 'minor')[mode]}"


def key_similarity(one: NDArray[np.float64] | None, other: NDArray[np.float64] | None) -> float:
    """Score one key by the other as MIREX does: 1 for the same, 0.5 a fifth away, 0.3 relative, 0.2 parallel, else 0.

    A fifth away is above or below. NaN where one has no key, as silence.
    """
    keys = [shares is not None and key(shares) for shares in (one, other)]
    return float(max(weighted_score(*keys), weighted_score(*keys[::-1]))) if all(keys) else np.nan
