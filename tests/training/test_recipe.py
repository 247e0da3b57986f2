"""Recipes: what is refused before any work, and what is shipped."""

import json
import os
from pathlib import Path

import pytest

from extrapcli.errors import UsageError
from extrapcli.models import read_card
from extrapcli.training.kinds import RECIPES
from extrapcli.training.recipe import find_recipe, read_recipe
from extrapcli.training.run import RunFolder
from tests.training.here import train

RECIPE = """
network = "study"
[study]
widths = [64, 64, 64, 64]
[clips]
per_song = 3
[fit]
epochs = 2
batch_size = 4
"""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("epochs = 2", "epochs = 0"), "fit.epochs"),
        (("epochs = 2", "epoch = 2"), "epoch"),
        (("batch_size", "batchsize"), "batchsize"),
        (("batch_size = 4", "batch_size = 40000"), "batch_size"),
        (('"study"', '"transformer"'), "network"),
        (("widths = [64,", "widths = [9,"), "widths"),
        (("[fit]", "[fit"), "not TOML"),
        (("epochs = 2", "epochs = " + "[" * 5000), "not TOML"),
        (("epochs = 2", "epochs = " + "9" * 5000), "not TOML"),
        (("epochs = 2", "epochs = 2\npatience = 2"), "patience of 2 can never end"),
        (("per_song = 3", 'per_song = 3\nstart = "beginning"'), "one beginning"),
        (("[clips]", "[recall]\nbands = 8\n[clips]"), r"\[recall\] says nothing about a study network"),
        (("widths", "frame_samples = 0\nwidths"), "frame_samples"),
        (("epochs = 2", "epochs = 2\nlearning_rate = inf"), "learning_rate"),
        (("[fit]", '[data]\ntrain = ["a", "b"]\nvalidation = ["b"]\n[fit]'), "named twice"),
        (("[fit]", "[data]\ntrain = []\n[fit]"), "train"),
        (("per_song = 3", 'scaling = "none"\nmel_weight = 1'), "mel_weight needs standardised samples"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(change: tuple[str, str], says: str, tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(RECIPE.replace(*change))
    with pytest.raises(UsageError, match=says):
        read_recipe(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('network = "seq2seq"\n[fit]\nepochs = 1\nprecision = "bfloat16"', "too coarse"),
        ('network = "recall"\n[recall]\nbands = 2\nvector = 51\n[fit]\nepochs = 1', "50 entries at most"),
        ('network = "seq2seq"\n[seq2seq]\nbands = 1\n[fit]\nepochs = 1', "25 entries at most"),
        ('network = "study"\n[clips]\nmel_weight = 1\n[study]\nframe_samples = 9\n[fit]\nepochs = 1', "22050"),
    ],
)
def test_contradictions_are_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(UsageError, match=says):
        read_recipe(tmp_path / "r.toml")


def test_an_unknown_recipe_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"nosuch: cannot read the recipe.*recall, seq2seq, study"):
        find_recipe("nosuch")


def test_a_network_that_cannot_fit_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipe.toml").write_text(
        'network = "lstm"\n[lstm]\nprojection = 22050\nunits = 500000\n[fit]\nepochs = 1\n'
    )
    (tmp_path / "corpus").mkdir()
    with pytest.raises(UsageError, match="GB of memory"):
        train(tmp_path)
    assert not (tmp_path / "run").exists()
    monkeypatch.delattr(os, "sysconf")  # as on Windows, where nobody knows
    with pytest.raises(UsageError, match="no songs"):
        train(tmp_path)


def test_every_network_has_a_sound_recipe_shipped() -> None:
    paths = list(Path("training/recipes").glob("*.toml"))
    for path in paths:
        recipe = find_recipe(path.stem)
        assert recipe == read_recipe(path)
        assert type(recipe).model_validate_json(recipe.to_json()) == recipe
    assert {read_recipe(path).network for path in paths} == set(RECIPES)


@pytest.mark.parametrize("folder", sorted(Path("models").iterdir()), ids=lambda folder: folder.name)
def test_the_shipped_cards_say_what_their_recipes_say(folder: Path) -> None:
    card = read_card(folder)
    recipe = find_recipe(card.made_by.partition("--recipe ")[2].split()[0])
    assert (card.title, card.summary) == (recipe.filled(recipe.title), recipe.filled(recipe.summary))
    assert card.research == recipe.research
    assert len(card.title) <= 45


def test_a_run_that_was_begun_when_seq2seq_was_called_echo_is_read(tmp_path: Path) -> None:
    recipe = find_recipe("seq2seq")
    old = json.loads(recipe.to_json()) | {"network": "echo"}
    old["echo"] = old.pop("seq2seq")
    (tmp_path / "recipe.json").write_text(json.dumps(old))
    assert RunFolder(tmp_path).recipe == recipe
