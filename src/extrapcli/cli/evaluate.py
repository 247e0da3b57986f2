"""`extrap evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.atomic import named_path
from extrapcli.cli.options import Quiet, Threads
from extrapcli.cli.root import app


@app.command()
def evaluate(
    track: Annotated[
        Path, typer.Argument(metavar="TRACK", help="A track that begins with the song.", parser=named_path)
    ],
    song: Annotated[Path, typer.Option(metavar="SONG", help="The song that it continues.", parser=named_path)],
    joins: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON with the joins of the track, as extrap continue --json prints it.",
            parser=named_path,
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="WHOLE", help="The longer recording that the song was cut from.", parser=named_path),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="The page, or a folder for it; its JSON goes beside it.  [default: TRACK.html]",
            parser=named_path,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a report that exists.")] = False,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="Where the network that tags music runs: auto, cpu or cuda.")
    ] = "auto",
    threads: Threads = None,
    json: Annotated[bool, typer.Option("--json", help="Print the JSON, not the paths.")] = False,
    quiet: Quiet = False,
) -> None:
    """Measure how well a track continues its song: a page to look at and listen to, and a JSON file."""
    from extrapcli.evaluation import check_installed

    check_installed()
    from extrapcli.audio.decode import decode
    from extrapcli.evaluation.report import read_joins, write_report

    with console.progress(quiet) as progress:
        text, paths = write_report(
            track,
            decode(song, name=str(song)),
            out=out,
            joins=read_joins(joins) if joins else None,
            truth=decode(truth, name=str(truth)) if truth else None,
            overwrite=overwrite,
            inputs=tuple(path for path in (track, song, joins, truth) if path),
            device=device,
            threads=threads,
            progress=progress.doing,
        )
    for line in [text] if json else map(str, paths):
        console.result(line)
