"""Several songs, one model: decode, continue and write each; one that fails does not stop the others."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.errors import CannotWrite, ExtrapError, SomeFailed, UsageError
from extrapcli.maker import Maker, Options, Progress, Track
from extrapcli.output import STDOUT, choose_format, make_folder, refuse_existing, songs_among, track_path

STDIN = Path("-")


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
    maker = Maker(options)
    made: set[Path] = set()
    failed = 0
    for source in songs:
        try:
            with show_progress() as progress:
                track = _continue(source, maker, made, progress)
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
        make_folder(out)


def _check_report(out: Path | None) -> None:
    from extrapcli.evaluation.report import check_installed

    if out == STDOUT:
        raise UsageError("--report and -o - exclude each other: a report lies beside its track")
    check_installed()


def _continue(source: Path, maker: Maker, made: set[Path], progress: Progress) -> Track:
    options = maker.options
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
    track = maker.make(song, source, path, format, progress)
    if options.report:
        write_report(path, song, joins=track.joins, overwrite=options.overwrite)
    return track


def read_song(source: Path) -> Song:
    """Decode a file, or standard input for `-`."""
    if source == STDIN:
        return decode(io.BytesIO(sys.stdin.buffer.read()), name="standard input")
    return decode(source, name=str(source))
