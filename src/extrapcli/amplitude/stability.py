"""The stability of a model that is fed with its own predictions: what becomes of the sound, and how soon."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from extrapcli.dsp import normalised_cross_correlation

PIECE_SECONDS = 0.01
QUIET, LOUD = 0.01, 10  # of the song's level: -40 and 20 dB
SHORTEST_LAG = 2  # samples
SAME = 0.999  # the correlation of two stretches from which on one repeats the other


@dataclass(frozen=True)
class Stability:
    """What becomes of a sound, and after how many seconds.

    It `decays` when it stays 40 dB below the song, `loops` when it repeats itself, and `diverges` when it is ten
    times as loud as the song. Otherwise it `sustains` for as long as it was followed.
    """

    outcome: Literal["decays", "loops", "diverges", "sustains"]
    seconds: float


def stability(sound: NDArray[np.floating], sample_rate: int) -> Stability:
    """Judge a sound `(n,)` that continues a song of unit standard deviation. A constant counts as silence.

    It loops from the piece of 10 ms on from which every piece is the same as the one a lag later, with one lag of up
    to half a second for all.
    """
    piece = round(PIECE_SECONDS * sample_rate)
    count = len(sound) // piece
    with np.errstate(all="ignore"):
        pieces = sound[: count * piece].reshape(count, piece).astype(np.float64)
        levels = np.nan_to_num(pieces.std(axis=1), nan=np.inf)
    if (loud := np.flatnonzero(levels > LOUD)).size:
        return Stability("diverges", loud[0] * PIECE_SECONDS)
    audible = np.flatnonzero(levels > QUIET)
    if not audible.size or audible[-1] < count - 1:
        return Stability("decays", (audible[-1] + 1 if audible.size else 0) * PIECE_SECONDS)
    if lag := _loop_lag(sound[: count * piece], sample_rate):
        later = sound[lag : count * piece]
        same = [
            _correlation(sound[begin : begin + piece], later[begin : begin + piece]) > SAME
            for begin in range(0, len(later) - piece + 1, piece)
        ]
        different = np.flatnonzero(~np.array(same))
        return Stability("loops", float((different[-1] + 1 if different.size else 0) * PIECE_SECONDS))
    return Stability("sustains", len(sound) / sample_rate)


def _loop_lag(sound: NDArray[np.floating], sample_rate: int) -> int | None:
    """Find the lag in samples, up to half a second, at which the end of a sound repeats itself; None for no loop."""
    longest = min(sample_rate // 2, len(sound) // 4)
    end = sound[-2 * longest :].astype(np.float64)
    end -= end.mean()
    correlations = normalised_cross_correlation(end[longest:], end)
    best = int(np.argmax(correlations[:-SHORTEST_LAG]))
    return longest - best if correlations[best] > SAME else None


def _correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float(one @ other / max(np.sqrt((one @ one) * (other @ other)), np.finfo(float).tiny))
