"""`extrap predict`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.atomic import STDOUT, destination, named_path
from extrapcli.cli.options import Backend, Device, FormatName, Quiet, Threads
from extrapcli.cli.root import app


@app.command()
def predict(
    song: Annotated[
        Path, typer.Argument(metavar="SONG", help="An audio file, or - for standard input.", parser=named_path)
    ],
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="PATH", help="The prediction, a folder/, or - for standard output."),
    ] = None,
    next_bar: Annotated[
        bool, typer.Option("--next-bar", help="Instead say how likely each bar of the song is to come next.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_PATH",
            help="A model that predicts samples, or bars (extrap models).  [default: amplitude; compose for bars]",
        ),
    ] = None,
    look_back: Annotated[
        int | None,
        typer.Option(help="Samples that each is predicted from, up to 4096.  [default: the model's]"),
    ] = None,
    backend: Backend = "auto",
    device: Device = "auto",
    format: Annotated[FormatName | None, typer.Option(help="Format of the file.  [default: the song's, or flac]")] = (
        None
    ),
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON with all that was found.")] = False,
    quiet: Quiet = False,
) -> None:
    """Predict every sample of a song from the few before it, and say how well.

    The prediction is a sound at the model's rate. Without -o it goes beside the song, as song-predicted.mp3.
    With --next-bar, prints a line for each bar, the likeliest first: its number, where it begins, and how likely it
    is to come after the last one (of a song that ends by itself, the last one before its ending), if one of these
    comes. Of a long song, these are the bars of the last five minutes.
    """
    from extrapcli.analysis.summary import clock
    from extrapcli.models import COMPOSER
    from extrapcli.prediction import DEFAULT_MODEL, PredictionOptions, predict_next_bar, predict_song

    if next_bar:
        if out is not None or look_back is not None or format or overwrite:
            raise typer.BadParameter(
                "--next-bar writes no file; leave out --out, --look-back, --format and --overwrite"
            )
        found = predict_next_bar(song, model or COMPOSER, backend=backend, device=device, threads=threads)
        if not quiet and not json:
            console.say(f"{found.song}: these may come after bar {found.last.bar}, at {clock(found.last.seconds)}:")
        for line in [found.to_json()] if json else found.lines():
            console.result(line)
        return
    prediction = None if out is None else destination(out)
    if json and prediction == STDOUT:
        raise typer.BadParameter("--json and -o - both want standard output")
    options = PredictionOptions(
        model=model or DEFAULT_MODEL,
        look_back=look_back,
        backend=backend,
        device=device,
        threads=threads,
        format=format.value if format else None,
        overwrite=overwrite,
    )
    with console.progress(quiet) as progress:
        made = predict_song(
            song,
            prediction,
            options,
            into_folder=(out or "").endswith(os.sep),
            progress=progress,
        )
    for note in () if quiet else made.notes:
        console.say(f"{made.song}: {note}")
    if not quiet and not json:
        for name, error in (
            (f"{made.model}, from {made.look_back} samples", made.error),
            ("linear prediction from as many, fitted to this song", made.linear_prediction),
            ("repeating the last sample", made.last_sample),
        ):
            console.say(f"{name}: error {error.decibels:.1f} dB, {error.squared_16_bit:,.0f} in squared 16-bit units")
    if made.path != STDOUT:
        console.result(made.to_json() if json else str(made.path))
