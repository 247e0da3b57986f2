"""Several songs, one model: decode, continue and write each; one that fails does not stop the others."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol

from extrapcli.audio.decode import decode
from extrapcli.audio.encode import open_track
from extrapcli.audio.song import Song, Tags
from extrapcli.audio.tags import write_tags
from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.continuation import Join, Length, continue_song
from extrapcli.errors import CannotWrite, ExtrapError, SomeFailed, UsageError
from extrapcli.extrapolators import extrapolator_for
from extrapcli.extrapolators.base import Extrapolator, Style
from extrapcli.models import find_model
from extrapcli.output import STDOUT, choose_format, refuse_existing, songs_among, track_path, whole_file

STDIN = Path("-")


@dataclass(frozen=True)
class Options:
    """What `extrap continue` was asked for; None leaves the choice to extrap."""

    length: Length
    model: str
    out: Path | None = None
    into_folder: bool = False  # whether `out` was named as a folder; several songs need one anyway
    backend: str = "auto"
    device: str = "auto"
    style: Style = field(default_factory=Style)
    format: str | None = None
    threads: int | None = None
    overwrite: bool = False
    report: bool = False  # whether to evaluate the track, too


@dataclass(frozen=True)
class Track:
    """A finished track, and how it was made."""

    song: str
    path: Path
    format: str
    samples: int
    sample_rate: int
    channels: int
    song_samples: int
    model: str
    backend: str
    device: str
    seed: int
    joins: list[Join]
    copied_seconds: float

    def to_json(self) -> str:
        standing_out = sum(join.leap.stands_out for join in self.joins if join.leap)
        facts = asdict(self) | {"seconds": self.samples / self.sample_rate, "joins_that_stand_out": standing_out}
        if standing_out > len(self.joins) / 2:
            facts["note"] = "the song has no good place to go on from: most joins stand out from its own beats"
        facts["track"] = str(facts.pop("path"))
        return json.dumps(facts)


class Progress(Protocol):
    """Shows how far one song has come."""

    def decoded(self, name: str, seconds: float) -> None: ...

    def written(self, share: float, blocks: int) -> None:
        """Show that this share of the track, 0 to 1, is written, in so many blocks."""
        ...


ShowProgress = Callable[[], AbstractContextManager[Progress]]


def continue_songs(
    sources: list[Path], options: Options, show_progress: ShowProgress
) -> Iterator[Track | ExtrapError]:
    """Continue songs, files or folders of them, yielding each track when it is whole.

    With one song its error is raised. With several, each error is yielded in the place of its track, and
    SomeFailed is raised at the end.
    """
    if options.report:
        _check_report(options.out)
    songs = songs_among(sources)
    several = len(songs) > 1
    check_destination(songs, options.out, into_folder=options.into_folder or several or songs != sources)
    backend = open_model(
        find_model(options.model), backend=options.backend, device=options.device, threads=options.threads
    )
    extrapolator = extrapolator_for(backend, options.style)
    made: set[Path] = set()
    failed = 0
    for source in songs:
        try:
            with show_progress() as progress:
                track = _continue(source, options, backend, extrapolator, made, progress)
        except ExtrapError as error:
            if not several:
                raise
            yield error
            failed += 1
        else:
            made.add(track.path)
            yield track
    if failed:
        raise SomeFailed(f"{failed} of {len(songs)} songs failed; each is named above")


def check_destination(songs: list[Path], out: Path | None, *, into_folder: bool) -> None:
    """Refuse what can't work before any song is decoded; make the folder that tracks go to."""
    if STDIN in songs and out is None:
        raise UsageError("-: say where the track goes: -o PATH, or -o - for standard output")
    if out == STDOUT:
        if len(songs) > 1:
            raise UsageError("-o - takes one song; name a folder for several")
        if sys.stdout.isatty():
            raise UsageError("-o -: standard output is a terminal; send it to a file or a program")
    elif out is not None and into_folder:
        if out.exists() and not out.is_dir():
            raise UsageError(f"{out}: is a file; several tracks need a folder")
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(f"{out}: cannot be made: {error.strerror}") from None


def _check_report(out: Path | None) -> None:
    from extrapcli.evaluation.report import check_installed

    if out == STDOUT:
        raise UsageError("--report and -o - exclude each other: a report lies beside its track")
    check_installed()


def _continue(
    source: Path,
    options: Options,
    backend: Backend,
    extrapolator: Extrapolator,
    made: set[Path],
    progress: Progress,
) -> Track:
    song = read_song(source)
    wanted = options.length.samples(song)
    format = choose_format(options.format, options.out, song)
    named = Path("standard-input") if source == STDIN else source
    path = STDOUT if options.out == STDOUT else track_path(named, options.out, format, wanted / song.sample_rate)
    if path in made:
        raise CannotWrite(f"{path}: was just written for another song; use another folder or format")
    if options.report:
        from extrapcli.evaluation.report import report_paths, write_report

        if min(song.seconds, wanted / song.sample_rate - song.seconds) < 1:
            raise UsageError(f"{song.name}: a report takes a second of song and a second more, at least")
        for report in report_paths(path):
            refuse_existing(report, options.overwrite)
    progress.decoded(song.name, song.seconds)
    with whole_file(path, source=source, overwrite=options.overwrite) as whole:
        with open_track(
            whole,
            format=format,
            sample_rate=song.sample_rate,
            channels=song.channels,
            depth=song.depth,
            expected_samples=wanted,
        ) as track:
            made_of = continue_song(
                song, wanted, extrapolator, track.write, lambda done, blocks: progress.written(done / wanted, blocks)
            )
        write_tags(whole, format, _track_tags(song))
    if options.report:
        joins = [(join.seconds, join.fade_seconds) for join in made_of.joins]
        write_report(path, song, joins=joins, overwrite=options.overwrite)
    return Track(
        song=song.name,
        path=path,
        format=format,
        samples=wanted,
        sample_rate=song.sample_rate,
        channels=song.channels,
        song_samples=len(song.samples),
        model=backend.spec.name,
        backend=backend.name,
        device=backend.device,
        seed=options.style.seed,
        joins=made_of.joins,
        copied_seconds=made_of.copied_seconds,
    )


def read_song(source: Path) -> Song:
    """Decode a file, or standard input for `-`."""
    if source == STDIN:
        return decode(io.BytesIO(sys.stdin.buffer.read()), name="standard input")
    return decode(source, name=str(source))


def _track_tags(song: Song) -> Tags:
    """The song's tags; its title says that this is more than the song."""
    text = dict(song.tags.text)
    if "title" in text:
        text["title"] = [f"{title} (continued)" for title in text["title"]]
    return replace(song.tags, text=text)
