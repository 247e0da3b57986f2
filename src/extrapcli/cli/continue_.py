"""`extrap continue`."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extrapcli import console
from extrapcli.cli.app import app
from extrapcli.errors import ExtrapError
from extrapcli.models import DEFAULT

if TYPE_CHECKING:
    from extrapcli.continuation import Length


class Device(StrEnum):
    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Format(StrEnum):
    wav = "wav"
    flac = "flac"
    ogg = "ogg"
    opus = "opus"
    mp3 = "mp3"
    m4a = "m4a"


class Ending(StrEnum):
    auto = "auto"
    song = "song"
    fade = "fade"
    cut = "cut"


def parse_minutes(text: str) -> float:
    """Minutes from `3`, `2.5`, `3:30` or `1:02:30`."""
    *large, last = text.split(":")
    try:
        numbers = [int(part) for part in large] + [float(last)]
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no length; write minutes, as 3 or 2.5, or 3:30") from None
    if len(numbers) > 3 or not all(0 <= n < 60 for n in numbers[1:]) or not 0 < sum(numbers) < 1e6:
        raise typer.BadParameter(f"{text!r} is no length; write minutes, as 3 or 2.5, or 3:30")
    if not large:
        return numbers[0]
    minutes = 0.0
    for n in numbers[:-1]:
        minutes = minutes * 60 + n
    return minutes + numbers[-1] / 60


Minutes = Annotated[
    float | None,
    typer.Option(parser=parse_minutes, metavar="LENGTH", help="Length of the track: 3, 2.5 or 3:30.  [default: 3]"),
]
Add = Annotated[
    float | None,
    typer.Option(parser=parse_minutes, metavar="LENGTH", help="Length to add to the song, instead of --minutes."),
]


def length_of(minutes: float | None, add: float | None) -> "Length":
    """What --minutes and --add ask for, 3 minutes where neither is given."""
    from extrapcli.continuation import Length

    if minutes is not None and add is not None:
        raise typer.BadParameter("--minutes and --add exclude each other")
    return Length(add, beyond=True) if add is not None else Length(3.0 if minutes is None else minutes)


@app.command("continue")
def continue_(
    songs: Annotated[
        list[Path], typer.Argument(metavar="SONG", help="Audio files, folders of them, or - for standard input.")
    ],
    minutes: Minutes = None,
    add: Add = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="PATH", help="The track, a folder/, or - for standard output."),
    ] = None,
    model: Annotated[str, typer.Option(metavar="NAME_OR_PATH", help="A model (see extrap models).")] = DEFAULT,
    backend: Annotated[str, typer.Option(metavar="NAME", help="auto, onnx or tensorflow.")] = "auto",
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.auto,
    crossfade: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Length of each join.  [default: the model's]")
    ] = None,
    format: Annotated[
        Format | None, typer.Option(help="Format of the track.  [default: the song's, or flac]")
    ] = None,
    ending: Annotated[
        Ending, typer.Option(help="The song's own, a fade, a cut, or what suits the song.")
    ] = Ending.auto,
    variety: Annotated[
        float, typer.Option(min=0, max=1, help="0 for the safest continuation, 1 for the most surprising.")
    ] = 0.3,
    seed: Annotated[int, typer.Option(min=0, help="Repeats the choices of a model that makes any.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads the model may use.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a track that exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each track.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Evaluate each track, too: a page and a JSON file beside it.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Continue songs: each track begins with its song and lasts as long as you ask for.

    Without -o the track goes beside its song, as song-3m00s.mp3.
    """
    from extrapcli.extrapolators.base import Style
    from extrapcli.jobs import continue_songs
    from extrapcli.maker import Options

    if json and out == "-":
        raise typer.BadParameter("--json and -o - both want standard output")
    options = Options(
        length=length_of(minutes, add),
        out=Path(out) if out else None,
        into_folder=(out or "").endswith(os.sep),
        model=model,
        backend=backend,
        device=device.value,
        style=Style(fade_seconds=crossfade, ending=ending.value, variety=variety, seed=seed),
        format=format.value if format else None,
        threads=threads,
        overwrite=overwrite,
        report=report,
    )
    cpu_said = quiet or device != Device.auto
    for outcome in continue_songs(songs, options, lambda: console.progress(quiet)):
        if isinstance(outcome, ExtrapError):
            console.say(str(outcome))
            continue
        if outcome.device == "cpu" and not cpu_said:
            console.say("no CUDA here, so the model ran on the CPU (see extrap doctor)")
            cpu_said = True
        if outcome.path == Path("-"):
            continue
        console.result(outcome.to_json() if json else str(outcome.path))
