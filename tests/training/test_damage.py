"""What is damaged or missing in a run folder is named, what exists is kept, and a finished run can go on."""

import json
import resource
import zipfile
from pathlib import Path

import numpy as np
import pytest

from extrapcli.errors import CannotWrite, UnusableModel, UsageError
from extrapcli.models import damaged_files
from extrapcli.training.run import STATE
from tests.conftest import Extrap
from tests.training.conftest import RECIPE
from tests.training.here import export, train
from tests.training.test_training import rows, weights

pytestmark = pytest.mark.slow


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_finished_run_goes_on_to_more_epochs(copy: Path) -> None:
    """As an uninterrupted run of as many epochs would, where the learning rate is constant."""
    (copy / "recipe.toml").write_text(RECIPE.replace("epochs = 2", "epochs = 3"))
    train(copy, run="whole")
    said = train(copy, resume=True)
    assert any(line.startswith("epoch 3/3") for line in said)
    assert not any(line.startswith("epoch 2/") for line in said)
    assert json.loads((copy / "run" / "facts.json").read_text())["finished"]
    losses, whole = ([float(row["val_loss"]) for row in rows(copy / run)] for run in ("run", "whole"))
    assert losses == pytest.approx(whole, rel=1e-5)
    continued = weights(copy / "run" / "last.keras")
    for name, values in weights(copy / "whole" / "last.keras").items():
        np.testing.assert_allclose(continued[name], values, rtol=1e-4, atol=1e-6)
    assert "finished" in train(copy, resume=True)[-1]
    (copy / "recipe.toml").write_text(RECIPE)
    with pytest.raises(UsageError, match="a run of 3 epochs can be given more, but not 2"):
        train(copy, resume=True)


def test_a_run_that_patience_ended_says_what_would_help(copy: Path) -> None:
    last = copy / "run" / "last.keras"
    with zipfile.ZipFile(last) as old:
        members = {name: old.read(name) for name in old.namelist()}
    state = json.loads(members[STATE])
    state["epochs"][0]["val_loss"] = 0.5  # the second epoch was no better
    members[STATE] = json.dumps(state).encode()
    with zipfile.ZipFile(last, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)
    (copy / "recipe.toml").write_text(RECIPE.replace("epochs = 2", "epochs = 3\npatience = 1"))
    said = train(copy, resume=True)
    assert "the validation loss has not fallen for 1 epochs; raise fit.patience" in said[-1]
    assert len(rows(copy / "run")) == 2


@pytest.mark.parametrize("name", ["last.keras", "best.keras", "recipe.json"])
def test_what_is_missing_from_a_run_is_named(name: str, copy: Path) -> None:
    (copy / "recipe.toml").write_text(RECIPE.replace("epochs = 2", "epochs = 3"))
    (copy / "run" / name).unlink()
    before = snapshot(copy / "run")
    with pytest.raises(UsageError, match=rf"{name}: is missing"):
        train(copy, resume=True)
    assert snapshot(copy / "run") == before


def test_a_run_that_was_saved_in_its_first_epoch_needs_what_was_saved(copy: Path) -> None:
    for name in ("best.keras", "last.keras", "metrics.csv", "loss.png"):
        (copy / "run" / name).unlink()
    facts = copy / "run" / "facts.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"finished": False}))
    with pytest.raises(UsageError, match=r"last\.keras: is missing"):
        train(copy, resume=True)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("last.keras", None, r"last\.keras: cannot be resumed: it is damaged"),
        ("recipe.json", None, r"recipe\.json: is damaged, or not of a run of extrap train"),
        ("recipe.json", "[]", r"recipe\.json: is damaged"),
        ("facts.json", None, r"facts\.json: is damaged, or not of a run of extrap train"),
    ],
)
def test_what_is_damaged_in_a_run_is_named(name: str, content: str | None, says: str, copy: Path) -> None:
    (copy / "recipe.toml").write_text(RECIPE.replace("epochs = 2", "epochs = 3"))
    file = copy / "run" / name
    file.write_bytes(file.read_bytes()[:40] if content is None else content.encode())
    with pytest.raises(UsageError, match=says):
        train(copy, resume=True)


def test_the_key_in_which_recipes_differ_is_named(copy: Path) -> None:
    (copy / "recipe.toml").write_text(RECIPE.replace("batch_size = 4", "batch_size = 5\nclip_norm = 1.0"))
    with pytest.raises(UsageError, match=r"another recipe: fit\.batch_size is 5, not 4"):
        train(copy, resume=True)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("best.keras", b"PK\3\4 cut", r"best\.keras: is damaged, or not of the recipe in .*recipe\.json"),
        ("recipe.json", b'{"frame_samples": 2000', r"recipe\.json: is damaged"),
        ("facts.json", b'{"finished": true}', r"facts\.json: is damaged: recipe is missing or wrong"),
        ("facts.json", b"{}", r"facts\.json: is damaged"),
    ],
)
def test_export_names_what_is_damaged(name: str, content: bytes, says: str, copy: Path) -> None:
    (copy / "run" / name).write_bytes(content)
    with pytest.raises((UsageError, UnusableModel), match=says):
        export(copy / "run", copy / "corpus", copy / "model")
    assert not (copy / "model").exists()


def test_export_names_a_recipe_that_was_edited(copy: Path) -> None:
    recipe = copy / "run" / "recipe.json"
    recipe.write_text(recipe.read_text().replace('"frame_samples": 2000', '"frame_samples": 3000'))
    with pytest.raises(UnusableModel, match=r"best\.keras: is damaged, or not of the recipe"):
        export(copy / "run", copy / "corpus", copy / "model")


def test_export_replaces_a_model_where_that_is_asked_for_and_nothing_else(copy: Path) -> None:
    (copy / "model").mkdir()
    for name in ("model.onnx", "card.json", "README.md"):
        (copy / "model" / name).write_text("mine")
    before = snapshot(copy)
    for out, overwrite, says in (
        ("model", False, "model: holds a model already"),
        ("corpus", False, "corpus: holds other things than a model"),
        ("corpus", True, "corpus: holds other things than a model"),
        ("corpus/train", True, "train: holds other things than a model"),
        ("run", True, "run: holds other things than a model"),
        ("recipe.toml", True, "recipe.toml: is a file"),
    ):
        with pytest.raises(CannotWrite, match=says) as refused:
            export(copy / "run", copy / "corpus", copy / out, overwrite=overwrite)
        assert (refused.value.hint == "overwrite") == (says.endswith("already"))
    assert snapshot(copy) == before
    export(copy / "run", copy / "corpus", copy / "model", overwrite=True)
    assert damaged_files(copy / "model") == []
    assert {path.name for path in (copy / "model").iterdir()} == {
        "model.onnx",
        "model.keras",
        "card.json",
        "README.md",
    }
    assert (copy / "model" / "README.md").read_text() == "mine"


def test_the_command_exports_over_a_model_only_with_overwrite(extrap: Extrap, copy: Path) -> None:
    (copy / "model").mkdir()
    (copy / "model" / "card.json").write_text("mine")
    ran = extrap("export", "run", "-o", "model", status=6)
    assert ran.stderr == "extrap: model: holds a model already; choose another name, or say --overwrite\n"


def test_a_full_disk_is_said(copy: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(CannotWrite, match="model: cannot be written: File too large"):
            export(copy / "run", copy / "corpus", copy / "model")
        with pytest.raises(CannotWrite, match=r"\.keras: cannot be written: File too large"):
            train(copy, run="full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (copy / "model").exists()
    assert {path.name for path in (copy / "full").iterdir()} == {"recipe.json", "facts.json"}


def test_a_folder_with_other_things_is_no_run_folder(copy: Path) -> None:
    (copy / "mine").mkdir()
    (copy / "mine" / "facts.json").write_text("mine")
    before = snapshot(copy)
    for folder in ("mine", "corpus", "."):
        with pytest.raises(CannotWrite, match="holds other things than a run"):
            train(copy, run=folder)
    assert snapshot(copy) == before
