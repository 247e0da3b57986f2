"""The interface of extrapolators, which turn a model's outputs into sound, and the types that they share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.analysis.beats import BarBeat
from extrapcli.audio.silence import Bounds
from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend
from extrapcli.crossfade import Fade, join
from extrapcli.errors import UsageError
from extrapcli.mood import Arc, Curve
from extrapcli.ranges import MOST_JOINS, MOST_SEED, check_number, check_whole

ALL = "all"  # layers together
FADE_OUT_SECONDS = 3.0
WHOLE_SECONDS = 8.0  # of both ends of a song that is fitted to a length; a quarter of a short track

Ending = Literal["auto", "song", "fade", "cut", "loop"]


@dataclass(frozen=True)
class Fit:
    """How a song should be played in another length.

    Attributes:
        keep: stretches of the song in which nothing is cut, in seconds: `(begin, end)`. They may be repeated.
        hits: times of the track, in seconds, at which there should be a downbeat or the beginning of a section.
    """

    keep: tuple[tuple[float, float], ...] = ()
    hits: tuple[float, ...] = ()


@dataclass(frozen=True)
class Style:
    """What a user may ask of any extrapolator.

    Attributes:
        fade_seconds: the length of every crossfade; None leaves it to the extrapolator.
        ending: the song's own ending, a fade-out, a cut, a `loop`, whose end leads back to a moment of the song, or
            `auto`, whichever of the first three suits the song. An endless stream has none.
        variety: from 0 for the safest continuation to 1 for the most surprising.
        seed: the same seed makes the same choices.
        arc: how calm or lively the track should become, where the extrapolator `steers`.
        fit: how the song should be played in another length, instead of being continued, where the extrapolator
            `fits`.
        new: the share of bars that should be new, 0 to 1, where the extrapolator `composes`; None means as many as
            that usually writes, which may be all.
        another: numbers of joins, from 1, at which the track should go another way than it would, where the
            extrapolator `branches`; a number that comes twice passes over two ways. All before that join stays.

    Raises UsageError for what is unknown or out of range.
    """

    fade_seconds: float | None = None
    ending: Ending = "auto"
    variety: float = 0.3
    seed: int = 0
    arc: Arc | None = None
    fit: Fit | None = None
    another: tuple[int, ...] = ()
    new: float | None = None

    def __post_init__(self) -> None:
        if self.ending not in get_args(Ending):
            raise UsageError(f"no ending is called {self.ending!r}; choose auto, song, fade, cut or loop")
        check_number("variety", self.variety, 0, 1)
        if self.new is not None:
            check_number("share of new bars", self.new, 0, 1)
        check_whole("seed", self.seed, 0, MOST_SEED)
        for number in self.another:
            check_whole("number of a join", number, 1, MOST_JOINS)

    def lands_on(self, bounds: Bounds) -> bool:
        """Tell whether a track should end with its song's own ending."""
        return bounds.ends_by_itself and self.ending in ("song", "auto")

    def curve(self, analysis: Analysis, wanted: int | None) -> Curve | None:
        """Draw the arc over a track of `wanted` samples, up to where the track begins to end.

        None where no arc is asked for. Raises as `Curve.of` does.
        """
        if not self.arc:
            return None
        if wanted is None:
            return Curve.of(self.arc, analysis, None)
        if self.fit:
            whole = min(WHOLE_SECONDS, wanted / analysis.song.sample_rate / 4)
            return Curve.of(self.arc, analysis, wanted / analysis.song.sample_rate - whole, begin=whole)
        song, bounds, end = analysis.song, analysis.bounds, wanted
        if self.ending == "loop":
            end -= round(WHOLE_SECONDS * song.sample_rate)
        elif self.lands_on(bounds):
            end -= bounds.end - bounds.leaves_at(song.sample_rate)
        elif self.ending != "cut":
            end -= fade_out_samples(song, wanted)
        return Curve.of(self.arc, analysis, end / song.sample_rate)


@dataclass(frozen=True)
class Jump:
    """A join that goes from one position of the song to another.

    Attributes:
        layer: what jumps: `all` of the sound, or its `harmonic` or `percussive` layer.
        from_seconds: where in the song playback leaves.
        to_seconds: where in the song it goes on.
        score: the network's, in nats above the median of all positions.
        flux_percentile: the share of the song's own beats that have less spectral flux than the join, 0 to 100.
        level_percentile: the share of the song's own beats at which the level changes less.
        from_beat: the bar and the beat that are nearest to where it leaves, if the song has bars.
        to_beat: those nearest to where it goes on.
    """

    layer: str
    from_seconds: float
    to_seconds: float
    score: float
    flux_percentile: float
    level_percentile: float
    from_beat: BarBeat | None = None
    to_beat: BarBeat | None = None

    @property
    def audible(self) -> bool:
        """Whether the join stands out from 99 % of the song's own beats."""
        return max(self.flux_percentile, self.level_percentile) > 99


@dataclass(frozen=True)
class Sound:
    """What a layer begins to play, in a track that has new bars.

    Attributes:
        layer: `bass`, `middle` or `treble` in a new bar; `all` in one of the song's own.
        seconds: when, in the track.
        song_seconds: the moment of the song that it plays from.
    """

    layer: str
    seconds: float
    song_seconds: float


@dataclass(frozen=True)
class Loop:
    """A passage of a song whose end leads back to its beginning.

    Attributes:
        begin: its first sample, of the song.
        end: the first sample after it. Its last ones become those before its beginning: see `passage`.
        sample_rate: in Hz, the song's.
        fade: how its last samples become those before its beginning.
        bars: how many bars it has, if the song has bars.
        jump: how the join is heard where it repeats.
    """

    begin: int
    end: int
    sample_rate: int
    fade: Fade
    bars: int | None
    jump: Jump

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.begin) / self.sample_rate

    def passage(self, samples: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the loop of a song, `(n,)` or `(n, channels)`, whose end leads back to its beginning."""
        sound = samples if samples.ndim > 1 else samples[:, None]
        turn = np.concatenate([sound[self.begin : self.end - self.fade.samples], self.wrap(sound)])
        return turn if samples.ndim > 1 else turn[:, 0]

    def wrap(self, samples: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the last samples of the loop of a song `(n, channels)`: the crossfade that leads back."""
        fade = self.fade.samples
        return join(samples[self.end - fade : self.end], samples[self.begin - fade : self.begin], self.fade)

    @property
    def audibility(self) -> float:
        """How audible its join is: the share of the song's own beats that are less so, 0 to 100."""
        return max(self.jump.flux_percentile, self.jump.level_percentile)


@dataclass(frozen=True)
class LoopQuery:
    """Which loops are looked for: the best, the best first, or the one that begins and ends nearest to two times.

    Attributes:
        bars: how many bars long they should be.
        least, most: how many seconds long, instead.
        near: the two times, in seconds of the song, instead.
    """

    bars: int | None = None
    least: float | None = None
    most: float | None = None
    near: tuple[float, float] | None = None


@dataclass(frozen=True)
class Block:
    """Sound on its way into the track.

    Attributes:
        start: the sample of the track where the block begins. It replaces what was there before.
        samples: `(n, channels)` at the song's rate.
        fade_samples: how many samples at the beginning are a crossfade with what was there before.
        jump: where in the song the block comes from, if it is the song's own sound.
        copy: whether the block plays one stretch of the song as it is, all layers together.
        notes: what there is to be said of the track, each in a sentence without the song's name.
        leads_to: the sample of the song, and so of the track, that a track which ends with this block leads back to.
        sounds: what the block is made of, where the track has new bars.
    """

    start: int
    samples: NDArray[np.floating]
    fade_samples: int
    jump: Jump | None = None
    copy: bool = False
    notes: tuple[str, ...] = ()
    leads_to: int | None = None
    sounds: tuple[Sound, ...] = ()


class Extrapolator(Protocol):
    """Makes the blocks that continue a song. It is made once, and continues any number of songs.

    To add one, write a class of this shape and register it under the entry point `extrap.extrapolators`. A model
    whose spec names it is then continued with it.

    Attributes:
        needs: the names of the outputs that it needs a model to have.
        steers: whether it follows `Style.arc`; if not, it is never given one.
        fits: whether it follows `Style.fit`; if not, it is never given one.
        branches: whether it follows `Style.another`; without this attribute, it is never given any.
        composes: whether it follows `Style.new`; without this attribute, it is never given any.

    Raises UsageError for a style, and UnusableModel for a model, that it can't work with.
    """

    needs: ClassVar[frozenset[str]]
    steers: ClassVar[bool]
    fits: ClassVar[bool]

    def __init__(self, backend: Backend, style: Style) -> None: ...

    def blocks(self, song: Song, analysis: Analysis, wanted: int | None) -> Iterator[Block]:
        """Yield blocks until a track that begins with the song has `wanted` samples.

        The song comes without its offset (DC), which is added to the blocks afterwards, and with its analysis, of
        which each part is found when it is first read. `wanted` is None for a stream without end, which neither fades
        out nor ends, and takes no more memory the longer it runs. The first block begins inside the song or at its
        end, each of the others no later than the one before ends. Unless the song is fitted to a length, the first
        block begins at most 10 s and a crossfade before `Bounds.leaves_at`. Raises UnreadableAudio where the song is
        too short to continue.
        """
        ...


@dataclass(frozen=True)
class Turn:
    """What a listener asks for while a track is played.

    Attributes:
        after: the sample of the track up to which it stays as it is.
        jumps: whether all of the sound should jump at the next bar line.
        livelier: by how much the wanted level should rise from there on, -1 to 1; calm is 0, lively 1.
    """

    after: int
    jumps: bool = False
    livelier: float = 0.0


class Turns:
    """Hands turns to what makes the blocks of a track, which takes each as soon as it can."""

    def __init__(self) -> None:
        self.asked: Turn | None = None

    def take(self) -> Turn | None:
        """Return what is asked for, once."""
        asked, self.asked = self.asked, None
        return asked


@runtime_checkable
class PlaysLive(Protocol):
    """An extrapolator whose track can be turned while it is played."""

    def live(self, song: Song, analysis: Analysis, wanted: int | None, turns: Turns) -> Iterator[Block]:
        """Yield blocks as `blocks` does. A turn that is asked for changes what follows the block before.

        The next block then begins within that one, after the sample that the turn names. A turn that comes too late
        for that stays asked for.
        """
        ...


@runtime_checkable
class FindsLoops(Protocol):
    """An extrapolator that also finds loops."""

    def loops(self, analysis: Analysis, query: LoopQuery) -> list[Loop]:
        """Return the loops of a song that are looked for."""
        ...


def fade_out_samples(song: Song, wanted: int) -> int:
    """Return how long a track of `wanted` samples fades out: 3 s, or a quarter of what is added to the song."""
    return min(round(FADE_OUT_SECONDS * song.sample_rate), (wanted - len(song.samples)) // 4)
