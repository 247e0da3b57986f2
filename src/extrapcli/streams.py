"""Tracks into pipes, from the first seconds of their songs on."""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from extrapcli.ahead import ahead
from extrapcli.atomic import takes_streams
from extrapcli.audio.forward import STREAMED
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks
from extrapcli.beginning import begin_soon
from extrapcli.errors import UsageError
from extrapcli.naming import choose_format, read_beginning, read_song
from extrapcli.pipeline import Options, Pipeline
from extrapcli.progress import NoProgress, Progress
from extrapcli.takes import Take
from extrapcli.track_file import TrackFile, held, held_as, held_samples, stream_endless, write_track

LEAST_LONGER = 1.1  # times the length that a song declares, which may be wrong

Samples = NDArray[np.floating]


class Streams:
    """Writes a track into a pipe, with plain options for one take; where it can, while its song is decoded."""

    def __init__(self, options: Options) -> None:
        self.options, self.pipeline = options, Pipeline(options, hurry=True)

    def run(
        self,
        source: Path,
        out: Path | None = None,
        progress: Progress | None = None,
        *,
        below: PurePath | None = None,
    ) -> list[TrackFile]:
        """Continue the song in a file, as `Pipeline.run` does."""
        beginning = self._beginning(source) if out else None
        format = choose_format(self.options.format, out, beginning) if beginning else None
        if not out or not beginning or format not in STREAMED:
            return [self.pipeline.run(source, out, progress, below=below)]
        wanted = self.options.length.samples(beginning)
        progress = progress or NoProgress()
        made: list[tuple[Song, Take]] = []

        def track() -> Iterator[Samples]:
            song = read_song(source, salvage=self.options.salvage)
            progress.decoded(song.name, song.seconds)
            take = self.pipeline.takes(song, progress)[0]
            made.append((song, take))
            yield from take

        length = held_samples(wanted, beginning, format)
        notes = write_track(
            held(_with_beginning(beginning, track), wanted, beginning, format),
            length,
            beginning,
            out,
            source=source,
            format=format,
            overwrite=self.options.overwrite,
            clip=self.options.clip,
            version="continued",
            written=lambda share: progress.written(share, len(made[0][1].joins) if made else 0),
        )
        song, take = made[0]
        notes += [note for note in [*song.notes, *take.notes] if note not in notes]
        return [self.pipeline.described(take, song, out, format, notes, joins=take.joins, length=length)]

    def _beginning(self, source: Path) -> Song | None:
        """Decode the beginning of a song if nothing else must be known of it before the track begins."""
        length, options = self.options.length, self.options
        if options.preview or options.report or length.beyond or length.twice:
            return None
        return read_beginning(source, most_seconds=length.minutes * 60 / LEAST_LONGER)


def continue_endlessly(source: Path, out: Path, options: Options, on_note: Callable[[str], None]) -> None:
    """Play the song in a file into a pipe, and go on until the reader leaves, which raises BrokenPipeError.

    `on_note` is told what is lost. Raises UsageError where `out` is no pipe or device, or the format can't be
    streamed; and as `Pipeline.run`.
    """
    if not takes_streams(out):
        raise UsageError(f"{out}: a track without end fits into no file", hint="endless")
    if options.style.arc:
        options.style.arc.check_endless()
    pipeline = Pipeline(options, hurry=options.is_plain)
    beginning = read_beginning(source) if options.is_plain else None
    first = beginning or read_song(source, salvage=options.salvage)
    format = choose_format(options.format, out, first)
    if format not in STREAMED:
        raise UsageError(f"{format} can't be written without end; wav, flac, ogg, opus and mp3 can", hint="format")
    said = held_as(first, format)[1]
    for note in said:
        on_note(f"{first.name}: {note}")

    def track() -> Iterator[Samples]:
        song = read_song(source, salvage=options.salvage) if beginning else first
        for note in song.notes:
            if note not in said:
                on_note(f"{song.name}: {note}")
        yield from begin_soon(lambda: pipeline.model, song, None, options.style)

    pieces = _with_beginning(beginning, track) if beginning else track()
    stream_endless(pieces, first, out, format=format, clip=options.clip)


def _with_beginning(beginning: Song, track: Callable[[], Iterator[Samples]]) -> Iterator[Samples]:
    """Yield the beginning of a song while its track is begun in a thread, and then the rest of the track."""
    coming = ahead(track())
    yield from chunks(beginning.samples)
    left = len(beginning.samples)
    for piece in coming:
        yield piece[left:]
        left = max(0, left - len(piece))
