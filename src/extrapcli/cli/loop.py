"""`extrap loop`."""

from typing import Annotated, Any

import typer

from extrapcli import console
from extrapcli.atomic import STDOUT
from extrapcli.cli.options import (
    Backend,
    Clip,
    Clips,
    Crossfade,
    Device,
    Format,
    Json,
    Model,
    Out,
    Overwrite,
    Quiet,
    Salvage,
    Songs,
    Threads,
    parse_minutes,
    parse_stretch,
    parse_time,
)
from extrapcli.cli.root import app
from extrapcli.cli.tracks import made_of
from extrapcli.models import DEFAULT

LISTED = 10


@app.command()
def loop(
    songs: Songs,
    out: Out = None,
    list_: Annotated[bool, typer.Option("--list", help="Only list the best loops.")] = False,
    pick: Annotated[int, typer.Option(metavar="NUMBER", help="Take this loop of the list.")] = 1,
    bars: Annotated[int | None, typer.Option(help="Length of the loop in bars.")] = None,
    least: Annotated[
        float | None,
        typer.Option("--min", parser=parse_time, metavar="LENGTH", help="Shortest length of the loop, such as 0:20."),
    ] = None,
    most: Annotated[
        float | None,
        typer.Option("--max", parser=parse_time, metavar="LENGTH", help="Longest length of the loop, such as 1:30."),
    ] = None,
    near: Annotated[
        Any,
        typer.Option(
            parser=parse_stretch,
            metavar="TIMES",
            help="The best loop that begins and ends near these times, as 0:12-0:44.",
        ),
    ] = None,
    times: Annotated[
        int | None, typer.Option(metavar="N", help="Write the whole song, with the loop played N times.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            parser=parse_minutes, metavar="LENGTH", help="Write the whole song, with loops until it is about so long."
        ),
    ] = None,
    split: Annotated[
        bool, typer.Option("--split", help="Write three files: the song up to the loop, the loop, and the rest.")
    ] = False,
    tag: Annotated[
        bool,
        typer.Option(
            "--tag",
            help="Write the song up to the loop's end, and mark the loop there: by LOOPSTART and LOOPLENGTH in Ogg, "
            "Opus and FLAC, by smpl in WAV.",
        ),
    ] = False,
    format: Format = None,
    crossfade: Crossfade = None,
    model: Model = DEFAULT,
    backend: Backend = "auto",
    device: Device = "auto",
    salvage: Salvage = False,
    clip: Clips = Clip.clamp,
    threads: Threads = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the passage of a song that repeats without a seam, and write it.

    Its end runs into its beginning, at the same place in the bar. Without -o the loop goes beside its song, as
    song-loop.ogg, or .wav where a format can't be repeated without a gap.
    """
    from extrapcli.loop import LoopMaker, listing
    from extrapcli.naming import read_song
    from extrapcli.pipeline import Options
    from extrapcli.wishes import LoopWish, style

    wish = LoopWish(bars, least, most, pick, times, minutes, split, mark=tag, near=near)
    options = Options(
        model=model,
        backend=backend,
        device=device,
        style=style("auto", 0, crossfade, 0),
        format=format.value if format else None,
        threads=threads,
        salvage=salvage,
        clip=clip.value,
        overwrite=overwrite,
    )
    if list_:
        if len(songs) > 1 or out is not None or pick != 1 or tag or split or times or minutes:
            raise typer.BadParameter(
                "--list takes one song, and writes no file: leave out -o, --pick, --tag, --split, --times and "
                "--minutes"
            )
        loops = LoopMaker(options, wish).loops(read_song(songs[0], salvage=salvage))
        for line in listing(loops, json=json, most=LISTED):
            console.result(line)
        return
    for made in made_of(songs, out, lambda: LoopMaker(options, wish), json=json, quiet=quiet):
        for note in () if quiet else made.notes:
            console.say(f"{made.song}: {note}")
        for path in made.paths if not json else ():
            if path != STDOUT:
                console.result(str(path))
        if json:
            console.result(made.to_json())
