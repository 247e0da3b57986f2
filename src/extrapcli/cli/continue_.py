"""`extrap continue`."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.atomic import STDOUT, destination, named_path
from extrapcli.cli.hints import with_hint
from extrapcli.cli.options import (
    Add,
    Arc,
    Backend,
    Clip,
    Clips,
    Crossfade,
    Device,
    Ending,
    Ends,
    Format,
    Minutes,
    Model,
    Mood,
    Quiet,
    Salvage,
    Seed,
    Threads,
    Variety,
    length_of,
)
from extrapcli.cli.root import app
from extrapcli.errors import ExtrapError
from extrapcli.models import DEFAULT


@app.command("continue")
def continue_(
    songs: Annotated[
        list[Path],
        typer.Argument(
            metavar="SONG", help="Audio files, folders of them, or - for standard input.", parser=named_path
        ),
    ],
    minutes: Minutes = None,
    add: Add = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="PATH", help="The track, a folder/, or - for standard output."),
    ] = None,
    model: Model = DEFAULT,
    backend: Backend = "auto",
    device: Device = "auto",
    crossfade: Crossfade = None,
    format: Annotated[
        Format | None, typer.Option(help="Format of the track.  [default: the song's, or flac]")
    ] = None,
    ending: Ends = Ending.auto,
    variety: Variety = 0.3,
    mood: Mood = None,
    arc: Arc = None,
    seed: Seed = 0,
    salvage: Salvage = False,
    clip: Clips = Clip.clamp,
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a track that exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each track.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Also measure each track: a page and a JSON file beside it.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Continue songs: each track begins with its song and lasts as long as you ask for.

    Without -o the track goes beside its song, as song-3m00s.mp3.
    """
    from extrapcli.files import continue_files
    from extrapcli.model import style
    from extrapcli.pipeline import Options

    track = None if out is None else destination(out)
    if json and track == STDOUT:
        raise typer.BadParameter("--json and -o - both want standard output")
    options = Options(
        length=length_of(minutes, add),
        model=model,
        backend=backend,
        device=device,
        style=style(ending.value, variety, crossfade, seed, mood, arc),
        format=format.value if format else None,
        threads=threads,
        salvage=salvage,
        clip=clip.value,
        overwrite=overwrite,
        report=report,
    )
    gpu_said = quiet or device != "auto"
    for outcome in continue_files(
        songs,
        track,
        options,
        into_folder=(out or "").endswith(os.sep),
        show_progress=lambda: console.progress(quiet),
        on_left_out=lambda line: None if quiet else console.say(line),
    ):
        if isinstance(outcome, ExtrapError):
            console.say(with_hint(outcome))
            continue
        if not gpu_said and outcome.device == "cpu" and shutil.which("nvidia-smi"):
            console.say("there is a GPU here, but the model ran on the CPU (see extrap doctor)")
            gpu_said = True
        for note in () if quiet else outcome.notes:
            console.say(f"{outcome.song}: {note}")
        if outcome.path != STDOUT:
            console.result(outcome.to_json() if json else str(outcome.path))
