"""What users ask for, checked: lengths, styles, what a song is fitted to, and loops."""

from collections.abc import Sequence
from dataclasses import dataclass

from extrapcli.continuation import Length
from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Ending, Fit, LoopQuery, Style
from extrapcli.models import COMPOSER, DEFAULT
from extrapcli.mood import Arc
from extrapcli.ranges import (
    LEAST_LOOP_SECONDS,
    LEAST_MINUTES,
    MOST_BARS,
    MOST_CROSSFADE_SECONDS,
    MOST_MINUTES,
    MOST_TIMES,
    check_number,
    check_whole,
)


def length(minutes: float | None, add: float | None) -> Length:
    """Make a length from what a user asks for; raise UsageError where that makes no sense."""
    if minutes is not None and add is not None:
        raise UsageError("minutes and add exclude each other; give one of them")
    if minutes is None and add is None:
        return Length(twice=True)
    asked = minutes if add is None else add
    assert asked is not None
    return Length(asked, beyond=add is not None)


def style(
    ending: Ending,
    variety: float,
    crossfade: float | None,
    seed: int,
    mood: str | float | None = None,
    arc: str | None = None,
    fit: Fit | None = None,
    another: Sequence[int] = (),
    new: float | None = None,
) -> Style:
    """Make a style from what a user asks for; raise UsageError for what is out of range."""
    if crossfade is not None:
        check_number("crossfade", crossfade, 0, MOST_CROSSFADE_SECONDS, "s")
    if mood is not None and arc is not None:
        raise UsageError("give either a mood or an arc, not both")
    if arc is not None and not isinstance(arc, str):
        raise UsageError(f"an arc of {arc!r} isn't text; write one as calm:lively, or as '0:30 keep, 2:00 lively'")
    wanted = Arc.parse(arc) if arc is not None else Arc.of_mood(mood) if mood is not None else None
    return Style(crossfade, ending, variety, seed, wanted, fit, tuple(another), new)


def composing(model: str, new: float | None) -> str:
    """Return the name of the model for a share of new bars: `compose`, unless another than the default is named."""
    return COMPOSER if new and model == DEFAULT else model


def fit(keep: Sequence[tuple[float, float]], hits: Sequence[float]) -> Fit:
    """Make a `Fit` of stretches of a song and times of a track, all in seconds. Raises UsageError."""
    try:
        stretches, times = [(begin, end) for begin, end in keep], sorted(set(hits))
    except TypeError:
        raise UsageError("give what is kept as [(30, 45)], and hits as [42], in seconds") from None
    for begin, end in stretches:
        check_number("time", begin, 0, 60 * MOST_MINUTES, "s")
        check_number("time", end, 0, 60 * MOST_MINUTES, "s")
        if begin >= end:
            raise UsageError(f"what is kept from {begin:g} s to {end:g} s has no length; give its beginning first")
    for hit in times:
        check_number("time", hit, 0, 60 * MOST_MINUTES, "s")
    return Fit(tuple((float(begin), float(end)) for begin, end in stretches), tuple(map(float, times)))


@dataclass(frozen=True)
class LoopWish:
    """Which loop of a song is wanted, and what of it.

    Attributes:
        bars: how many bars it should have.
        least, most: how many seconds long it should be.
        pick: which of the loops that are found, 1 for the best.
        times: how often it should be played in a track with the song's beginning and ending; None for no such track.
        minutes: how long that track should be, about, instead of `times`.
        split: whether the song's beginning, the loop and the song's ending should become files of their own.
        mark: whether the file should begin with the song and say which of its samples repeat.
        near: the seconds of the song near which the loop should begin and end, instead of the best.

    Raises UsageError for what contradicts itself or is out of range.
    """

    bars: int | None = None
    least: float | None = None
    most: float | None = None
    pick: int = 1
    times: int | None = None
    minutes: float | None = None
    split: bool = False
    mark: bool = False
    near: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.bars is not None:
            check_whole("number of bars", self.bars, 1, MOST_BARS)
        for seconds in (self.least, self.most):
            if seconds is not None:
                check_number("length of a loop", seconds, LEAST_LOOP_SECONDS, 60 * MOST_MINUTES, "s")
        if self.least and self.most and self.least > self.most:
            raise UsageError(f"a loop of at least {self.least:g} s can't be at most {self.most:g} s long")
        if self.near:
            begin, end = self.near
            check_number("time", begin, 0, 60 * MOST_MINUTES, "s")
            check_number("time", end, begin + LEAST_LOOP_SECONDS, 60 * MOST_MINUTES, "s")
            if self.bars or self.least or self.most:
                raise UsageError("a loop near two times has the length that these leave; ask for no other")
        check_whole("pick", self.pick, 1, 1000)
        if self.times is not None:
            check_whole("number of times", self.times, 1, MOST_TIMES)
        if self.minutes is not None:
            check_number("length", self.minutes, LEAST_MINUTES, MOST_MINUTES, "minutes")
        whole = self.times is not None or self.minutes is not None
        if whole + self.split + self.mark > 1 or (self.times is not None and self.minutes is not None):
            raise UsageError("ask for one of these: a track that repeats the loop, its parts, or a file with a mark")

    @property
    def query(self) -> LoopQuery:
        """Which loops are looked for."""
        return LoopQuery(self.bars, self.least, self.most, self.near)
