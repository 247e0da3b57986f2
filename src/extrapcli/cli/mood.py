"""`extrap mood`."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.atomic import named_path
from extrapcli.cli.root import app


@app.command()
def mood(
    song: Annotated[Path, typer.Argument(metavar="SONG", help="An audio file.", parser=named_path)],
    json: Annotated[bool, typer.Option("--json", help="Print the curve, second by second, as JSON.")] = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw the curve over the waveform (.png, .svg or .pdf).", parser=named_path
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that exists.")] = False,
) -> None:
    """Show how calm or lively a song is over time, on the scale that --mood and --arc are given in."""
    from extrapcli.analysis import Analysis
    from extrapcli.describe import decode_song
    from extrapcli.mood.summary import facts, lines

    if picture:
        from extrapcli.evaluation.picture import check_picture

        check_picture(picture, song, overwrite=overwrite)
    analysis = Analysis(decode_song(song))
    if json:
        from json import dumps

        console.result(dumps(facts(analysis)))
    else:
        for line in lines(analysis, columns=shutil.get_terminal_size().columns):
            console.result(line)
    if picture:
        from extrapcli.evaluation.mood_picture import draw_mood

        draw_mood(analysis, picture, overwrite=overwrite)
        if not json:
            console.result(f"picture: {picture}")
