"""`extrap melody`."""

from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.cli.app import app


@app.command()
def melody(
    seed: Annotated[
        str,
        typer.Option(
            metavar="SYMBOLS_OR_FILE",
            help='How the tune begins: a symbol for each sixteenth, as "67 _ 67 _ 65 _ 64 _" (MIDI numbers, r for a '
            "rest, _ to hold on), or a file: MIDI, ABC, kern or MusicXML.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="PATH", help="The MIDI file.")] = Path("tune.mid"),
    bars: Annotated[int, typer.Option(min=1, max=1000, help="How long the tune may be, with its seed.")] = 16,
    temperature: Annotated[
        float, typer.Option(min=0, max=10, help="Below 1 what is usual, above 1 what is not.")
    ] = 1.0,
    random_seed: Annotated[int, typer.Option(min=0, help="Another tune for another number.")] = 0,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="G, F#, Bb, Am.  [default: the seed's; C or Am for symbols]")
    ] = None,
    metre: Annotated[
        str | None, typer.Option(metavar="METRE", help="As 3/4 or 6/8.  [default: the seed's, or 4/4]")
    ] = None,
    tempo: Annotated[float, typer.Option(min=10, max=1000, help="Quarters a minute.")] = 100.0,
    model: Annotated[
        str, typer.Option(metavar="NAME_OR_PATH", help="A model of tunes (see extrap models).")
    ] = "melody",
    backend: Annotated[str, typer.Option(metavar="NAME", help="auto, onnx or tensorflow.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Write a tune that begins with a seed; it ends where the model says that it is over."""
    from extrapcli.melody.melody import Wish, write_tune

    wish = Wish(bars, temperature, random_seed, key, metre, tempo)
    written = write_tune(seed, out, wish, model=model, backend=backend, overwrite=overwrite)
    if not written.ended and not quiet:
        console.say(f"the tune came to no end in {bars} bars and was cut there; ask for more --bars")
    if out != Path("-"):
        console.result(str(out))
