"""Self-repetition: how much of a track was heard before, and how much of it is heard as a loop.

Two seconds of sound count as the same where their log-mel spectra correlate by `SAME` or more: 64 bands, 25 frames a
second, each band standardised over the track. A gain of 3 dB makes no difference, nor does a shift by less than a
frame; other sound of the same song mixed in does, from about -12 dB on. Music repeats itself too, so read the values
beside those of the true continuation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.silence import silence
from extrapcli.audio.steps import Steps
from extrapcli.dsp import moving_sum
from extrapcli.evaluation.spectra import FRAMES_PER_SECOND, mel_power

RATE = 22050
HOP = RATE // FRAMES_PER_SECOND
PATCH = FRAMES_PER_SECOND
SAME = 0.95
MIN_LAG, MAX_LAG, MAX_LOOP_LAG = 2 * FRAMES_PER_SECOND, 60 * FRAMES_PER_SECOND, 30 * FRAMES_PER_SECOND
LOOP, GAP = 4 * FRAMES_PER_SECOND, 10  # a loop lasts at least 4 s; breaks of 0.4 s do not end it


@dataclass(frozen=True)
class SelfRepetition:
    """How much of what follows the head repeats what came before it; silence does not count.

    `repeated` is the share of seconds, 0 to 1, that were heard in the minute before. `median_return_seconds` is the
    median time since a second was last heard, 2 to 60 s; what was not heard in the minute before counts as 60 s.
    `looped` is the share of time, 0 to 1, in loops: four seconds or more that repeat, at one lag of up to half a
    minute, what was heard before them. `longest_loop_seconds` is the longest that ends after the head. All are NaN
    where less than a second sounds after the head.
    """

    repeated: float
    median_return_seconds: float
    looped: float
    longest_loop_seconds: float


def self_repetition(track: NDArray[np.float32], head_seconds: float) -> SelfRepetition:
    """Measure a mono track `(n,)` at 22050 Hz after its head."""
    spectra = log_mel(track)
    between = log_mel(np.append(track[HOP // 2 :], np.zeros(HOP // 2, np.float32)))[: len(spectra)]
    patches, patches_between = _Patches(spectra), _Patches(between)
    count = len(spectra) - PATCH + 1
    power = np.square(track[: len(track) // HOP * HOP], dtype=np.float64).reshape(-1, HOP).mean(axis=1)[:count]
    audible = power > silence(Steps.of(track[:, None], RATE).power)
    after = np.arange(count) >= round(head_seconds * FRAMES_PER_SECOND)

    same = np.zeros(
        (min(MAX_LAG, count - 1) + 1, count), bool
    )  # [lag, frame]; librosa's recurrence has no time limit
    for lag in range(MIN_LAG, len(same)):
        for past in (patches, patches_between):
            same[lag, lag:] |= patches.correlation(past, lag) >= SAME
    same &= audible
    counted = after & audible
    if counted.sum() < PATCH:
        return SelfRepetition(np.nan, np.nan, np.nan, np.nan)
    looped, longest = np.zeros(count, bool), 0
    for lag in range(MIN_LAG, min(MAX_LOOP_LAG, len(same) - 1)):
        for begin, end in _runs(np.logical_or.reduce(same[lag - 1 : lag + 2])):
            if end - begin >= LOOP - PATCH + 1:
                looped[begin : end + PATCH - 1] = True
                longest = max(longest, end - begin + PATCH - 1 if after[end - 1] else 0)
    repeated: NDArray[np.bool_] = np.logical_or.reduce(same)
    since = np.where(repeated, np.argmax(same, axis=0), MAX_LAG)
    return SelfRepetition(
        float(repeated[counted].mean()),
        float(np.median(since[counted])) / FRAMES_PER_SECOND,
        float(looped[counted].mean()),
        longest / FRAMES_PER_SECOND,
    )


def log_mel(track: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute log-mel spectra `(n // 882, 64)` of mono sound at 22050 Hz, each band standardised over the track.

    The standard deviation has a floor, so that bands that hardly move stay small.
    """
    power = mel_power(track, RATE)
    level = np.log(power + 1e-3 * power.mean() + 1e-12)
    level -= level.mean(axis=0)
    standard: NDArray[np.float32] = level / (level.std(axis=0) + 0.25 * level.std() + 1e-6)
    return standard


class _Patches:
    """Spectra `(n, bands)` and the mean and variance of every second of them."""

    def __init__(self, spectra: NDArray[np.float32]) -> None:
        self.spectra = spectra
        self.cells = PATCH * spectra.shape[1]
        self.mean = moving_sum(spectra.sum(axis=1), size=PATCH) / self.cells
        squares = moving_sum(np.square(spectra).sum(axis=1), size=PATCH) / self.cells
        self.variance = np.maximum(squares - self.mean**2, 1e-6)

    def correlation(self, past: "_Patches", lag: int) -> NDArray[np.float64]:
        """Compute Pearson's correlation of every second with the one `lag` frames before it in `past`."""
        n = len(self.mean) - lag
        products = np.einsum("ij,ij->i", self.spectra[lag:], past.spectra[: len(past.spectra) - lag])
        covariance = moving_sum(products, size=PATCH) / self.cells - self.mean[lag:] * past.mean[:n]
        correlation: NDArray[np.float64] = covariance / np.sqrt(self.variance[lag:] * past.variance[:n])
        return correlation


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return begin and end of each run of true flags; a short break does not end a run."""
    edges = np.flatnonzero(np.diff(np.pad(flags.astype(np.int8), 1)))
    runs: list[tuple[int, int]] = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and begin - runs[-1][1] <= GAP:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((begin, end))
    return runs
