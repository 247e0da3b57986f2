"""Recipes: what is refused before any work, and what is shipped."""

import json
import os
import subprocess
import sys
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
        ("epoch = 1", "epoch is no key of [fit]; write epochs"),
        ("epochs = 1\ncolour = 3", "colour is no key of [fit], which has epochs, batch_size"),
        ("epochs = 1\n[clip]", "clip is no key of a recipe; write clips"),
        ("epochs = 1\n[study]\nbatch_size = 4", "batch_size is no key of [study]; it belongs in [fit]"),
        ("", "fit.epochs is missing"),
        ("epochs = true", "fit.epochs must be a whole number, not true"),
        ('epochs = "1"', 'fit.epochs must be a whole number, not "1"'),
        ("epochs = 1.0", "fit.epochs must be a whole number, not 1.0"),
        ("epochs = 1_000_000", "fit.epochs must be 100000 at most, not 1000000; lower fit.epochs"),
        ("epochs = -1", "fit.epochs must be at least 1, not -1"),
        ("epochs = 1979-05-27", 'fit.epochs must be a whole number, not "1979-05-27"'),
        ("epochs = {a = 1}", 'fit.epochs must be a whole number, not {"a": 1}'),
        ("epochs = 1\nlearning_rate = true", "fit.learning_rate must be a number, not true"),
        (
            "epochs = 1\nlearning_rate = 1e30",
            "fit.learning_rate must be 10.0 at most, not 1e+30; lower fit.",
        ),
        ("epochs = 1\nlearning_rate = nan", "fit.learning_rate must be a finite number, not NaN"),
        ("epochs = 1\nschedule = 3", "fit.schedule must be 'constant' or 'cosine', not 3"),
        ("epochs = 1\n[data]\ntrain = 'train'", 'data.train must be a list in brackets, not "train"'),
        ("epochs = 1\n[data]\ntrain = [1]", "each entry of data.train must be a text in quotes, not 1"),
        ("epochs = 1\n[study]\nwidths = [64]", "study.widths has too few entries"),
        ("epochs = 1\n[study]\nshared = 1", "study.shared must be true or false, not 1"),
        ("epochs = 1\n[clips]\nper_song = 1000000000", "clips.per_song must be 10000 at most"),
    ],
)
def test_what_is_wrong_is_named_in_the_words_of_the_file(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(f'network = "study"\n[fit]\n{text}\n')
    with pytest.raises(UsageError) as error:
        read_recipe(path)
    assert str(error.value).startswith(f"{path}: {says}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('network = "study"', "the table [fit] is missing"),
        ('network = "study"\nfit = 3', "fit must be a table, not 3"),
        ('network = "study"\nepochs = 1', "epochs is no key of a recipe; it belongs in [fit]"),
        ('networks = "study"', "network must be one of study, lstm"),
        (
            "network = 3",
            "network must be one of study, lstm, seq2seq, recall, compose, melody, amplitude, beats, voice, not 3",
        ),
        ('network = "study"\nseed = 1e9\n[fit]\nepochs = 1', "seed must be a whole number"),
        ('network = "recall"\n[ranking]\nclip_seconds = 9600\n[fit]\nepochs = 1', "ranking.clip_seconds must be 600"),
        ('network = "recall"\n[ranking]\nqueries = 1000000\n[fit]\nepochs = 1', "ranking.queries must be 8192"),
        ('network = "recall"\n[ranking]\ntemperature = 1e9\n[fit]\nepochs = 1', "ranking.temperature must be 100"),
        ('network = "melody"\n[melody]\ndropout = nan\n[fit]\nepochs = 1', "melody.dropout must be"),
        ('network = "melody"\n[melody]\nvector = 10000\n[fit]\nepochs = 1', "melody.vector must be 4096"),
        ('network = "lstm"\n[lstm]\nunits = 10000000\n[fit]\nepochs = 1', "lstm.units must be 1000000"),
        (
            'network = "amplitude"\n[amplitude]\ndense = [10000]\n[fit]\nepochs = 1',
            "each entry of amplitude.dense must be 4096",
        ),
        (
            'network = "amplitude"\n[samples]\nper_song = 100000000\n[fit]\nepochs = 1',
            "samples.per_song must be 10000000",
        ),
    ],
)
def test_every_table_has_ranges(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        read_recipe(path)
    assert str(error.value).startswith(f"{path}: {says}")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = 1\n" * 200_000, b"a = " + b"9" * 5000])
def test_a_file_that_is_no_recipe_is_refused_in_plain_words(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"r\.toml: (not TOML, which is UTF-8 text|too large for a recipe)"):
        read_recipe(tmp_path / "r.toml")


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    recipe = Path(__file__).parents[2] / "training" / "recipes" / "recall.toml"
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xef\xbb\xbf" + recipe.read_bytes().replace(b"\n", b"\r\n"))
    assert read_recipe(path) == read_recipe(recipe)


def test_recipes_and_run_folders_are_checked_before_keras_is_loaded(tmp_path: Path) -> None:
    """Errors of `train` and `export` come at once."""
    (tmp_path / "recipe.toml").write_text(RECIPE.replace("epochs", "epoch"))
    (tmp_path / "whole.toml").write_text(RECIPE)
    (tmp_path / "run").mkdir()
    script = """
import sys
from extrapcli.cli import app
from typer.testing import CliRunner
for line in sys.stdin:
    result = CliRunner().invoke(app, line.split())
    print(type(result.exception).__name__, result.exception)
print([name for name in ("tensorflow", "keras", "onnx", "scipy", "matplotlib") if name in sys.modules])
"""
    commands = {
        "train corpus --recipe recipe.toml": "recipe.toml: epoch is no key of [fit]; write epochs",
        "train corpus --recipe whole.toml": "corpus: not a folder or manifest of songs",
        "export run": "recipe.json: is missing; name a run folder",
        "export nosuch": "recipe.json: is missing; name a run folder",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        input="\n".join(commands),
        capture_output=True,
        text=True,
        check=True,
    )
    *said, loaded = done.stdout.splitlines()
    for line, says in zip(said, commands.values(), strict=True):
        assert line.startswith("UsageError")
        assert says in line
    assert loaded == "[]"


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


@pytest.mark.parametrize(
    "sizes",
    [
        'network = "lstm"\n[lstm]\nprojection = 22050\nunits = 500000\n',
        'network = "recall"\n[ranking]\nclip_seconds = 600\nqueries = 8192\n',
        'network = "melody"\n[tunes]\ncontext_steps = 4096\n[melody]\nunits = 4096\n',
        'network = "amplitude"\n[amplitude]\nlook_back = 1024\nunits = 4096\n',
    ],
)
def test_a_network_that_cannot_fit_is_refused_before_any_work(
    sizes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipe.toml").write_text(f"{sizes}[fit]\nepochs = 1\nbatch_size = 4096\n")
    (tmp_path / "corpus").mkdir()
    with pytest.raises(UsageError, match="GB of memory"):
        train(tmp_path)
    assert not (tmp_path / "run").exists()
    monkeypatch.delattr(os, "sysconf")  # as on Windows, where nobody knows
    with pytest.raises(UsageError, match=r"no songs|no tunes"):
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
