"""How calm or lively a track should be from moment to moment, on a scale that is the song's own."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.analysis.spectra import MOMENTS_PER_SECOND
from extrapcli.errors import UsageError
from extrapcli.ranges import MOST_MINUTES, check_number, minutes_of

Level = float | None
"""From 0, calm, to 1, lively; None keeps the level at which the song is left."""

WORDS: dict[str, Level] = {"calm": 0.0, "lively": 1.0, "keep": None}
CALMEST, LIVELIEST = 20, 80  # percentiles of a song's energy
CALM_MUSIC = 0.3  # energy
TOWARDS_CALM = 0.5
LEAST_SPAN = 0.1  # of energy: a song that is the same all through has a scale, too
KEPT_SECONDS, STRETCH_SECONDS = 20.0, 10.0


@dataclass(frozen=True)
class Arc:
    """The levels that a track should go through.

    Attributes:
        levels: from 0 to 1; None keeps that of the song where it is left.
        seconds: when each level should be reached, in seconds of the track, increasing. None spreads the levels
            evenly from where the song is left to the end of the track.
    """

    levels: tuple[Level, ...]
    seconds: tuple[float, ...] | None = None

    @classmethod
    def of_mood(cls, mood: str | float) -> "Arc":
        """Read `calm`, `lively`, `keep` or a number from 0 to 1. Raises UsageError for anything else.

        Examples:
            >>> Arc.of_mood("lively")
            Arc(levels=(1.0,), seconds=None)
        """
        if ":" in str(mood):
            raise UsageError(f"{mood!r} is an arc; a mood is calm, lively, keep, or a number from 0 to 1")
        return cls((_level(str(mood)),))

    @classmethod
    def parse(cls, text: str) -> "Arc":
        """Read levels as `calm:lively`, or levels with times of the track as `0:30 keep, 2:00 lively`.

        Raises UsageError for what is neither, and for times that don't increase.

        Examples:
            >>> Arc.parse("calm:0.8")
            Arc(levels=(0.0, 0.8), seconds=None)
            >>> Arc.parse("0:30 keep, 2:00 lively")
            Arc(levels=(None, 1.0), seconds=(30.0, 120.0))
        """
        words = text.split(":")
        if all(len(word.split()) < 2 for word in words) and "," not in text:
            return cls(tuple(_level(word) for word in words))
        points = [point.split() for point in text.split(",")]
        if any(len(point) != 2 or not point[0][:1].isdecimal() for point in points):
            raise UsageError(f"{text!r} isn't an arc; write one as calm:lively, or as '0:30 keep, 2:00 lively'")
        seconds = tuple(_seconds(time) for time, _ in points)
        if any(later <= earlier for earlier, later in pairwise(seconds)):
            raise UsageError(f"the times of the arc {text!r} don't increase")
        return cls(tuple(_level(word) for _, word in points), seconds)

    def check_endless(self) -> None:
        """Raise UsageError where the levels are spread over the track, for one without end."""
        if self.seconds is None and len(self.levels) > 1:
            raise UsageError(
                "a track without end has no time for that arc; give times, as in '2:00 calm, 5:00 lively'"
            )

    def __str__(self) -> str:
        """Return what `parse` reads as this arc."""
        words = ["keep" if level is None else repr(level) for level in self.levels]
        if self.seconds is None:
            return ":".join(words)
        return ", ".join(f"{seconds / 60!r} {word}" for seconds, word in zip(self.seconds, words, strict=True))


def _seconds(time: str) -> float:
    """Read a time of a track in minutes; return it in seconds, to the millisecond."""
    minutes = minutes_of(time, time=True)
    check_number("time of an arc", minutes, 0, MOST_MINUTES, "minutes")
    return round(60 * minutes, 3)


def _level(word: str) -> Level:
    word = word.strip().lower()
    if word in WORDS:
        return WORDS[word]
    try:
        level = abs(float(word))
    except ValueError:
        level = np.nan
    if not level <= 1 or word.startswith("-") or (word.isdecimal() and len(word) > 1):
        raise UsageError(f"{word!r} isn't a mood; choose calm, lively, keep, or a number from 0 to 1")
    return level


@dataclass(frozen=True)
class Scale:
    """What calm and lively mean in a song: the energies at level 0 and level 1.

    They are the song's own 20th and 80th percentile. Where even its calmest moments are lively beside other music,
    level 0 is halfway between them and calm music in general (0.3): percussion may rest, but nothing can be added.
    """

    calm: float
    lively: float

    @classmethod
    def of(cls, analysis: Analysis) -> "Scale":
        """Find the scale of a song; `lively` is at least 0.1 above `calm`."""
        energy = energy_of_music(analysis)
        calm, lively = np.percentile(energy, (CALMEST, LIVELIEST))
        calm += TOWARDS_CALM * min(0.0, CALM_MUSIC - calm)
        return cls(float(calm), float(max(lively, calm + LEAST_SPAN)))

    def levels(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the levels of energies, in the same shape: about 0 to 1, and beyond."""
        levels: NDArray[np.float64] = (energy - self.calm) / (self.lively - self.calm)
        return levels


@dataclass(frozen=True)
class Curve:
    """The wanted level at each second of a track; between `seconds`, which never fall, it changes evenly.

    `scale` is the song's, and `kept` the level at which it is left. The curve counts from `begin`, where the song is
    left, to `end`, up to which the mood can be changed; None for a track without end.
    """

    arc: Arc
    scale: Scale
    seconds: NDArray[np.float64]
    levels: NDArray[np.float64]
    begin: float
    end: float | None
    kept: float

    @classmethod
    def of(cls, arc: Arc, analysis: Analysis, end: float | None, begin: float | None = None) -> "Curve":
        """Draw an arc from `begin` to `end`, in seconds of the track, or without end.

        Without a `begin`, it is where the song is left, and the level there is kept; else that of the song's
        beginning. Raises UsageError for an arc that is spread over a track without end.
        """
        rate = analysis.song.sample_rate
        scale = Scale.of(analysis)
        kept = kept_level(analysis, scale) if begin is None else first_level(analysis, scale)
        begin = analysis.bounds.leaves_at(rate) / rate if begin is None else begin
        if end is None:
            arc.check_endless()
        else:
            end = max(begin, end)
        values = [kept if level is None else level for level in arc.levels]
        seconds = arc.seconds
        if seconds is None:
            seconds = tuple(np.linspace(begin, begin if end is None else end, len(values)).tolist())
        elif seconds[0] > begin:
            seconds, values = (begin, *seconds), [kept, *values]
        return cls(arc, scale, np.array(seconds), np.array(values), begin, end, kept)

    def turned(self, seconds: float, by: float) -> "Curve":
        """Return a curve that changes at a second of the track by so much, within 0 and 1, and then stays there."""
        level = float(np.clip(self.at(np.array(seconds)) + by, 0, 1))
        return replace(self, seconds=np.array([seconds]), levels=np.array([level]))

    def at(self, seconds: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the wanted level at seconds of the track, in the same shape."""
        levels: NDArray[np.float64] = np.interp(seconds, self.seconds, self.levels)
        return levels


def energy_of_music(analysis: Analysis) -> NDArray[np.float64]:
    """Return the energy of a song from where its music begins to where its ending begins, `(n,)`."""
    bounds, per_second = analysis.bounds, MOMENTS_PER_SECOND / analysis.song.sample_rate
    begin, end = round(bounds.begin * per_second), round(bounds.ending * per_second)
    return analysis.energy[begin : max(end, begin + 1)]


def kept_level(analysis: Analysis, scale: Scale) -> float:
    """Return the level at which a song is left, 0 to 1: the mean of the last 20 s of its music."""
    levels = scale.levels(energy_of_music(analysis))
    return float(np.clip(levels[-round(KEPT_SECONDS * MOMENTS_PER_SECOND) :].mean(), 0, 1))


def first_level(analysis: Analysis, scale: Scale) -> float:
    """Return the level at which a song begins, 0 to 1: the mean of the first 20 s of its music."""
    levels = scale.levels(energy_of_music(analysis))
    return float(np.clip(levels[: round(KEPT_SECONDS * MOMENTS_PER_SECOND)].mean(), 0, 1))


@dataclass(frozen=True)
class Stretch:
    """A part of a song, ten seconds or less: where it begins and how long it is, in seconds, and its mean level."""

    begin: float
    seconds: float
    level: float


def extremes(analysis: Analysis, scale: Scale) -> tuple[Stretch, Stretch]:
    """Return the calmest and the liveliest ten seconds of a song; all of the music of a shorter one."""
    levels = scale.levels(energy_of_music(analysis))
    size = min(round(STRETCH_SECONDS * MOMENTS_PER_SECOND), len(levels))
    means = np.convolve(levels, np.ones(size) / size, "valid")
    begin = analysis.bounds.begin / analysis.song.sample_rate
    calmest, liveliest = (
        Stretch(begin + at / MOMENTS_PER_SECOND, size / MOMENTS_PER_SECOND, float(means[at]))
        for at in (int(means.argmin()), int(means.argmax()))
    )
    return calmest, liveliest
