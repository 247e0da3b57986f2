"""`extrap models`, `extrap info` and `extrap doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.atomic import named_path
from extrapcli.cli.root import app
from extrapcli.errors import UnusableModel


@app.command()
def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME | verify]", help="A model to tell more about; verify checks all files."),
    ] = None,
) -> None:
    """List the models that are here, tell more about one, or verify their files against their checksums."""
    from extrapcli.describe import describe_card, models_table, verify_models

    faults: list[UnusableModel] = []
    with console.nothing_but_results(), console.progress(quiet=name != "verify") as progress:
        lines = verify_models(progress.doing) if name == "verify" else describe_card(name) if name else models_table()
        for line in lines:
            if isinstance(line, UnusableModel):
                faults.append(line)
            else:
                console.result(line)
    for fault in faults[:-1]:
        console.say(str(fault))
    if faults:
        raise faults[-1]


@app.command()
def info(
    file: Annotated[Path, typer.Argument(help="A song, a model file or a model folder.", parser=named_path)],
    analysis: Annotated[
        bool,
        typer.Option("--analysis", help="Analyse the song, too: tempo, metre, key, chords, loudness, sections."),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Analyse the song, and print all that is found as JSON.")
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Analyse the song, and draw it: waveform, bars, sections, energy, chords (.png, .svg or .pdf).",
            parser=named_path,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that exists.")] = False,
) -> None:
    """Show what a song or a model file is, and what an analysis finds in a song."""
    from extrapcli.describe import decode_song, describe, describe_song

    if not (analysis or json or picture):
        for line in describe(file):
            console.result(line)
        return
    if picture:
        from extrapcli.evaluation.picture import check_picture

        check_picture(picture, file, overwrite=overwrite)
    from extrapcli.analysis import Analysis
    from extrapcli.analysis.summary import facts, lines

    song = decode_song(file)
    found = Analysis(song)
    if json:
        from json import dumps

        console.result(dumps(facts(found)))
    else:
        for line in (*describe_song(song), *lines(found)):
            console.result(line)
    if picture:
        from extrapcli.evaluation.picture import draw_analysis

        draw_analysis(found, picture, overwrite=overwrite)
        if not json:
            console.result(f"picture: {picture}")


@app.command()
def doctor() -> None:
    """Say which backends, devices and formats work here, and what to install for those that don't."""
    from extrapcli.doctor import diagnose

    for line in diagnose():
        console.result(line)
