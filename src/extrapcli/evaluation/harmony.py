"""Does a continuation stay in the harmony of its song? Chroma and key, on mono sound at 22050 Hz."""

import numpy as np
from mir_eval.key import weighted_score
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from extrapcli.evaluation.spectra import banded

Array = NDArray[np.float64]

RATE = 22050
WINDOW, HOP = 8192, 2048
LOWEST, HIGHEST = 36, 107  # notes from C2, from where on a window tells them apart, to B7, where they end
AROUND = 6  # notes below and above, an octave, are what a note has to stand out from
FAINTEST = 0.02  # what a tone at -110 dBFS comes to
NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
"""The profiles of Krumhansl & Kessler 1982: how well each pitch class fits C major and C minor."""


def chroma(sound: NDArray[np.float32]) -> Array:
    """The share of each of the twelve pitch classes, from C, in `(n,)`; they add up to 1, or to 0 for silence.

    A note has the magnitude of all frequencies that lie nearest to it at A = 440 Hz, and a pitch class all its notes
    (Fujishima 1999), in windows of 0.37 s. A note counts by how far it exceeds the median of the octave around it at
    the moment, so that noise and drums, which lie in all, count for little.
    """
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    notes = np.arange(LOWEST, HIGHEST + AROUND + 1)
    weights = np.round(69 + 12 * np.log2(np.maximum(frequencies, 1e-9) / 440))[:, None] == notes
    even = (weights / weights.sum(axis=0) * 2 ** (notes / 12)).astype(np.float32)  # as if notes had no odd frequency
    long_enough = np.pad(sound, (0, max(0, HOP - len(sound))))
    strengths = np.sqrt(banded(long_enough, HOP, WINDOW, even).astype(np.float64))
    standing_out = np.maximum(0, strengths - median_filter(strengths, (1, 2 * AROUND + 1), mode="mirror"))
    tonal = np.bincount(notes[:-AROUND] % 12, standing_out.mean(axis=0)[:-AROUND], 12)
    shares: Array = tonal / tonal.sum() if tonal.sum() > FAINTEST else np.zeros(12)
    return shares


def chroma_similarity(one: Array, other: Array) -> float:
    """How far two sets of shares agree, -1 to 1: Lin's coefficient of concordance (1989).

    `2 cov(p, q) / (var(p) + var(q))`: 1 for the same, 0 where one has no notes that stand out, as noise, or none at
    all, below 0 for notes that shun each other.
    """
    p, q = one - one.mean(), other - other.mean()
    return float(2 * (p @ q) / max(float(p @ p + q @ q), 1e-12))


def key(shares: Array) -> str | None:
    """The key, as `A minor`, whose profile correlates best with the shares (Krumhansl & Schmuckler 1990)."""
    if not shares.any():
        return None
    strengths = {
        f"{NAMES[tonic]} {mode}": np.corrcoef(np.roll(profile, tonic), shares)[0, 1]
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    }
    return max(strengths, key=lambda name: float(strengths[name]))


def key_similarity(one: Array, other: Array) -> float:
    """MIREX's score of one key by the other: 1 for the same, 0.5 a fifth away, 0.3 relative, 0.2 parallel, else 0.

    A fifth away is above or below. Silence, which has no key, scores 0.
    """
    keys = key(one), key(other)
    return float(max(weighted_score(*keys), weighted_score(*keys[::-1]))) if all(keys) else 0.0
