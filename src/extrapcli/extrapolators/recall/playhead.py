"""A part on its way through the track."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.analysis import Part

Sound = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Voice:
    """At sample t of the track it plays sample `t + offset` of its part.

    It jumped there at sample `since`, from where on `gain` holds and then 1, and may jump again from `free` on.
    """

    part: Part
    offset: int
    free: int
    since: int = 0
    gain: NDArray[np.float32] = field(default_factory=lambda: np.ones(0, np.float32))

    def at(self, moment: int) -> int:
        """The sample of the song that is played at a sample of the track."""
        return moment + self.offset

    def sound(self, begin: int, end: int) -> Sound:
        """What it plays between two samples of the track, `(n, channels)`; nothing before the song begins."""
        begin = max(begin, -self.offset)
        sound = self.part.sound[self.at(begin) : self.at(end)].copy()
        first, last = max(begin, self.since), min(end, self.since + len(self.gain))
        if first < last:
            sound[first - begin : last - begin] *= self.gain[first - self.since : last - self.since, None]
        return sound


def mix(sounds: list[Sound]) -> Sound:
    return sum(sounds[1:], start=sounds[0])
