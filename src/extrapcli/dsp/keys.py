"""Which key music is in, by how much each pitch class is heard.

C. Krumhansl, Cognitive Foundations of Musical Pitch (1990), chapter 4; J. Albrecht, D. Shanahan, The use of large
corpora to train a new type of key-finding algorithm (2013).
"""

import numpy as np
from numpy.typing import NDArray

LISTENERS = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
"""How well each pitch class, from C, fits C major and C minor, by listeners (Krumhansl & Kessler 1982)."""
SCORES = (
    (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
    (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
)
"""The share of each pitch class, from the tonic, in scores in major and in minor (Albrecht & Shanahan 2013)."""


def key_correlations(
    pitch_classes: NDArray[np.floating], *, profiles: tuple[tuple[float, ...], tuple[float, ...]] = LISTENERS
) -> NDArray[np.float64]:
    """Return Pearson's correlation of `(12,)` strengths, from C, with the profile of each key: float64 `(2, 12)`.

    Row 0 holds the major keys, row 1 the minor ones, each by its tonic from C. The best one is the key (Krumhansl &
    Schmuckler). Strengths that are all the same correlate with no key: 0.

    >>> c_major_triad = np.array([1.0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0])
    >>> divmod(int(key_correlations(c_major_triad).argmax()), 12)
    (0, 0)
    """
    rolled = np.array([[np.roll(profile, tonic) for tonic in range(12)] for profile in profiles])
    rolled = rolled - rolled.mean(axis=2, keepdims=True)
    strengths = pitch_classes - pitch_classes.mean()
    norms = np.linalg.norm(rolled, axis=2) * np.linalg.norm(strengths)
    correlations: NDArray[np.float64] = rolled @ strengths / np.maximum(norms, np.finfo(float).tiny)
    return correlations
