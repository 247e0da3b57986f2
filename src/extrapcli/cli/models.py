"""`extrap models`, `extrap info` and `extrap doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.cli.app import app

models_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(models_app, name="models", help="List the models that are here, or verify them.")


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
