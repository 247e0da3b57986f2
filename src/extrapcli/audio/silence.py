"""The one definition of silence, and of where the music of a song begins, ends, and comes to an ending.

Everything is measured in steps of 50 ms of a sound without its offset (`Song.heard`), all channels together.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.steps import SECOND, Steps

SILENT = 10 ** (-90 / 10)  # power of full scale: a song in which no step has that much is silent
SILENCE_DECIBELS = -60.0  # relative to the song's own level
NOISE_DECIBELS = -45.0  # a recording's own noise is softer than this, relative to the loudest step,
EVEN_DECIBELS = 2.0  # varies by less than this over 2 s, in quarters of a second,
ABOVE_NOISE_DECIBELS = 6.0  # and counts as noise up to this much above it
DECAYED_DECIBELS = -20.0  # a song has an ending if its last moment is softer than this
FULL_DECIBELS = -4.0  # the ending begins where the level was last this high
LAST_MOMENT_STEPS = 4
MAX_ENDING_SECONDS = 30.0
LEAST_SECONDS = 1.0  # of music before an ending; a single stroke that decays has no ending
BEFORE_ENDING_SECONDS = 8  # of a song that ends by itself, a continuation leaves it
LONG_SECONDS = 5  # a shorter silence is part of the music

Powers = NDArray[np.float64]
"""The mean square of each step, `(steps,)`."""


@dataclass(frozen=True)
class Bounds:
    """Samples of a song between which there is music, `begin <= ending <= end`.

    `ending` is where the song's own ending begins: a last chord that decays, or a fade-out. It equals `end` for a
    song that is cut off. `silences` are the long ones in between, as before a hidden track: first sample, and the
    first one after.
    """

    begin: int
    ending: int
    end: int
    silences: tuple[tuple[int, int], ...] = ()

    @property
    def ends_by_itself(self) -> bool:
        return self.ending < self.end

    def leaves_at(self, rate: int) -> int:
        """Return the first sample at which a continuation may leave the song: a few seconds before an ending."""
        if not self.ends_by_itself:
            return self.end
        return max(self.ending - BEFORE_ENDING_SECONDS * rate, (self.begin + self.ending) // 2)

    @property
    def silent(self) -> int:
        """How many samples the long silences last."""
        return sum(end - begin for begin, end in self.silences)


def is_silent(power: Powers) -> bool:
    """Tell whether no step reaches -90 dBFS."""
    return bool(power.max() < SILENT)


def level_of(power: Powers) -> float:
    """Return a song's own level: the median power of the steps above its noise and not 50 dB softer than the mean."""
    loud = power[power > max(_noise(power, power.max()), _noise(power[::-1], power.max()), power.mean() * 1e-5)]
    return float(np.median(loud)) if len(loud) else 0.0


def silence(power: Powers) -> float:
    """Return the power up to which steps of a song are silent, 60 dB below its level; infinite for a silent song."""
    return np.inf if is_silent(power) else level_of(power) * 10 ** (SILENCE_DECIBELS / 10)


def find_bounds(steps: Steps) -> Bounds:
    """Find the bounds of the music in a song; a silent song counts as music from end to end.

    Silence before, after and inside the music may be a recording's own noise: what is even, soft and lasts.
    """
    power, step = steps.power, steps.size
    sounds = power > silence(power)
    if not sounds.any():
        return Bounds(0, steps.length, steps.length)
    first = int(np.argmax(sounds & (power > _noise(power, power.max()))))
    last = len(power) - 1 - int(np.argmax((sounds & (power > _noise(power[::-1], power.max())))[::-1]))
    begin = first * step
    end = steps.length if last == len(power) - 1 else (last + 1) * step

    audible = np.flatnonzero(power > power.max() * 10 ** (NOISE_DECIBELS / 10))
    gaps = np.flatnonzero(np.diff(audible) > LONG_SECONDS * SECOND)
    for first_soft, after in zip(audible[gaps] + 1, audible[gaps + 1], strict=True):
        soft = power[first_soft:after]
        sounds[first_soft:after] &= soft > _noise(soft[::-1], power.max())
    loud = first + np.flatnonzero(sounds[first : last + 1])
    long = np.flatnonzero(np.diff(loud) > LONG_SECONDS * SECOND)
    silences = tuple((int(loud[k] + 1) * step, int(loud[k + 1]) * step) for k in long)

    level = 10 * np.log10(power / level_of(power) + 1e-9)
    if level[max(0, last + 1 - LAST_MOMENT_STEPS) : last + 1].max() > DECAYED_DECIBELS:
        return Bounds(begin, end, end, silences)
    smooth = 10 * np.log10(np.convolve(10 ** (level / 10), np.ones(SECOND) / SECOND, "same"))
    full = np.flatnonzero(smooth[:last] > FULL_DECIBELS)
    ending = (int(full[-1]) if len(full) else 0) * step
    after_silence = silences[-1][1] if silences else begin
    bounds = Bounds(begin, max(after_silence, ending, end - round(MAX_ENDING_SECONDS * steps.rate)), end, silences)
    enough = bounds.ending - begin - bounds.silent >= LEAST_SECONDS * steps.rate
    return bounds if enough else replace(bounds, ending=end)


def _noise(power: Powers, loudest: float) -> float:
    """Return the power up to which steps count as the noise that they begin with; 0 where they begin with none."""
    quarters = power[: 2 * SECOND]
    if len(quarters) < 2 * SECOND:
        return 0.0
    quarters = quarters.reshape(8, -1).mean(axis=1)
    even = quarters.max() < quarters.min() * 10 ** (EVEN_DECIBELS / 10)
    soft = quarters.mean() < loudest * 10 ** (NOISE_DECIBELS / 10)
    return float(quarters.mean()) * 10 ** (ABOVE_NOISE_DECIBELS / 10) if even and soft else 0.0
