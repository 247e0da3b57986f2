"""`extrap train` and `extrap export`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.atomic import named_path
from extrapcli.cli.options import Quiet
from extrapcli.cli.root import app
from extrapcli.models import DEFAULT


class TrainingDevice(StrEnum):
    cpu = "cpu"
    gpu = "gpu"
    tpu = "tpu"


class Weights(StrEnum):
    float32 = "float32"
    float16 = "float16"
    int8 = "int8"


@app.command()
def train(
    corpus: Annotated[
        Path,
        typer.Argument(
            metavar="CORPUS", help="A folder with train/ and validation/, or a manifest.tsv.", parser=named_path
        ),
    ],
    recipe: Annotated[str, typer.Option(metavar="NAME_OR_PATH", help="What to train, and how.")] = DEFAULT,
    run: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The run folder.  [default: runs/RECIPE]", parser=named_path)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run, if there is one.")] = False,
    device: Annotated[TrainingDevice, typer.Option(help="gpu and tpu train on JAX.")] = TrainingDevice.cpu,
    tpu: Annotated[bool, typer.Option("--tpu", help="Short for --device tpu.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train a network on a corpus of songs, and print the path of the best weights.

    Ctrl-C finishes the step and saves; --resume continues from there. A finished run goes on where the recipe has
    more epochs than before.
    """
    if tpu and device == TrainingDevice.gpu:
        raise typer.BadParameter("--tpu and --device gpu exclude each other")
    from extrapcli.training.device import check_installed, use_device

    check_installed()
    from extrapcli.training.fit import fit
    from extrapcli.training.recipe import find_recipe

    wanted, folder = find_recipe(recipe), run or Path("runs") / Path(recipe).stem
    worker = use_device("tpu" if tpu else device.value)
    with console.training(quiet or worker.index > 0) as progress:
        best = fit(wanted, corpus, folder, name=recipe, resume=resume, worker=worker, progress=progress)
    console.result(str(best))


@app.command()
def export(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder that extrap train made.", parser=named_path)
    ],
    corpus: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The corpus to measure on; by default the run's own.", parser=named_path),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="The model folder to write; by default RUN/RECIPE.",
            parser=named_path,
        ),
    ] = None,
    weights: Annotated[Weights, typer.Option(help="What large weights are stored as; int8 is for ONNX alone.")] = (
        Weights.float16
    ),
    licence: Annotated[str, typer.Option(metavar="TEXT", help="For the card: the licence of the weights.")] = (
        "not stated"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that exists.")] = False,
    quiet: Quiet = False,
) -> None:
    """Export a run as a model: ONNX and Keras files, compared and measured, with a card."""
    from extrapcli.training.device import use_tensorflow

    use_tensorflow()
    from extrapcli.training.export import export_run

    with console.training(quiet) as progress:
        paths = export_run(
            run, corpus, out, weights=weights.value, licence=licence, overwrite=overwrite, progress=progress
        )
    for path in paths:
        console.result(str(path))
