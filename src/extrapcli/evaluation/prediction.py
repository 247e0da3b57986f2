"""How near predicted samples come to the music that really followed, and what predicts it without learning."""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from extrapcli.evaluation.spectra import mel_energies

Array = NDArray[np.float32]
RANGE_DECIBELS = 60.0
MATCHED_SECONDS, LEAST_LAG_SECONDS = 2, 1


@dataclass(frozen=True)
class Distance:
    """Mean squared error in units of the true samples'; log-mel distance and level in decibels.

    The log-mel distance is the mean absolute difference of mel spectra, none counted as further than 60 dB below
    the loudest true one. The level is that of the prediction against the truth: below 0 is too quiet, and what
    is more than 60 dB too quiet counts as 60.
    """

    mse: float
    log_mel: float
    level: float


def distance(answer: Array, truth: Array, rate: int) -> Distance:
    """Compare mono sounds of one length, `(n,)`, at `rate`; neither needs to be standardised."""
    true = mel_energies(truth, rate)
    floor = max(float(true.max()), 1e-12) * 10 ** (-RANGE_DECIBELS / 10)
    apart = np.abs(_decibels(mel_energies(answer, rate), floor) - _decibels(true, floor)).mean()
    power, wanted = np.square(answer, dtype=np.float64).mean(), np.square(truth, dtype=np.float64).mean()
    level = 10 * np.log10(max(power, wanted * 1e-6, 1e-12) / max(wanted, 1e-12))
    return Distance(float(np.square(answer - truth, dtype=np.float64).mean()), float(apart), float(level))


def mean(distances: list[Distance]) -> Distance:
    """The mean of each measure; raises ValueError where there is none."""
    if not distances:
        raise ValueError("nothing to take the mean of")
    return Distance(*np.mean([astuple(one) for one in distances], axis=0).tolist())


def silence(context: Array, samples: int, rate: int) -> Array:
    """Predict nothing."""
    return np.zeros(samples, np.float32)


def repeat(context: Array, samples: int, rate: int) -> Array:
    """Predict the last `samples` of the context again."""
    return context[-samples:]


def best_lag(context: Array, samples: int, rate: int) -> Array:
    """Predict that the context repeats itself at the lag at which its last two seconds are most alike what was.

    Lags are of one second at least; likeness is the normalised correlation of samples. Where a lag is shorter
    than what is wanted, its stretch is played over and over.
    """
    matched = MATCHED_SECONDS * rate
    past, last = context[: -LEAST_LAG_SECONDS * rate].astype(np.float64), context[-matched:].astype(np.float64)
    energy = np.cumsum(np.square(past, dtype=np.float64), dtype=np.float64)
    energies = energy[matched - 1 :] - np.concatenate([[0.0], energy[:-matched]])
    likeness = correlate(past, last, "valid", "fft") / np.sqrt(np.maximum(energies, 1e-9 * energy[-1] + 1e-12))
    begin = int(np.argmax(likeness)) + matched
    repeated: Array = np.resize(context[begin:], samples)
    return repeated


def _decibels(energies: Array, floor: float) -> Array:
    decibels: Array = 10 * np.log10(np.maximum(energies, floor))
    return decibels
