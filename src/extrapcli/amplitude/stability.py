"""How long a sound that goes on by itself lives, and what it ends as."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

PIECE_SECONDS = 0.01
QUIET = 0.01  # of the song's level: -40 dB
SHORTEST_LAG = 2  # samples
ALIKE = 0.999  # correlation of two stretches that are the same again


@dataclass(frozen=True)
class Stability:
    """`dies`: `seconds` after which it stays 40 dB below the song. `circles`: after which it repeats itself.

    `runs off`: after which it is ten times as loud as the song. Else it `lives` for as long as it was followed.
    """

    ends: Literal["dies", "circles", "runs off", "lives"]
    seconds: float


def stability(sound: NDArray[np.floating], rate: int) -> Stability:
    """Of a sound `(n,)` that continues a song of unit deviation. A constant is silence.

    It circles from the piece of 10 ms on from which every piece is what comes a lag later, one lag of up to half a
    second for all.
    """
    piece = round(PIECE_SECONDS * rate)
    count = len(sound) // piece
    with np.errstate(all="ignore"):
        pieces = sound[: count * piece].reshape(count, piece).astype(np.float64)
        levels = np.nan_to_num(pieces.std(axis=1), nan=np.inf)
    if (loud := np.flatnonzero(levels > 10)).size:
        return Stability("runs off", loud[0] * PIECE_SECONDS)
    heard = np.flatnonzero(levels > QUIET)
    if not heard.size or heard[-1] < count - 1:
        return Stability("dies", (heard[-1] + 1 if heard.size else 0) * PIECE_SECONDS)
    if lag := _lag(sound[: count * piece], rate):
        later = sound[lag : count * piece]
        alike = [
            _correlation(sound[begin : begin + piece], later[begin : begin + piece]) > ALIKE
            for begin in range(0, len(later) - piece + 1, piece)
        ]
        unlike = np.flatnonzero(~np.array(alike))
        return Stability("circles", float((unlike[-1] + 1 if unlike.size else 0) * PIECE_SECONDS))
    return Stability("lives", len(sound) / rate)


def _lag(sound: NDArray[np.floating], rate: int) -> int | None:
    """The lag in samples at which the end of a sound is best what it was, if it is that; up to half a second."""
    longest = min(rate // 2, len(sound) // 4)
    end = sound[-2 * longest :].astype(np.float64)
    end -= end.mean()
    products = np.correlate(end, end[longest:], mode="valid")
    squares = np.concatenate([[0], np.square(end).cumsum()])
    energies = squares[longest:] - squares[: longest + 1]
    found = products / np.sqrt(np.maximum(energies * energies[-1], np.finfo(float).tiny))
    best = int(np.argmax(found[:-SHORTEST_LAG]))
    return longest - best if found[best] > ALIKE else None


def _correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float(one @ other / max(np.sqrt((one @ one) * (other @ other)), np.finfo(float).tiny))
