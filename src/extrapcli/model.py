"""A model that is ready to continue songs: arrays in, arrays out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import song_from_samples
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.continuation import Continuation, Join, Length, with_offset
from extrapcli.errors import UsageError
from extrapcli.extrapolators import blocks_of, extrapolator_for
from extrapcli.extrapolators.base import Ending, Extrapolator, Style
from extrapcli.models import DEFAULT, find_model
from extrapcli.mood import Arc
from extrapcli.mood.meter import Meter, Mood
from extrapcli.ranges import MOST_CROSSFADE_SECONDS, check_number


@dataclass(frozen=True)
class Track:
    """A song and its continuation.

    Attributes:
        samples: float32 or float64, `(n, channels)` or, where the song was given so, `(n,)`; full scale is -1 to 1.
        sample_rate: in Hz, the song's.
        head_samples: how long the song is. Up to the first join the track is the song, sample for sample.
        joins: where the continuation goes from one position of the song to another.
        copied_seconds: how much of the track plays one position of the song as it is.
        mood: the one that was wanted and the one that was reached, if one was asked for.
    """

    samples: NDArray[np.floating]
    sample_rate: int
    head_samples: int
    joins: list[Join]
    copied_seconds: float
    mood: Mood | None = None

    @property
    def seconds(self) -> float:
        """How long the track is."""
        return len(self.samples) / self.sample_rate


class Model:
    """A model, opened once for any number of songs; see `load`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._made: tuple[Style, Extrapolator] | None = None

    @property
    def name(self) -> str:
        """The name that the model's spec gives."""
        return self._backend.spec.name

    @property
    def backend(self) -> str:
        """The name of the backend that runs the model."""
        return self._backend.name

    @property
    def device(self) -> str:
        """The device that the model runs on."""
        return self._backend.device

    def extrapolator(self, style: Style) -> Extrapolator:
        """Return what continues songs in a style; the last one is kept. Raises UsageError and UnusableModel."""
        if self._made is None or self._made[0] != style:
            self._made = style, extrapolator_for(self._backend, style)
        return self._made[1]

    def continuation(
        self, song: Song, wanted: int | None, style: Style, analysis: Analysis | None = None
    ) -> Continuation:
        """Continue a decoded song to `wanted` samples or, with None, without end; `analysis` is that of `as_heard`.

        Raises as the extrapolator does: UsageError for a style it does not have, UnreadableAudio for a song with too
        little to continue from, and UnusableModel.
        """
        heard = song.as_heard
        blocks = blocks_of(self.extrapolator(style), heard, analysis or Analysis(heard), wanted)
        return Continuation(song, with_offset(blocks, song), wanted)

    def continue_song(
        self,
        samples: NDArray[np.floating],
        sample_rate: int,
        *,
        minutes: float | None = None,
        add: float | None = None,
        ending: Ending = "auto",
        variety: float = 0.3,
        crossfade: float | None = None,
        seed: int = 0,
        mood: str | float | None = None,
        arc: str | None = None,
    ) -> Track:
        """Make a song longer.

        Args:
            samples: the song, `(n,)` or `(n, channels)`, float, full scale -1 to 1.
            sample_rate: in Hz.
            minutes: how long the track should be, 3 where neither this nor `add` is given.
            add: how much longer than the song it should be, in minutes, instead.
            ending: `song` for the song's own ending, `fade`, `cut`, or `auto` for what suits the song.
            variety: 0 for the safest continuation to 1 for the most surprising.
            crossfade: the length of each join in seconds; None leaves it to the model.
            seed: the same seed gives the same track, another seed another one if there is any variety.
            mood: how calm or lively it should be: `calm`, `lively`, `keep` (as where the song is left), or 0 to 1.
            arc: how that should change, as `calm:lively`, or as `0:30 keep, 2:00 lively` with times of the track.

        Raises:
            UsageError: where the song is that long already, or an argument makes no sense.
            UnreadableAudio: where the song is silent, holds values that are not finite, or is too short.
            UnusableModel: where the model fails or does not continue songs.

        Examples:
            >>> import numpy as np
            >>> import extrapcli
            >>> rate = 22050
            >>> time = np.arange(10 * rate) / rate
            >>> song = np.sin(2 * np.pi * 220 * time) * np.exp(-3 * (time % 0.5))
            >>> track = extrapcli.load("recall").continue_song(song, rate, minutes=0.5, seed=1)
            >>> track.samples.shape
            (661500,)
        """
        song = song_from_samples(samples, sample_rate, "the song")
        wanted = length(minutes, add).samples(song)
        asked, analysis = style(ending, variety, crossfade, seed, mood, arc), Analysis(song.as_heard)
        made = self.continuation(song, wanted, asked, analysis)
        curve = asked.curve(analysis, wanted)
        meter = Meter(curve, analysis) if curve else None
        track = np.concatenate(list(meter.hear(made) if meter else made))
        return Track(
            track[:, 0] if np.ndim(samples) == 1 else track,
            song.sample_rate,
            len(samples),
            made.joins,
            made.copied_seconds,
            meter.mood(made.joins[0].seconds) if meter else None,
        )

    def stream(
        self,
        samples: NDArray[np.floating],
        sample_rate: int,
        *,
        variety: float = 0.3,
        crossfade: float | None = None,
        seed: int = 0,
        mood: str | float | None = None,
        arc: str | None = None,
    ) -> Iterator[NDArray[np.floating]]:
        """Play a song and continue it without end: yield blocks, shaped like the song, as they are made.

        Arguments and errors are those of `continue_song`; an arc needs times. The first blocks are the song itself.
        You may change the blocks.

        Examples:
            >>> from itertools import islice
            >>> import numpy as np
            >>> import extrapcli
            >>> song = np.sin(np.arange(220500) * 0.05) * (np.arange(220500) % 11025 < 5000)
            >>> blocks = extrapcli.load("recall").stream(song, 22050)
            >>> sum(len(block) for block in islice(blocks, 20)) > 220500
            True
        """
        mono = np.ndim(samples) == 1
        song = song_from_samples(np.array(samples), sample_rate, "the song")
        blocks = self.continuation(song, None, style("cut", variety, crossfade, seed, mood, arc))
        return (block[:, 0].copy() if mono else block.copy() for block in blocks if len(block))


def load(
    model: str | Path = DEFAULT, *, backend: str = "auto", device: str = "auto", threads: int | None = None
) -> Model:
    """Open a model.

    Args:
        model: its name (`extrap models` lists them), or the path of a model file or folder.
        backend: `onnx`, `tensorflow`, the name of another that is installed, or `auto`.
        device: `cpu`, `cuda`, another that the backend has, or `auto`.
        threads: the threads that the model may use; None leaves it to the backend.

    Raises:
        UsageError: for a backend that is unknown or does not have the device.
        UnusableModel: where there is no such model, or it is damaged.
        MissingDependency: where the backend's package or the device is not here.

    Examples:
        >>> import extrapcli
        >>> model = extrapcli.load("recall", device="cpu")
        >>> model.name, model.backend
        ('recall', 'onnx')
    """
    return Model(open_model(find_model(model), backend=backend, device=device, threads=threads))


def length(minutes: float | None, add: float | None) -> Length:
    """Make a length from what a user asks for, 3 minutes by default; raise UsageError where that makes no sense."""
    if minutes is not None and add is not None:
        raise UsageError("minutes and add exclude each other; give one of them")
    asked = add if add is not None else 3.0 if minutes is None else minutes
    return Length(asked, beyond=add is not None)


def style(
    ending: Ending,
    variety: float,
    crossfade: float | None,
    seed: int,
    mood: str | float | None = None,
    arc: str | None = None,
) -> Style:
    """Make a style from what a user asks for; raise UsageError for what is out of range."""
    if crossfade is not None:
        check_number("crossfade", crossfade, 0, MOST_CROSSFADE_SECONDS, "s")
    if mood is not None and arc is not None:
        raise UsageError("give either a mood or an arc, not both")
    if arc is not None and not isinstance(arc, str):
        raise UsageError(f"an arc of {arc!r} isn't text; write one as calm:lively, or as '0:30 keep, 2:00 lively'")
    wanted = Arc.parse(arc) if arc is not None else Arc.of_mood(mood) if mood is not None else None
    return Style(fade_seconds=crossfade, ending=ending, variety=variety, seed=seed, arc=wanted)
