"""Does a track go round in circles? What share of it was heard before, and what share is heard as a loop.

Two seconds of sound are the same where their log-mel spectra (64 bands, 25 a second, standardised band by band
over the track) correlate by `SAME` or more. 3 dB of gain do not matter, nor a shift by less than a frame; other
sound of the same song mixed in does from about -12 dB on. Music itself comes back: its share is the control that
belongs beside every other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.evaluation.spectra import PER_SECOND, mel_energies

Array = NDArray[np.float32]

RATE = 22050
HOP = RATE // PER_SECOND
PATCH = PER_SECOND
SAME = 0.95
MIN_LAG, MAX_LAG, MAX_LOOP_LAG = 2 * PER_SECOND, 60 * PER_SECOND, 30 * PER_SECOND
LOOP, GAP = 4 * PER_SECOND, 10  # a loop lasts four seconds; breaks of 0.4 s do not end it
SILENCE_DECIBELS = -50.0


@dataclass(frozen=True)
class Circles:
    """Shares, 0 to 1, of what follows the head: seconds that were heard in the minute before, and time in loops.

    A loop is four seconds or more that repeat, at one lag of up to half a minute, what was heard before them; the
    longest that ends after the head is given in seconds. `returns_after` is the median time since a second was heard
    last, 2 to 60 s; what was not heard in the minute before counts as 60 s.
    """

    comes_back: float
    loops: float
    longest_loop: float
    returns_after: float


def circles(track: Array, head_seconds: float, *, same: float = SAME) -> Circles:
    """Measure a mono track `(n,)` at 22050 Hz after its head; silence does not count, nor less than a second."""
    spectra = log_mel(track)
    between = log_mel(np.append(track[HOP // 2 :], np.zeros(HOP // 2, np.float32)))[: len(spectra)]
    sums = _statistics(spectra), _statistics(between)
    count = len(spectra) - PATCH + 1
    power = np.square(track[: len(track) // HOP * HOP], dtype=np.float64).reshape(-1, HOP).mean(axis=1)[:count]
    audible = 10 * np.log10(power / max(power.mean(), 1e-12) + 1e-12) > SILENCE_DECIBELS
    after = np.arange(count) >= round(head_seconds * PER_SECOND)

    alike = np.zeros((min(MAX_LAG, count - 1) + 1, count), bool)
    for lag in range(MIN_LAG, len(alike)):
        for past, statistics in ((spectra, sums[0]), (between, sums[1])):
            alike[lag, lag:] |= _correlation(spectra, past, sums[0], statistics, lag) >= same
    alike = np.logical_and(alike, audible)
    counted = after & audible
    if counted.sum() < PATCH:
        return Circles(0.0, 0.0, 0.0, MAX_LAG / PER_SECOND)
    looped, longest = np.zeros(count, bool), 0
    for lag in range(MIN_LAG, min(MAX_LOOP_LAG, len(alike) - 1)):
        for begin, end in _runs(np.logical_or.reduce(alike[lag - 1 : lag + 2])):
            if end - begin >= LOOP - PATCH + 1:
                looped[begin : end + PATCH - 1] = True
                longest = max(longest, end - begin + PATCH - 1 if after[end - 1] else 0)
    returns = alike.any(axis=0)
    since = np.where(returns, np.argmax(alike, axis=0), MAX_LAG)[counted]
    return Circles(
        float(returns[counted].mean()),
        float(looped[counted].mean()),
        longest / PER_SECOND,
        float(np.median(since)) / PER_SECOND,
    )


def log_mel(track: Array) -> Array:
    """Natural logarithms of mel energies `(n / 882, 64)`, each band standardised over the track.

    Bands that hardly move are kept small.
    """
    energy = mel_energies(track, RATE)
    level = np.log(energy + 1e-3 * energy.mean() + 1e-12)
    level = level - level.mean(axis=0)
    standard: Array = (level / (level.std(axis=0) + 0.25 * level.std() + 1e-6)).astype(np.float32)
    return standard


Statistics = tuple[NDArray[np.float64], NDArray[np.float64]]


def _statistics(spectra: Array) -> Statistics:
    """The mean and the variance of every patch."""
    cells = PATCH * spectra.shape[1]
    mean = _sums(spectra.sum(axis=1)) / cells
    return mean, np.maximum(_sums(np.square(spectra).sum(axis=1)) / cells - mean**2, 1e-6)


def _correlation(now: Array, past: Array, here: Statistics, there: Statistics, lag: int) -> NDArray[np.float64]:
    """Pearson's correlation of every patch with the one so many frames before."""
    n = len(here[0]) - lag
    products = _sums(np.einsum("ij,ij->i", now[lag:], past[: len(past) - lag])) / (PATCH * now.shape[1])
    covariance = products - here[0][lag:] * there[0][:n]
    correlation: NDArray[np.float64] = covariance / np.sqrt(here[1][lag:] * there[1][:n])
    return correlation


def _sums(values: NDArray[np.floating]) -> NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    result: NDArray[np.float64] = total[PATCH:] - total[:-PATCH]
    return result


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end of each run of true flags; runs with a short break between them are one."""
    edges = np.flatnonzero(np.diff(np.pad(flags.astype(np.int8), 1)))
    runs: list[tuple[int, int]] = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and begin - runs[-1][1] <= GAP:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((begin, end))
    return runs
