"""The root of the command; those below it are in modules of their own. The only users of typer are in this folder."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from extrapcli import console
from extrapcli.models import named_for_nothing

GROUPS = {
    "Make music": ("continue", "play", "fit", "loop", "serve", "batch", "melody"),
    "Measure": ("info", "mood", "evaluate", "predict"),
    "Models": ("models", "doctor"),
    "Train": ("train", "export"),
}


class GroupedCommands(TyperGroup):
    """Lists the commands by what they are for, each with the whole first sentence of its help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, names in GROUPS.items():
            rows = [(name, (self.commands[name].help or "").split("\n\n")[0].replace("\n", " ")) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)


app = typer.Typer(
    name="extrap",
    help="Makes music longer: continues any song to the length you ask for.",
    cls=GroupedCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing help with rich would take longer than all the rest of it
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.result(version("extrapcli"))
        raise typer.Exit


@app.callback()
def extrap(
    context: typer.Context,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=print_version)
    ] = False,
) -> None:
    """Take the options that stand before a command, and say where $EXTRAP_MODELS is wrong."""
    if context.invoked_subcommand not in ("models", "doctor"):  # which say it in their place
        for fault in named_for_nothing():
            console.say(fault)
