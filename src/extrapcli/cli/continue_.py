"""`extrap continue`."""

from typing import Annotated

import typer

from extrapcli import console
from extrapcli.atomic import destination
from extrapcli.cli.options import (
    Add,
    Another,
    Arc,
    Backend,
    Clip,
    Clips,
    Crossfade,
    Device,
    Ending,
    Ends,
    Format,
    Json,
    MaxAudibility,
    Minutes,
    Model,
    Mood,
    New,
    Out,
    Overwrite,
    Preview,
    Quiet,
    Retries,
    Salvage,
    Seed,
    Songs,
    Takes,
    Threads,
    Variety,
    length_of,
)
from extrapcli.cli.root import app
from extrapcli.cli.tracks import make_tracks
from extrapcli.models import DEFAULT


@app.command("continue")
def continue_(
    songs: Songs,
    minutes: Minutes = None,
    add: Add = None,
    out: Out = None,
    model: Model = DEFAULT,
    backend: Backend = "auto",
    device: Device = "auto",
    crossfade: Crossfade = None,
    format: Format = None,
    ending: Ends = Ending.auto,
    variety: Variety = 0.3,
    new: New = None,
    mood: Mood = None,
    arc: Arc = None,
    seed: Seed = 0,
    another: Another = None,
    loopable: Annotated[
        bool, typer.Option("--loopable", help="Let the end lead back to after the first bars: --ending loop.")
    ] = False,
    endless: Annotated[
        bool, typer.Option("--endless", help="Never end; send it to a program: -o - --format mp3 | mpv -.")
    ] = False,
    takes: Takes = 1,
    preview: Preview = False,
    max_audibility: MaxAudibility = None,
    retries: Retries = 0,
    salvage: Salvage = False,
    clip: Clips = Clip.clamp,
    threads: Threads = None,
    overwrite: Overwrite = False,
    json: Json = False,
    report: Annotated[
        bool, typer.Option("--report", help="Also measure each track: a page and a JSON file beside it.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Continue songs: each track begins with its song and lasts as long as you ask for.

    Without -o the track goes beside its song, as song-3m00s.mp3.
    """
    from extrapcli.pipeline import Options
    from extrapcli.wishes import composing, style

    whole = minutes or add or loopable or another or takes > 1 or preview or max_audibility is not None or retries
    if endless and (whole or json or report or ending not in (Ending.auto, Ending.cut)):
        raise typer.BadParameter(
            "--endless can't be used with --minutes, --add, --ending (other than cut), --loopable, --another-way, "
            "--takes, --preview, --max-audibility, --retries, --json and --report"
        )
    if endless and out is None:
        raise typer.BadParameter("--endless needs -o -, and a program that reads it")
    if endless and (len(songs) > 1 or songs[0].is_dir()):
        raise typer.BadParameter("--endless takes one song")
    if loopable and ending != Ending.auto:
        raise typer.BadParameter("--loopable and --ending exclude each other")
    ends = Ending.loop if loopable else ending
    model = composing(model, new)
    options = Options(
        length=length_of(minutes, add),
        model=model,
        backend=backend,
        device=device,
        style=style(ends.value, variety, crossfade, seed, mood, arc, another=another or (), new=new),
        format=format.value if format else None,
        threads=threads,
        salvage=salvage,
        clip=clip.value,
        overwrite=overwrite,
        takes=takes,
        preview=preview,
        max_audibility=max_audibility,
        retries=retries,
        report=report,
    )
    if endless and out is not None:
        from extrapcli.streams import continue_endlessly

        continue_endlessly(songs[0], destination(out), options, lambda note: None if quiet else console.say(note))
        return
    make_tracks(songs, out, options, json=json, quiet=quiet)
