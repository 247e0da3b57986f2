"""How well beats that were found agree with those of a score.

The F measure is that of Dixon (2007) with a tolerance of 70 ms, the usual one (Davies, Degara and Plumbley 2009).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = Sequence[float] | NDArray[np.floating]

TOLERANCE_SECONDS = 0.07
OCTAVE = 1.8  # by which factor a tempo is at least wrong where it is half or double


def f_measure(found: Times, true: Times) -> float:
    """Return the harmonic mean of precision and recall of times in seconds, both increasing: 0 to 1.

    Each time that was found counts as right if a true one, that no other one has taken, is at most 70 ms away.
    """
    if not len(found) or not len(true):
        return 0.0
    right = here = 0
    for time in true:
        while here < len(found) and found[here] < time - TOLERANCE_SECONDS:
            here += 1
        if here < len(found) and found[here] <= time + TOLERANCE_SECONDS:
            right += 1
            here += 1
    return 2 * right / (len(found) + len(true))


@dataclass(frozen=True)
class BeatScore:
    """How well beats were found: F measures, whether the metre is right, whether the tempo is half or double.

    Attributes:
        beat: the F measure of beats.
        downbeat: the F measure of the first beats of bars.
        metre: 1 if bars have the right number of beats, else 0.
        octave: 1 if the tempo is less than about half or more than about double of the true one, else 0.
    """

    beat: float
    downbeat: float
    metre: float
    octave: float


def score_beats(
    times: Times, downbeats: Times, metre: int, true_times: Times, true_downbeats: Times, true_metre: int
) -> BeatScore:
    """Compare beats and bars that were found with true ones, at least two; times are in seconds, increasing."""
    ratio = np.median(np.diff(times)) / np.median(np.diff(true_times)) if len(times) > 1 else 1.0
    return BeatScore(
        f_measure(times, true_times),
        f_measure(downbeats, true_downbeats),
        float(metre == true_metre),
        float(max(ratio, 1 / ratio) >= OCTAVE),
    )
