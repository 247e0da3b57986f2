"""Takes of a track: made, and kept until one is chosen; and what is around their first joins."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.analysis.summary import clock
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks, spooled
from extrapcli.continuation import Continuation, Join
from extrapcli.errors import NotGoodEnough, UsageError
from extrapcli.extrapolators.base import Style
from extrapcli.mood.meter import Meter, Mood
from extrapcli.progress import Progress
from extrapcli.rating import Rating
from extrapcli.words import listed

UNKNOWN = "how audible the joins of this model are isn't known"
PREVIEWED_JOINS, PREVIEW_SECONDS, PAUSE_SECONDS = 3, 4.0, 0.5

Samples = NDArray[np.floating]
Begin = Callable[[Song, int, Style, Analysis], Continuation]


class Take:
    """A track on its way, piece by piece; what is known of it is complete once it was iterated over."""

    def __init__(self, made: Continuation, meter: Meter | None, wanted: int, rate: int, seed: int) -> None:
        self.made, self.meter, self.wanted, self.rate, self.seed = made, meter, wanted, rate, seed
        self.remarks: list[str] = []
        self._kept: Samples | None = None

    @classmethod
    def of(cls, begin: Begin, song: Song, analysis: Analysis, wanted: int, style: Style) -> "Take":
        """Begin a track of `wanted` samples; `analysis` is that of `song.as_heard`."""
        curve = style.curve(analysis, wanted)
        meter = Meter(curve, analysis) if curve else None
        return cls(begin(song, wanted, style, analysis), meter, wanted, song.sample_rate, style.seed)

    def __iter__(self) -> Iterator[Samples]:
        if self._kept is not None:
            return chunks(self._kept)
        return iter(self.meter.hear(self.made) if self.meter else self.made)

    def keep(self) -> None:
        """Make all of it, and keep it to be iterated over."""
        self._kept = spooled(self)

    def sounds_like(self, other: "Take") -> bool:
        """Tell whether two takes that are kept have the same samples."""
        assert self._kept is not None
        assert other._kept is not None
        pairs = zip(chunks(self._kept), chunks(other._kept), strict=True)
        return self.joins == other.joins and all(np.array_equal(one, another) for one, another in pairs)

    @property
    def joins(self) -> list[Join]:
        return self.made.joins

    @property
    def mood(self) -> Mood | None:
        """The mood that was wanted and reached, if one was asked for."""
        return self.meter.mood(self.joins[0].seconds) if self.meter and self.joins else None

    @property
    def notes(self) -> list[str]:
        """What there is to be said of it, each in a sentence."""
        mood = self.mood
        return [*self.remarks, *self.made.notes, *(self.meter.notes(mood) if self.meter and mood else [])]

    @property
    def rating(self) -> Rating | None:
        """How good it is, if that is known."""
        return Rating.of(self.joins, self.wanted / self.rate)

    def preview(self) -> "Preview":
        """Return the sound around the first joins of a take, which is not made any further than that."""
        if self._kept is None:
            self._kept = spooled(self._beginning())
        return Preview.of(self._kept, self.joins[:PREVIEWED_JOINS], self.rate)

    def _beginning(self) -> Iterator[Samples]:
        """Yield the pieces up to a few seconds after the joins that are previewed."""
        done = 0
        for piece in self:
            yield piece
            done += len(piece)
            joins = self.joins
            if len(joins) >= PREVIEWED_JOINS:
                end = _end(joins[PREVIEWED_JOINS - 1]) + PREVIEW_SECONDS
                if done >= end * self.rate:
                    return


def choose(tries: Iterable[Take], most: int, song: str, *, limit: float | None, progress: Progress) -> list[Take]:
    """Make and keep up to `most` takes of a song that differ and have no join more audible than `limit` percent.

    Raises NotGoodEnough where there is none, and UsageError for a limit where it isn't known how audible joins are.
    """
    takes, worst = list[Take](), list[tuple[float, int]]()
    for take in tries:
        progress.doing(f"{song}: take {len(takes) + 1}")
        take.keep()
        if limit is not None:
            rating = take.rating
            if not rating:
                raise UsageError(f"{song}: {UNKNOWN}, so there can be no limit")
            worst.append((rating.worst, take.seed))
        if (limit is None or worst[-1][0] <= limit) and not any(map(take.sounds_like, takes)):
            takes.append(take)
        if len(takes) == most:
            return takes
    if not takes:
        percent, seed = min(worst)
        tried = f"in each of {len(worst)} tries " if len(worst) > 1 else ""
        raise NotGoodEnough(
            f"{song}: {tried}a join stands out from more of the song's beats than the {limit:g} % allowed; "
            f"seed {seed} comes nearest, with {percent:.0f} %",
            hint="retries",
        )
    return takes


@dataclass(frozen=True)
class Preview:
    """What a track sounds like around its first joins.

    Attributes:
        samples: `(n, channels)`: four seconds before and after each join, with half a second of silence between
            stretches that don't touch.
        joins: the joins that are heard, in seconds of the track.
    """

    samples: Samples
    joins: list[Join]

    @classmethod
    def of(cls, track: Samples, joins: Sequence[Join], rate: int) -> "Preview":
        stretches: list[tuple[int, int]] = []
        for join in joins:
            begin = max(0, round((join.seconds - PREVIEW_SECONDS) * rate))
            end = min(len(track), round((_end(join) + PREVIEW_SECONDS) * rate))
            if stretches and begin <= stretches[-1][1]:
                begin = stretches.pop()[0]
            stretches.append((begin, end))
        pause = np.zeros((round(PAUSE_SECONDS * rate), track.shape[1]), track.dtype)
        parts = [part for begin, end in stretches for part in (pause, track[begin:end])]
        return cls(np.concatenate([track[:0], *parts[1:]]), list(joins))

    def __iter__(self) -> Iterator[Samples]:
        return chunks(self.samples)

    @property
    def note(self) -> str:
        """Say what of the track it is."""
        times = [clock(join.seconds) for join in self.joins]
        return f"a preview: the seconds around the first joins of the track, at {listed(times, most=len(times))}"


def _end(join: Join) -> float:
    """Return the second at which a join is over."""
    return join.seconds + join.fade_seconds
