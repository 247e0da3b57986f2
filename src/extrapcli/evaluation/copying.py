"""How much of a continuation is the song again, sample for sample? On mono sound at 22050 Hz.

`circles` asks what is heard again, this what is copied: a copy shifted in time, louder or softer is found; one that
is slower, higher or under other sound as loud as itself is not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from extrapcli.evaluation.circles import HOP, RATE, log_mel
from extrapcli.evaluation.spectra import PER_SECOND

Array = NDArray[np.float32]

SAME = 0.9  # of the correlation of a second's samples: what differs is 6 dB softer than what agrees
STEP = PER_SECOND // 5
PIECE = RATE // 5  # of a second, by the loudest of which it is brought to the sample
CHUNK = 40
SILENCE_DECIBELS = -50.0


@dataclass(frozen=True)
class Copies:
    """`share`, 0 to 1, of what is audible in the continuation, and the longest run that copies on, in seconds."""

    share: float
    longest_run: float


def copies(song: Array, continuation: Array) -> Copies:
    """Find each second of a continuation `(m,)` in the song `(n,)`, five times a second.

    The place in the song whose log-mel spectra are most alike is compared sample by sample: the cosine, at the
    best shift of up to 40 ms. A run goes on as long as its lag stays the same to 40 ms.
    """
    if len(continuation) < RATE or len(song) < RATE:
        return Copies(0.0, 0.0)
    spectra = log_mel(np.concatenate([song[: len(song) // HOP * HOP], continuation]))
    spectra -= spectra.mean(axis=1, keepdims=True)  # gain raises all bands
    there, here = spectra[: len(song) // HOP], spectra[len(song) // HOP :]
    floor = np.square(song, dtype=np.float64).mean() * 10 ** (SILENCE_DECIBELS / 10)
    lag: int | None = None
    run, longest = 0, 0
    audible, copied = np.zeros((2, len(here) // STEP + PER_SECOND // STEP), bool)
    for index, place in enumerate(_most_alike(here, there)):
        at = index * STEP * HOP
        second = continuation[at : at + RATE]
        around = slice(index, index + PER_SECOND // STEP)
        loud = np.square(second, dtype=np.float64).mean() > floor
        audible[around] |= loud
        found = None
        if loud and lag is not None and _correlation(second, song, at - lag) >= SAME:
            found = at - lag
        elif loud:
            found = _found(second, song, place * HOP)
        copied[around] |= found is not None
        if found is not None:
            run = run + 1 if lag is not None and abs(at - found - lag) <= HOP else 1
            longest = max(longest, run)
        lag = None if found is None else at - found
    seconds = (longest - 1) * STEP / PER_SECOND + 1 if longest else 0.0
    return Copies(float(copied.sum() / max(1, audible.sum())), seconds)


def _most_alike(here: Array, there: Array) -> list[int]:
    """For each fifth of a second of one sound the place of the other from which a second is most alike."""
    places = len(there) - PER_SECOND + 1
    squares = np.concatenate([[0.0], np.cumsum(np.square(there, dtype=np.float64).sum(axis=1))])
    norms = np.sqrt(np.maximum(squares[PER_SECOND:] - squares[:-PER_SECOND], 1e-9))
    best: list[int] = []
    starts = np.arange(0, max(1, len(here) - PER_SECOND + 1), STEP)
    for begin in range(0, len(starts), CHUNK):
        rows = starts[begin : begin + CHUNK]
        products = here[rows[0] : rows[-1] + PER_SECOND] @ there.T
        alike = sum(products[rows - rows[0] + k, k : k + places] for k in range(PER_SECOND))
        best += np.argmax(alike / norms, axis=1).tolist()
    return best


def _found(second: Array, song: Array, place: int) -> int | None:
    """Where within a hop of a place of the song a second of sound is, to the sample, if it is."""
    pieces = second.reshape(-1, PIECE)
    loudest = int(np.argmax(np.square(pieces).sum(axis=1)))
    begin = max(0, place + loudest * PIECE - HOP)
    around = song[begin : begin + PIECE + 2 * HOP]
    if len(around) < PIECE:
        return None
    shift = int(np.argmax(correlate(around, pieces[loudest], "valid", "fft")))
    found = begin + shift - loudest * PIECE
    return found if _correlation(second, song, found) >= SAME else None


def _correlation(second: Array, song: Array, place: int) -> float:
    """The cosine of a second of sound and as much of the song from a place on; 0 beyond its ends."""
    there = song[max(0, place) : max(0, place) + len(second)]
    if place < 0 or len(there) < len(second):
        return 0.0
    return float(second @ there / max(float(np.linalg.norm(second) * np.linalg.norm(there)), 1e-9))
