"""Where the music of a song begins and ends, and whether it ends by itself. Pure arrays in, numbers out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks

STEP_SECONDS = 0.05
SILENCE_DECIBELS = -60.0  # against the song's own level
DECAYED_DECIBELS = -20.0  # an ending: the last moment of music is that far down
FULL_DECIBELS = -4.0  # where the level was last that high, the ending begins
LAST_MOMENT_SECONDS = 0.2
MAX_ENDING_SECONDS = 30.0


@dataclass(frozen=True)
class Music:
    """Samples of a song between which there is music, `begin <= ending <= end`.

    `ending` is where its own ending begins, a last chord or a fade; it equals `end` where the song was cut
    off in the middle.
    """

    begin: int
    ending: int
    end: int

    @property
    def ends_by_itself(self) -> bool:
        return self.ending < self.end


def find_music(samples: NDArray[np.floating], rate: int) -> Music:
    """Find the music in `(n, channels)`; a song of silence is music from end to end."""
    step = max(1, min(round(STEP_SECONDS * rate), len(samples)))
    whole = len(samples) // step
    steps = samples[: whole * step].reshape(whole, -1)
    energy = np.concatenate([np.einsum("ij,ij->i", some, some, dtype=np.float64) for some in chunks(steps)])
    energy /= steps.shape[1]
    if not energy.any():
        return Music(0, len(samples), len(samples))
    level = 10 * np.log10(energy / np.median(energy[energy > energy.mean() * 1e-5]) + 1e-9)
    loud = np.flatnonzero(level > SILENCE_DECIBELS)
    begin = int(loud[0]) * step
    end = len(samples) if loud[-1] == whole - 1 else (int(loud[-1]) + 1) * step

    moment = round(LAST_MOMENT_SECONDS / STEP_SECONDS)
    if level[max(0, loud[-1] + 1 - moment) : loud[-1] + 1].max() > DECAYED_DECIBELS:
        return Music(begin, end, end)
    second = round(1 / STEP_SECONDS)
    smooth = 10 * np.log10(np.convolve(10 ** (level / 10), np.ones(second) / second, "same"))
    full = np.flatnonzero(smooth[: loud[-1]] > FULL_DECIBELS)
    ending = (int(full[-1]) if len(full) else 0) * step
    return Music(begin, max(begin, ending, end - round(MAX_ENDING_SECONDS * rate)), end)
