"""From files and folders of songs to tracks, one after another."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from extrapcli.errors import ExtrapError, SomeFailed
from extrapcli.naming import check_destination, songs_among
from extrapcli.pipeline import Options, Pipeline, Progress, TrackFile, check_report

ShowProgress = Callable[[], AbstractContextManager[Progress]]


def continue_files(
    sources: list[Path],
    out: Path | None,
    options: Options,
    *,
    into_folder: bool,
    show_progress: ShowProgress,
    on_left_out: Callable[[str], None] = lambda line: None,
) -> Iterator[TrackFile | ExtrapError]:
    """Continue songs, files or folders of them, yielding each track when it is whole.

    `into_folder` says that `out` is a folder, which is made; in it, the songs of a folder keep their subfolders.
    `on_left_out` is called for each folder in which something is no song, with a line about that. The error of a
    single song is raised. Of several, each error is yielded in place of its track, and SomeFailed is raised at the
    end.
    """
    if options.report:
        check_report(out)
    songs, lines = songs_among(sources, out)
    several = len(songs) > 1
    check_destination(songs, out, into_folder=into_folder)
    for line in lines:
        on_left_out(line)
    pipeline = Pipeline(options)
    failed = 0
    for song in songs:
        try:
            song.check()
            with show_progress() as progress:
                track = pipeline.run(song.path, out, progress, below=song.below)
        except ExtrapError as error:
            if not several:
                raise
            yield error
            failed += 1
        else:
            yield track
    if failed:
        raise SomeFailed(f"{failed} of {len(songs)} songs failed; each is named above")
