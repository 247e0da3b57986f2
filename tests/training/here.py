"""Training and export in this process, which has loaded TensorFlow already."""

from pathlib import Path

from extrapcli.training.device import ALONE
from extrapcli.training.export import export_run
from extrapcli.training.fit import fit
from extrapcli.training.recipe import read_recipe
from tests.training.test_corpus import Heard


def train(folder: Path, *, corpus: str = "corpus", run: str = "run", resume: bool = False) -> list[str]:
    """Train by the recipe in a folder, and give the lines that were said."""
    heard = Heard()
    recipe = read_recipe(folder / "recipe.toml")
    fit(recipe, folder / corpus, folder / run, name="recipe", resume=resume, share=ALONE, progress=heard)
    return heard.lines


def export(run: Path, corpus: Path | None, out: Path | None) -> list[Path]:
    return export_run(run, corpus, out, weights="float16", licence="", progress=Heard())
