"""Training and export in this process, which has loaded TensorFlow already."""

from pathlib import Path

from extrapcli.training.device import ALONE
from extrapcli.training.export import export_run
from extrapcli.training.fit import fit
from extrapcli.training.recipe import read_recipe
from tests.training.conftest import RecordedProgress


def train(folder: Path, *, corpus: str = "corpus", run: str = "run", resume: bool = False) -> list[str]:
    """Train by the recipe in a folder, and return the lines that were said."""
    progress = RecordedProgress()
    recipe = read_recipe(folder / "recipe.toml")
    fit(recipe, folder / corpus, folder / run, name="recipe", resume=resume, worker=ALONE, progress=progress)
    return progress.lines


def export(run: Path, corpus: Path | None, out: Path | None, *, overwrite: bool = False) -> list[Path]:
    progress = RecordedProgress()
    return export_run(run, corpus, out, weights="float16", licence="", overwrite=overwrite, progress=progress)
