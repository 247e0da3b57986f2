"""Copying: how much of a continuation is the song again, sample for sample, in mono at 22050 Hz.

`self_repetition` asks what sounds the same, this module what is the same. A copy that is shifted in time, louder or
softer is found; one that is slower, higher, or mixed with other sound as loud as itself is not. In a new mix of old
layers, each layer is a copy by itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from extrapcli.audio.silence import silence
from extrapcli.audio.steps import Steps
from extrapcli.dsp import moving_sum
from extrapcli.evaluation.self_repetition import HOP, RATE, log_mel
from extrapcli.evaluation.spectra import FRAMES_PER_SECOND
from extrapcli.extrapolators.recall import percussive_layer

SAME = 0.9  # correlation of a second's samples: the difference is 6 dB softer than what agrees
STEP = FRAMES_PER_SECOND // 5
PIECE = RATE // 5  # the loudest of a second is what aligns it to the sample
CHUNK = 40


@dataclass(frozen=True)
class Copies:
    """`share`, 0 to 1, of what is audible in the continuation, and the longest uninterrupted copy in seconds.

    Both are NaN where nothing is audible, or song or continuation is shorter than a second.
    """

    share: float
    longest_seconds: float


def copies(song: NDArray[np.float32], continuation: NDArray[np.float32]) -> Copies:
    """Look for each second of a continuation `(m,)` in the song `(n,)`, five times a second.

    The position in the song whose log-mel spectra are most similar is compared sample by sample: the cosine, at the
    best shift of up to 40 ms. A copy is uninterrupted while its lag stays the same to 40 ms.
    """
    if len(continuation) < RATE or len(song) < RATE:
        return Copies(np.nan, np.nan)
    spectra = log_mel(np.concatenate([song[: len(song) // HOP * HOP], continuation]))
    spectra -= spectra.mean(axis=1, keepdims=True)  # gain raises all bands alike
    there, here = spectra[: len(song) // HOP], spectra[len(song) // HOP :]
    floor = silence(Steps.of(song[:, None], RATE).power)
    lag: int | None = None
    run, longest = 0, 0
    audible, copied = np.zeros((2, len(here) // STEP + FRAMES_PER_SECOND // STEP), bool)
    for index, position in enumerate(_most_similar(here, there)):
        at = index * STEP * HOP
        second = continuation[at : at + RATE]
        around = slice(index, index + FRAMES_PER_SECOND // STEP)
        loud = np.square(second, dtype=np.float64).mean() > floor
        audible[around] |= loud
        found = None
        if loud and lag is not None and _cosine(second, song, at - lag) >= SAME:
            found = at - lag
        elif loud:
            found = _align(second, song, position * HOP)
        copied[around] |= found is not None
        if found is not None:
            run = run + 1 if lag is not None and abs(at - found - lag) <= HOP else 1
            longest = max(longest, run)
        lag = None if found is None else at - found
    if not audible.any():
        return Copies(np.nan, np.nan)
    seconds = (longest - 1) * STEP / FRAMES_PER_SECOND + 1 if longest else 0.0
    return Copies(float(copied.sum() / audible.sum()), seconds)


def layers(sound: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Split mono sound `(n,)` into its harmonic and its percussive layer, as `recall` splits songs."""
    percussive = percussive_layer(sound[:, None], RATE)[:, 0]
    return sound - percussive, percussive


def _most_similar(here: NDArray[np.float32], there: NDArray[np.float32]) -> list[int]:
    """Find the second of `there` that is most similar to each second of `here`, five times a second; return frames.

    Both are spectra `(frames, bands)`; the measure is the inner product over the norm of the second of `there`.
    """
    positions = len(there) - FRAMES_PER_SECOND + 1
    squares = np.square(there, dtype=np.float64).sum(axis=1)
    norms = np.sqrt(np.maximum(moving_sum(squares, size=FRAMES_PER_SECOND), 1e-9))
    best: list[int] = []
    starts = np.arange(0, max(1, len(here) - FRAMES_PER_SECOND + 1), STEP)
    for begin in range(0, len(starts), CHUNK):
        rows = starts[begin : begin + CHUNK]
        products = here[rows[0] : rows[-1] + FRAMES_PER_SECOND] @ there.T
        similarity = sum(products[rows - rows[0] + k, k : k + positions] for k in range(FRAMES_PER_SECOND))
        best += np.argmax(similarity / norms, axis=1).tolist()
    return best


def _align(second: NDArray[np.float32], song: NDArray[np.float32], position: int) -> int | None:
    """Find the sample within a hop of a position of the song where a copied second begins; None if it is no copy."""
    pieces = second.reshape(-1, PIECE)
    loudest = int(np.argmax(np.square(pieces).sum(axis=1)))
    begin = max(0, position + loudest * PIECE - HOP)
    around = song[begin : begin + PIECE + 2 * HOP]
    if len(around) < PIECE:
        return None
    shift = int(np.argmax(correlate(around, pieces[loudest], "valid", "fft")))
    found = begin + shift - loudest * PIECE
    return found if _cosine(second, song, found) >= SAME else None


def _cosine(second: NDArray[np.float32], song: NDArray[np.float32], position: int) -> float:
    """Compute the cosine of a second of sound and as much of the song from a position on; 0 beyond its ends."""
    there = song[max(0, position) : max(0, position) + len(second)]
    if position < 0 or len(there) < len(second):
        return 0.0
    return float(second @ there / max(float(np.linalg.norm(second) * np.linalg.norm(there)), 1e-9))
