"""From a song's file to a track's, and from files and folders of songs to tracks, one after another."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePath
from typing import Protocol, TypeVar

from extrapcli.atomic import make_folder
from extrapcli.audio.clipping import Clip
from extrapcli.audio.probe import video_seconds
from extrapcli.continuation import Length
from extrapcli.errors import ExtrapError, SomeFailed, UsageError
from extrapcli.extrapolators.base import Ending
from extrapcli.model import Model, load
from extrapcli.models import DEFAULT
from extrapcli.naming import STDIN, check_destination, songs_among
from extrapcli.pipeline import Options, Pipeline, check_report
from extrapcli.progress import Progress
from extrapcli.track_file import TrackFile
from extrapcli.wishes import composing, fit, length, style

ShowProgress = Callable[[], AbstractContextManager[Progress]]
Made = TypeVar("Made", covariant=True)


class Maker(Protocol[Made]):
    """Makes a file, or several, of a song."""

    def run(
        self,
        source: Path,
        out: Path | None = None,
        progress: Progress | None = None,
        *,
        below: PurePath | None = None,
    ) -> Made: ...


def make_files(
    sources: list[Path],
    out: Path | None,
    maker: Callable[[], Maker[Made]],
    *,
    into_folder: bool,
    show_progress: ShowProgress,
    on_left_out: Callable[[str], None] = lambda line: None,
) -> Iterator[Made | ExtrapError]:
    """Make tracks of songs, files or folders of them, yielding each when it is whole.

    `maker` opens what makes them. `into_folder` says that `out` is a folder, which is made; in it, the songs of a
    folder keep their subfolders. `on_left_out` is called for each folder in which something is no song, with a line
    about that. The error of a single song is raised. Of several, each error is yielded in place of its track, and
    SomeFailed is raised at the end.
    """
    songs, lines = songs_among(sources, out)
    several = len(songs) > 1
    check_destination(songs, out, into_folder=into_folder)
    for line in lines:
        on_left_out(line)
    opened = maker()
    failed = 0
    for song in songs:
        try:
            song.check()
            with show_progress() as progress:
                track = opened.run(song.path, out, progress, below=song.below)
        except ExtrapError as error:
            if not several:
                raise
            yield error
            failed += 1
        else:
            yield track
    if failed:
        raise SomeFailed(f"{failed} of {len(songs)} songs failed; each is named above")


def continue_file(
    song: str | Path,
    track: str | Path | None = None,
    *,
    model: str | Model = DEFAULT,
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
    format: str | None = None,
    salvage: bool = False,
    clip: Clip = "clamp",
    overwrite: bool = False,
    report: bool = False,
    takes: int = 1,
    preview: bool = False,
    max_audibility: float | None = None,
    retries: int = 0,
    progress: Progress | None = None,
) -> TrackFile:
    """Continue the song in a file, and write the track to another.

    Args:
        song: an audio file, or a video with sound.
        track: the file to write, or a folder for it; by default it goes beside the song, as `song-3m00s.mp3`.
        model: a name or path, as `load` takes it, or a model that was loaded.
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
        new: the share of bars that should be new, which the song never played, 0 to 1; `compose` writes them.
        format: `wav`, `flac`, `ogg`, `opus`, `mp3` or `m4a`; by default that of the track's name, or the song's. The
            lossy ones may hold the track only at another sample rate, which a note says.
        salvage: whether to take what can be decoded of a damaged song.
        clip: what happens to samples beyond full scale that the format can't hold: `clamp` cuts them off, `limit`
            turns the sound down for a moment, `rescale` turns all of it down.
        overwrite: whether to replace a track that exists.
        report: whether to evaluate the track: a page and a JSON file beside it.
        takes: how many tracks to make, of which the best is written, by its `rating`.
        preview: whether to write only the seconds around the first joins.
        max_audibility: how audible joins may be: the share of the song's own beats that are less so, 0 to 100.
        retries: how many other seeds are tried where a join is more audible.
        progress: is told how far the work has come.

    Raises:
        UsageError: as `load` and `Model.continue_song`.
        UnreadableAudio: as `Model.continue_song`, and for a file that can't be decoded.
        UnusableModel: as `load` and `Model.continue_song`.
        MissingDependency: as `load`.
        NotGoodEnough: where a join is more audible than `max_audibility`.
        CannotWrite: where the track can't be written, or exists.

    Examples:
        >>> import extrapcli
        >>> made = extrapcli.continue_file("song.mp3", "long.flac", minutes=1.5)
        >>> made.samples / made.sample_rate
        90.0
    """
    if not isinstance(model, Model):
        model = composing(str(model), new)
    options = Options(
        length=length(minutes, add),
        style=style(ending, variety, crossfade, seed, mood, arc, another=another, new=new),
        format=format,
        salvage=salvage,
        clip=clip,
        overwrite=overwrite,
        report=report,
        takes=takes,
        preview=preview,
        max_audibility=max_audibility,
        retries=retries,
    )
    if report:
        check_report(Path(track) if track is not None else None)
    return one_file(song, track, lambda: _pipeline(options, model), progress)


def fit_file(
    song: str | Path,
    track: str | Path | None = None,
    *,
    minutes: float | None = None,
    like: str | Path | None = None,
    model: str | Model = DEFAULT,
    keep: Sequence[tuple[float, float]] = (),
    hits: Sequence[float] = (),
    crossfade: float | None = None,
    mood: str | float | None = None,
    arc: str | None = None,
    format: str | None = None,
    salvage: bool = False,
    clip: Clip = "clamp",
    overwrite: bool = False,
    takes: int = 1,
    preview: bool = False,
    max_audibility: float | None = None,
    retries: int = 0,
    progress: Progress | None = None,
) -> TrackFile:
    """Play the song in a file in another length, and write that to another file.

    Args:
        song: an audio file, or a video with sound.
        track: the file to write, or a folder for it; by default it goes beside the song, as `song-1m30s.mp3`.
        minutes: how long the track should be; give either this or `like`.
        like: a video, or other file, that is as long.
        model: a name or path, as `load` takes it, or a model that was loaded.
        keep: stretches of the song in which nothing is cut: `(begin, end)` of each, in seconds of the song.
        hits: times at which a downbeat, or the beginning of a section, should fall, in seconds of the track.
        crossfade: the length of each join in seconds; None leaves it to the model.
        mood: how calm or lively the track should be; `keep` is the mood of the song's beginning.
        arc: how that should change over the track.
        format: as in `continue_file`.
        salvage: whether to take what can be decoded of a damaged song.
        clip: as in `continue_file`.
        overwrite: whether to replace a track that exists.
        takes: how many versions to make, of which the one that the search finds best is written.
        preview: whether to write only the seconds around the first joins.
        max_audibility: how audible joins may be, 0 to 100.
        retries: how many other versions are tried where a join is more audible.
        progress: is told how far the work has come.

    Raises:
        UsageError: as `load` and `Model.fit_song`.
        UnreadableAudio: as `Model.fit_song`, for a file that can't be decoded, and for a `like` without a length.
        UnusableModel: as `load` and `Model.fit_song`.
        MissingDependency: as `load`.
        NotGoodEnough: where a join is more audible than `max_audibility`.
        CannotWrite: where the track can't be written, or exists.

    Examples:
        >>> import extrapcli
        >>> made = extrapcli.fit_file("song.mp3", "short.flac", minutes=0.25)
        >>> made.samples / made.sample_rate
        15.0
    """
    options = Options(
        length=fitted_length(minutes, like),
        style=style("auto", 0, crossfade, 0, mood, arc, fit=fit(keep, hits)),
        format=format,
        salvage=salvage,
        clip=clip,
        overwrite=overwrite,
        takes=takes,
        preview=preview,
        max_audibility=max_audibility,
        retries=retries,
    )
    return one_file(song, track, lambda: _pipeline(options, model), progress)


def fitted_length(minutes: float | None, like: str | Path | None) -> Length:
    """Make a length from what a user asks for. Raises UsageError, and as `video_seconds` does."""
    if (minutes is None) == (like is None):
        raise UsageError("give either a length in minutes or a file that is as long")
    asked = video_seconds(Path(like)) / 60 if like is not None else minutes
    assert asked is not None
    return Length(asked, any=True)


def one_file(
    song: str | Path, track: str | Path | None, maker: Callable[[], Maker[Made]], progress: Progress | None
) -> Made:
    """Make of the song in a file what `maker` opens makes of it."""
    out = Path(track) if track is not None else None
    if STDIN in (Path(song), out):
        raise UsageError("- is no file; use a model's own methods for sound that is in memory")
    if out is not None and str(track).endswith(("/", os.sep)):
        make_folder(out)
    return maker().run(Path(song), out, progress)


def _pipeline(options: Options, model: str | Model) -> Pipeline:
    return Pipeline(options, model if isinstance(model, Model) else load(model))
