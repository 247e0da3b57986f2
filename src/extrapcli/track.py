"""A track in memory."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extrapcli.continuation import Join
from extrapcli.mood.meter import Mood
from extrapcli.rating import Rating


@dataclass(frozen=True)
class Track:
    """A song and its continuation.

    Attributes:
        samples: float32 or float64, `(n, channels)` or, where the song was given so, `(n,)`; full scale is -1 to 1.
        sample_rate: in Hz, the song's.
        head_samples: how long the song is or, in a song that is fitted to a length, what comes before the first join.
            Up to the first join the track is the song, sample for sample.
        joins: where the continuation goes from one position of the song to another.
        copied_seconds: how much of the track plays one position of the song as it is.
        mood: the one that was wanted and the one that was reached, if one was asked for.
        notes: what could not be reached, each in a sentence.
        loop_begin: the sample at which the track goes on after its end, if it leads back.
    """

    samples: NDArray[np.floating]
    sample_rate: int
    head_samples: int
    joins: list[Join]
    copied_seconds: float
    mood: Mood | None = None
    notes: list[str] = field(default_factory=list)
    loop_begin: int | None = None

    @property
    def seconds(self) -> float:
        """How long the track is."""
        return len(self.samples) / self.sample_rate

    @property
    def rating(self) -> Rating | None:
        """How good it is, if its joins tell: rank takes with several seeds by `rating.cost`."""
        return Rating.of(self.joins, self.seconds)
