"""The words of the search for versions: waypoints, cuts, and the versions of a song that they make."""

from collections.abc import Callable
from dataclasses import dataclass

from extrapcli.extrapolators.recall.descriptors import Times

PlayCosts = Callable[[int, Times], Times]
"""Of a second of the slot after a line, if it is heard at seconds `(n,)` of the track: `(n,)`."""


@dataclass(frozen=True)
class Waypoint:
    """A second of the song that is to be heard at a second of the track.

    `spare` says how many seconds of silence before it may be left out, or played twice.
    """

    song: float
    track: float
    cost: float = 0.0
    spare: float = 0.0

    @property
    def later(self) -> float:
        return self.track - self.song


@dataclass(frozen=True)
class Cut:
    """Where the song is left, and where it goes on, in seconds. A `free` cut gives way to the others."""

    leave: float
    reach: float
    cost: float
    free: bool = False

    @property
    def later(self) -> float:
        """How much later it makes the track."""
        return self.leave - self.reach


@dataclass(frozen=True)
class Version:
    """A way from a start, by its number. One of the cuts is free, if there are any.

    `playing` is what it costs besides its cuts.
    """

    start: int
    cuts: tuple[Cut, ...]
    playing: float

    @property
    def cost(self) -> float:
        return self.playing + sum(cut.cost for cut in self.cuts)
