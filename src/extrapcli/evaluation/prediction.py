"""Distances between predicted samples and the music that really followed, and predictions that need no learning."""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from extrapcli.dsp import moving_sum
from extrapcli.evaluation.spectra import mel_power

RANGE_DECIBELS = 60.0
MATCHED_SECONDS, LEAST_LAG_SECONDS = 2, 1


@dataclass(frozen=True)
class Distance:
    """How far a prediction is from the truth.

    `mse` is the mean squared error in units of the true samples'. `log_mel` is the mean absolute difference of mel
    spectra in decibels, nothing counting as softer than 60 dB below the loudest true value. `level` is that of the
    prediction against the truth in decibels: negative is too quiet, at most 60 dB.
    """

    mse: float
    log_mel: float
    level: float


def distance(answer: NDArray[np.float32], truth: NDArray[np.float32], rate: int) -> Distance:
    """Compare mono sounds of one length, `(n,)`, at `rate`; neither needs to be standardised."""
    true = mel_power(truth, rate)
    floor = max(float(true.max()), 1e-12) * 10 ** (-RANGE_DECIBELS / 10)
    answered, wanted = (10 * np.log10(np.maximum(mel, floor)) for mel in (mel_power(answer, rate), true))
    power, true_power = (np.square(sound, dtype=np.float64).mean() for sound in (answer, truth))
    level = 10 * np.log10(max(power, true_power * 1e-6, 1e-12) / max(true_power, 1e-12))
    mse = np.square(answer - truth, dtype=np.float64).mean()
    return Distance(float(mse), float(np.abs(answered - wanted).mean()), float(level))


def mean(distances: list[Distance]) -> Distance:
    """Return the mean of each kind of distance; raise ValueError for an empty list."""
    if not distances:
        raise ValueError("nothing to take the mean of")
    return Distance(*np.mean([astuple(one) for one in distances], axis=0).tolist())


def silence(context: NDArray[np.float32], samples: int, rate: int) -> NDArray[np.float32]:
    """Predict silence."""
    return np.zeros(samples, np.float32)


def repeat(context: NDArray[np.float32], samples: int, rate: int) -> NDArray[np.float32]:
    """Predict the last `samples` of the context again."""
    return context[-samples:]


def best_lag(context: NDArray[np.float32], samples: int, rate: int) -> NDArray[np.float32]:
    """Predict that the context repeats at the lag of one second or more at which its last two seconds match best.

    The match is the normalised correlation of samples. Where a lag is shorter than `samples`, its stretch repeats.
    """
    matched = MATCHED_SECONDS * rate
    past, last = context[: -LEAST_LAG_SECONDS * rate].astype(np.float64), context[-matched:].astype(np.float64)
    floor = 1e-9 * np.square(past).sum() + 1e-12
    energies = np.maximum(moving_sum(np.square(past), size=matched), floor)
    match = correlate(past, last, "valid", "fft") / np.sqrt(energies)
    begin = int(np.argmax(match)) + matched
    repeated: NDArray[np.float32] = np.resize(context[begin:], samples)
    return repeated
