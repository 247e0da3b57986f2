"""Write docs/api.md from the docstrings and docs/cli.md from the commands: `generate.py FOLDER`."""

import re
import subprocess
import sys
from pathlib import Path

import griffe
from griffe2md import ConfigDict, render_object_docs

import extrapcli

CLASSES_FIRST = (
    "load",
    "Model",
    "Track",
    "Join",
    "Jump",
    "Sound",
    "BarBeat",
    "continue_file",
    "fit_file",
    "loop_file",
    "LoopFile",
    "Loop",
    "TrackFile",
    "Rating",
    "Mood",
    "evaluate",
    "Evaluation",
    "analyse",
    "Analysis",
    "Beats",
    "BarBeat",
    "Section",
    "Key",
    "Chords",
    "Voice",
)
CONFIG = ConfigDict(
    docstring_section_style="list",
    docstring_style="google",
    filters=["!^_", "!^(continuation|extrapolator)$"],  # what takes and gives objects that are not public
    heading_level=2,
    inherited_members=False,
    members_order="source",
    separate_signature=True,
    show_bases=False,
    show_if_no_docstring=False,
    show_root_full_path=False,
    show_root_heading=True,
    show_signature_annotations=True,
    summary=False,
)


def api() -> str:
    package = griffe.load("extrapcli", docstring_parser="google", resolve_aliases=True)
    names = [*CLASSES_FIRST, *(name for name in extrapcli.__all__ if name not in CLASSES_FIRST)]
    parts = [render_object_docs(package[name].final_target, CONFIG) for name in names]
    text = "\n\n".join(["# Python", (extrapcli.__doc__ or "").strip(), *map(str.strip, parts)]) + "\n"
    text = re.sub(r"\[([^][]+)\]\(#[^)]*\)", r"\1", text)  # links to types, most of which are elsewhere
    text = re.sub(r"<code>([^<]*)</code>", r"`\1`", text)
    text = re.sub(r"^(- .*)\n(?=\w)", r"\1 ", text, flags=re.MULTILINE)  # the second line of an item is part of it
    return re.sub(r"^(#+ `)extrapcli\.(?:\w+\.)*?([A-Z])", r"\1\2", text, flags=re.MULTILINE)


def commands(to: Path) -> str:
    typer = Path(sys.executable).with_name("typer")
    module = "extrapcli.cli.commands"
    command = [str(typer), module, "utils", "docs", "--name", "extrap", "--title", "Commands", "--output", str(to)]
    subprocess.run(command, check=True, capture_output=True)
    text = to.read_text()
    return re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+\n", "", text, count=1)  # summaries that are cut off


def main() -> None:
    folder = Path(sys.argv[1])
    (folder / "api.md").write_text(api())
    (folder / "cli.md").write_text(commands(folder / "cli.md"))


if __name__ == "__main__":
    main()
