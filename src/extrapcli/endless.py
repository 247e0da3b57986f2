"""Tracks without end, into a pipe."""

from collections.abc import Callable
from pathlib import Path

from extrapcli.atomic import takes_streams
from extrapcli.audio.forward import STREAMED
from extrapcli.errors import UsageError
from extrapcli.model import begin_soon
from extrapcli.naming import choose_format, read_song
from extrapcli.pipeline import Options, Pipeline
from extrapcli.track_file import held_as, stream_endless


def continue_endlessly(source: Path, out: Path, options: Options, on_note: Callable[[str], None]) -> None:
    """Play the song in a file into a pipe, and go on until the reader leaves, which raises BrokenPipeError.

    `on_note` is told, before anything is written, what is lost. Raises UsageError where `out` is no pipe or device,
    or the format can't be streamed; and as `Pipeline.run`.
    """
    if not takes_streams(out):
        raise UsageError(f"{out}: a track without end fits into no file", hint="endless")
    if options.style.arc:
        options.style.arc.check_endless()
    pipeline = Pipeline(options, hurry=options.is_plain)
    song = read_song(source, salvage=options.salvage)
    format = choose_format(options.format, out, song)
    if format not in STREAMED:
        raise UsageError(f"{format} can't be written without end; wav, flac, ogg, opus and mp3 can", hint="format")
    made = begin_soon(lambda: pipeline.model, song, None, options.style)
    for note in held_as(song, format)[1]:
        on_note(f"{song.name}: {note}")
    stream_endless(made, song, out, format=format, clip=options.clip)
