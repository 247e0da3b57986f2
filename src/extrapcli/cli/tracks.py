"""Make tracks of songs, and print what becomes of each."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from extrapcli import console
from extrapcli.atomic import STDOUT, destination, takes_streams
from extrapcli.cli.hints import with_hint
from extrapcli.errors import ExtrapError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extrapcli.files import Made, Maker
    from extrapcli.pipeline import Options


def make_tracks(songs: list[Path], out: str | None, options: "Options", *, json: bool, quiet: bool) -> None:
    """Make tracks of songs with some options, and print the path of each, or a line of JSON."""
    from extrapcli.pipeline import Takes, check_report
    from extrapcli.streams import Streams

    if options.report:
        check_report(None if out is None else destination(out))
    gpu_said = quiet or options.device != "auto"
    hurries = options.is_plain and not options.keeps and out is not None and takes_streams(destination(out))
    made = made_of(songs, out, lambda: (Streams if hurries else Takes)(options), json=json, quiet=quiet)
    tracks = (track for takes in made for track in takes)
    for track in tracks:
        if not gpu_said and track.device == "cpu" and shutil.which("nvidia-smi"):
            console.say("there is a GPU here, but the model ran on the CPU (see extrap doctor)")
            gpu_said = True
        for note in () if quiet else track.notes:
            console.say(f"{track.song}: {note}")
        if track.path != STDOUT:
            console.result(track.to_json() if json else str(track.path))


def made_of(
    songs: list[Path], out: str | None, maker: "Callable[[], Maker[Made]]", *, json: bool, quiet: bool
) -> "Iterator[Made]":
    """Yield what is made of each song, and say what fails."""
    from extrapcli.files import make_files

    track = None if out is None else destination(out)
    if json and track == STDOUT:
        raise typer.BadParameter("--json and -o - both want standard output")
    for outcome in make_files(
        songs,
        track,
        maker,
        into_folder=(out or "").endswith(os.sep),
        show_progress=lambda: console.progress(quiet),
        on_left_out=lambda line: None if quiet else console.say(line),
    ):
        if isinstance(outcome, ExtrapError):
            console.say(with_hint(outcome))
        else:
            yield outcome
