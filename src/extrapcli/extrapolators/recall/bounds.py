"""Where the music of a song begins and ends, and whether it comes to an end by itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks

STEP_SECONDS = 0.05
SILENCE_DECIBELS = -60.0  # relative to the song's own level
DECAYED_DECIBELS = -20.0  # a song has an ending if its last moment is softer than this
FULL_DECIBELS = -4.0  # the ending begins where the level was last this high
LAST_MOMENT_SECONDS = 0.2
MAX_ENDING_SECONDS = 30.0


@dataclass(frozen=True)
class Bounds:
    """Samples of a song between which there is music, `begin <= ending <= end`.

    `ending` is where the song's own ending begins: a last chord that decays, or a fade-out. It equals `end` for a
    song that is cut off.
    """

    begin: int
    ending: int
    end: int

    @property
    def ends_by_itself(self) -> bool:
        return self.ending < self.end


def find_bounds(samples: NDArray[np.floating], rate: int) -> Bounds:
    """Find the bounds of the music in `(n, channels)`; a silent song counts as music from end to end.

    Levels are those of steps of 50 ms, in decibels relative to the median of the steps that are not silent.
    """
    step = max(1, min(round(STEP_SECONDS * rate), len(samples)))
    count = len(samples) // step
    steps = samples[: count * step].reshape(count, -1)
    energy = np.concatenate([np.einsum("ij,ij->i", chunk, chunk, dtype=np.float64) for chunk in chunks(steps)])
    energy /= steps.shape[1]
    if not energy.any():
        return Bounds(0, len(samples), len(samples))
    level = 10 * np.log10(energy / np.median(energy[energy > energy.mean() * 1e-5]) + 1e-9)
    loud = np.flatnonzero(level > SILENCE_DECIBELS)
    begin = int(loud[0]) * step
    end = len(samples) if loud[-1] == count - 1 else (int(loud[-1]) + 1) * step

    last_moment = round(LAST_MOMENT_SECONDS / STEP_SECONDS)
    if level[max(0, loud[-1] + 1 - last_moment) : loud[-1] + 1].max() > DECAYED_DECIBELS:
        return Bounds(begin, end, end)
    second = round(1 / STEP_SECONDS)
    smooth = 10 * np.log10(np.convolve(10 ** (level / 10), np.ones(second) / second, "same"))
    full = np.flatnonzero(smooth[: loud[-1]] > FULL_DECIBELS)
    ending = (int(full[-1]) if len(full) else 0) * step
    return Bounds(begin, max(begin, ending, end - round(MAX_ENDING_SECONDS * rate)), end)
