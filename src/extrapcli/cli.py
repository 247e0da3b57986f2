"""The `extrap` command: each command parses, calls one function, prints. The only user of typer."""

import os
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.errors import ExtrapError
from extrapcli.models import DEFAULT

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small here: threads would wait, not work

app = typer.Typer(
    name="extrap",
    help="Makes music longer: continues any song to the length you ask for.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing help with rich would take longer than all the rest of it
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(models_app, name="models", help="List the models that are here, or verify them.")


class Device(StrEnum):
    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class TrainingDevice(StrEnum):
    cpu = "cpu"
    gpu = "gpu"
    tpu = "tpu"


class Weights(StrEnum):
    float32 = "float32"
    float16 = "float16"
    int8 = "int8"


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


def print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.result(version("extrapcli"))
        raise typer.Exit


@app.callback()
def extrap(
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=print_version)
    ] = False,
) -> None:
    """Take the options that stand before a command."""


Minutes = Annotated[
    float | None,
    typer.Option(parser=parse_minutes, metavar="LENGTH", help="Length of the track: 3, 2.5 or 3:30.  [default: 3]"),
]
Add = Annotated[
    float | None,
    typer.Option(parser=parse_minutes, metavar="LENGTH", help="Length to add to the song, instead of --minutes."),
]


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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Continue songs: each track begins with its song and lasts as long as you ask for.

    Without -o the track goes beside its song, as song-3m00s.mp3.
    """
    from extrapcli.continuation import Length
    from extrapcli.extrapolators.base import Style
    from extrapcli.jobs import Options, continue_songs

    if minutes is not None and add is not None:
        raise typer.BadParameter("--minutes and --add exclude each other")
    if json and out == "-":
        raise typer.BadParameter("--json and -o - both want standard output")
    length = Length(add, beyond=True) if add is not None else Length(3.0 if minutes is None else minutes)
    options = Options(
        length=length,
        out=Path(out) if out else None,
        into_folder=(out or "").endswith(os.sep),
        model=model,
        backend=backend,
        device=device.value,
        style=Style(fade_seconds=crossfade, ending=ending.value, variety=variety, seed=seed),
        format=format.value if format else None,
        threads=threads,
        overwrite=overwrite,
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


@models_app.callback()
def models(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from extrapcli.about import describe_models

        for line in describe_models():
            console.result(line)


@models_app.command("verify")
def verify() -> None:
    """Check the SHA-256 of every model file against its card."""
    from extrapcli.about import verify_models

    for line in verify_models():
        console.result(line)


@app.command()
def info(file: Annotated[Path, typer.Argument(help="A song, a model file or a model folder.")]) -> None:
    """Show what a song or a model file is."""
    from extrapcli.about import describe

    for line in describe(file):
        console.result(line)


@app.command()
def doctor() -> None:
    """Say which backends, devices and formats work here, and what to install for those that don't."""
    from extrapcli.about import diagnose

    for line in diagnose():
        console.result(line)


@app.command()
def train(
    corpus: Annotated[
        Path, typer.Argument(metavar="CORPUS", help="A folder with train/ and validation/, or a manifest.tsv.")
    ],
    recipe: Annotated[str, typer.Option(metavar="NAME_OR_PATH", help="What to train, and how.")] = DEFAULT,
    run: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The run folder.  [default: runs/RECIPE]")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run, if it was begun.")] = False,
    device: Annotated[TrainingDevice, typer.Option(help="gpu and tpu train on JAX.")] = TrainingDevice.cpu,
    tpu: Annotated[bool, typer.Option("--tpu", help="Short for --device tpu.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Train a network on a corpus of songs; prints the path of the best weights.

    Ctrl-C finishes the step and saves; --resume goes on from there.
    """
    from extrapcli.training.device import use_device

    if tpu and device == TrainingDevice.gpu:
        raise typer.BadParameter("--tpu and --device gpu exclude each other")
    share = use_device("tpu" if tpu else device.value)
    from extrapcli.training.fit import fit
    from extrapcli.training.recipe import find_recipe

    wanted, folder = find_recipe(recipe), run or Path("runs") / Path(recipe).stem
    with console.training(quiet or share.process > 0) as progress:
        best = fit(wanted, corpus, folder, name=recipe, resume=resume, share=share, progress=progress)
    console.result(str(best))


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder that extrap train made.")],
    corpus: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The corpus to measure on; by default the run's own.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="The model folder to write; by default RUN/RECIPE."),
    ] = None,
    weights: Annotated[Weights, typer.Option(help="What large weights are stored as; int8 is for ONNX alone.")] = (
        Weights.float16
    ),
    licence: Annotated[str, typer.Option(metavar="TEXT", help="For the card: the licence of the weights.")] = (
        "not stated"
    ),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Make a model of a run: ONNX and Keras files that agree, measured, with a card."""
    from extrapcli.training.device import use_tensorflow

    use_tensorflow()
    from extrapcli.training.export import export_run

    with console.training(quiet) as progress:
        paths = export_run(run, corpus, out, weights=weights.value, licence=licence, progress=progress)
    for path in paths:
        console.result(str(path))


def main() -> None:
    """Run the command with the one error boundary: an exit status, and one sentence on stderr."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if "--traceback" in sys.argv:
            raise
        if isinstance(error, ExtrapError):
            console.say(str(error))
            sys.exit(error.exit_code)
        if isinstance(error, MemoryError):
            console.say("there is not enough memory for this")
            sys.exit(1)
        console.say(f"a bug in extrap ({type(error).__name__}: {error}); run again as extrap --traceback ...")
        sys.exit(1)
