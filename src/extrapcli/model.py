"""A model that is ready to continue songs: arrays in, arrays out."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import song_from_samples
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.continuation import Continuation, Length, earliest_join, with_offset, with_own_offset
from extrapcli.errors import UsageError
from extrapcli.extrapolators import blocks_of, extrapolator_for
from extrapcli.extrapolators.base import (
    Block,
    Ending,
    Extrapolator,
    FindsLoops,
    Loop,
    LoopQuery,
    PlaysLive,
    Style,
    Turns,
)
from extrapcli.extrapolators.limit import limited
from extrapcli.models import DEFAULT, find_model
from extrapcli.mood.meter import Meter
from extrapcli.track import Track
from extrapcli.wishes import LoopWish, fit, length, style


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
        head = 0 if style.fit else earliest_join(song, style.fade_seconds)
        return Continuation(song, self.blocks(song, wanted, style, analysis), wanted, head)

    def blocks(
        self,
        song: Song,
        wanted: int | None,
        style: Style,
        analysis: Analysis | None = None,
        turns: Turns | None = None,
    ) -> Iterator[Block]:
        """Give the blocks of a continuation; `turns` change them where the extrapolator plays live."""
        extrapolator, heard = self.extrapolator(style), song.as_heard
        analysis = analysis or Analysis(heard)
        if turns and isinstance(extrapolator, PlaysLive):
            blocks = extrapolator.live(heard, analysis, wanted, turns)
        else:
            blocks = blocks_of(extrapolator, heard, analysis, wanted)
        if song.heard is song.samples:
            return blocks
        return limited(with_own_offset(blocks, song) if style.fit else with_offset(blocks, song), song)

    def loops(self, analysis: Analysis, style: Style, query: LoopQuery) -> list[Loop]:
        """Find loops of a decoded song, by the analysis of its `as_heard`; see `find_loops`."""
        extrapolator = self.extrapolator(style)
        if not isinstance(extrapolator, FindsLoops):
            raise UsageError(f"{self.name} can't find loops; use recall")
        return extrapolator.loops(analysis, query)

    def find_loops(
        self,
        samples: NDArray[np.floating],
        sample_rate: int,
        *,
        bars: int | None = None,
        least: float | None = None,
        most: float | None = None,
        near: tuple[float, float] | None = None,
        crossfade: float | None = None,
    ) -> list[Loop]:
        """Find the passages of a song that repeat without a seam.

        Args:
            samples: the song, `(n,)` or `(n, channels)`, float, full scale -1 to 1.
            sample_rate: in Hz.
            bars: how many bars they should have.
            least: how many seconds they should last at least; 8, or a quarter of the song, if None.
            most: how many seconds they should last at most.
            near: seconds of the song near which one should begin and end, instead.
            crossfade: the length of the join in seconds; None leaves it to the model.

        Returns:
            The loops, the best first; none where the song is too short for what is asked.

        Raises:
            UsageError: where an argument makes no sense.
            UnreadableAudio: where the song is silent, holds values that are not finite, or is too short.
            UnusableModel: where the model fails or does not find loops.

        Examples:
            >>> import numpy as np
            >>> import extrapcli
            >>> rate, time = 22050, np.arange(30 * 22050) / 22050
            >>> song = np.sin(2 * np.pi * 220 * time) * np.exp(-3 * (time % 0.5))
            >>> loop = extrapcli.load("recall").find_loops(song, rate)[0]
            >>> turn = loop.passage(song)  # play it again and again
            >>> len(turn) == loop.end - loop.begin
            True
        """
        query = LoopWish(bars=bars, least=least, most=most, near=near).query
        song = song_from_samples(samples, sample_rate, "the song")
        return self.loops(Analysis(song.as_heard), style("auto", 0, crossfade, 0), query)

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
        another: Sequence[int] = (),
        new: float | None = None,
    ) -> Track:
        """Make a song longer.

        Args:
            samples: the song, `(n,)` or `(n, channels)`, float, full scale -1 to 1.
            sample_rate: in Hz.
            minutes: how long the track should be; where neither this nor `add` is given, 3, or twice as long as the
                song, if that is longer.
            add: how much longer than the song it should be, in minutes, instead.
            ending: `song` for the song's own ending, `fade`, `cut`, `loop` for one that leads back to after the first
                bars, or `auto` for what suits the song.
            variety: 0 for the safest continuation to 1 for the most surprising.
            crossfade: the length of each join in seconds; None leaves it to the model.
            seed: the same seed gives the same track, another seed another one if there is any variety.
            mood: how calm or lively it should be: `calm`, `lively`, `keep` (as where the song is left), or 0 to 1.
            arc: how that should change, as `calm:lively`, or as `0:30 keep, 2:00 lively` with times of the track.
            another: numbers of joins, from 1, at which to go another way; twice the same number for a third way.
            new: the share of bars that should be new, 0 to 1, if the model writes some; `compose` does.

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
        asked = style(ending, variety, crossfade, seed, mood, arc, another=another, new=new)
        return self._track(song, length(minutes, add).samples(song), asked, mono=np.ndim(samples) == 1)

    def fit_song(
        self,
        samples: NDArray[np.floating],
        sample_rate: int,
        *,
        minutes: float,
        keep: Sequence[tuple[float, float]] = (),
        hits: Sequence[float] = (),
        crossfade: float | None = None,
        mood: str | float | None = None,
        arc: str | None = None,
    ) -> Track:
        """Play a song in another length, shorter or longer, from its own beginning to its own ending.

        Bars are left out or repeated, with as few joins as can be.

        Args:
            samples: the song, `(n,)` or `(n, channels)`, float, full scale -1 to 1.
            sample_rate: in Hz.
            minutes: how long the track should be, up to 8 times as long as the song.
            keep: stretches of the song in which nothing is cut: `(begin, end)` of each, in seconds of the song.
            hits: times at which a downbeat, or the beginning of a section, should fall, in seconds of the track.
            crossfade: the length of each join in seconds; None leaves it to the model.
            mood: as in `continue_song`; `keep` is the mood of the song's beginning.
            arc: as in `continue_song`, spread over the track.

        Returns:
            The track. Its head is what comes before the first join; `notes` say what could not be reached.

        Raises:
            UsageError: where an argument makes no sense, or no track goes past all hits.
            UnreadableAudio: where the song is silent, holds values that are not finite, or is too short.
            UnusableModel: where the model fails or does not fit songs.

        Examples:
            >>> import numpy as np
            >>> import extrapcli
            >>> rate = 22050
            >>> time = np.arange(30 * rate) / rate
            >>> song = np.sin(2 * np.pi * 220 * time) * np.exp(-3 * (time % 0.5))
            >>> track = extrapcli.load("recall").fit_song(song, rate, minutes=0.25)
            >>> track.seconds, bool((track.samples[-rate:] == song[-rate:]).all())
            (15.0, True)
        """
        song = song_from_samples(samples, sample_rate, "the song")
        asked = style("auto", 0, crossfade, 0, mood, arc, fit=fit(keep, hits))
        return self._track(song, Length(minutes, any=True).samples(song), asked, mono=np.ndim(samples) == 1)

    def _track(self, song: Song, wanted: int, style: Style, *, mono: bool) -> Track:
        analysis = Analysis(song.as_heard)
        made = self.continuation(song, wanted, style, analysis)
        meter = Meter(curve, analysis) if (curve := style.curve(analysis, wanted)) else None
        samples = np.concatenate(list(meter.hear(made) if meter else made))
        head = wanted if not made.joins else round(made.joins[0].seconds * song.sample_rate)
        return Track(
            samples[:, 0] if mono else samples,
            song.sample_rate,
            head if style.fit else len(song.samples),
            made.joins,
            made.copied_seconds,
            meter.mood(made.joins[0].seconds) if meter and made.joins else None,
            made.notes,
            made.leads_to,
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
        new: float | None = None,
    ) -> Iterator[NDArray[np.floating]]:
        """Play a song and continue it without end: yield blocks, shaped like the song, which you may change.

        Arguments and errors are those of `continue_song`; an arc needs times. The first blocks are the song itself.

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
        blocks = self.continuation(song, None, style("cut", variety, crossfade, seed, mood, arc, new=new))
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
