"""From a folder of songs to a model that continues one, through the command line."""

import csv
import io
import json
import random
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.backends import open_model
from extrapcli.models import damaged_files, read_card
from tests.conftest import EXTRAP, Extrap, chord
from tests.training.conftest import LayCorpus

RECIPE = """
network = "seq2seq"
seed = 3
[seq2seq]
context_frames = 4
horizon_frames = 2
frame_samples = 2000
widths = [64, 64, 64, 64]
[clips]
per_song = 3
[fit]
epochs = 2
batch_size = 4
"""


@pytest.fixture
def corpus(lay_corpus: LayCorpus, rng: np.random.Generator) -> Path:
    return lay_corpus(
        RECIPE,
        {"train": 3, "validation": 2},
        lambda: chord(9, 8000, 2) + rng.normal(scale=0.01, size=(72000, 2)),
        8000,
    )


def weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Every array of a `.keras` file by its name."""
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        found: dict[str, NDArray[np.float32]] = {}
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        return found


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("network", ["seq2seq", "lstm"])
def test_train_export_and_continue(
    network: str, extrap: Extrap, corpus: Path, song_wav: Path, tmp_path: Path
) -> None:
    recipe = RECIPE if network == "seq2seq" else RECIPE.replace("seq2seq", "lstm").replace("widths", "units = 8\n#")
    (tmp_path / "recipe.toml").write_text(recipe)
    ran = extrap("train", "corpus", "--recipe", "recipe.toml", "--run", "run")
    assert ran.lines == ["run/best.keras"]
    assert "epoch 2/2" in ran.stderr
    run = tmp_path / "run"
    facts = json.loads((run / "facts.json").read_text())
    assert facts["training_songs"] == 3
    assert facts["epochs"] == 2
    assert facts["finished"]
    assert {"git_commit", "keras", "tensorflow", "corpus_sha256", "waited_for_data"} <= facts.keys()
    assert [row["epoch"] for row in rows(run)] == ["1", "2"]
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in run.iterdir()} == {
        "recipe.json",
        "facts.json",
        "metrics.csv",
        "loss.png",
        "best.keras",
        "last.keras",
    }

    extrap("export", "run", "--corpus", "corpus", "-o", "model", "--quiet")
    assert damaged_files(tmp_path / "model") == []
    card = read_card(tmp_path / "model")
    assert card.figures["validation_mse_as_trained"] == pytest.approx(facts["validation_loss"], rel=1e-4)
    assert card.figures["validation_mse"] == pytest.approx(facts["validation_loss"], rel=0.01)
    spec = open_model(tmp_path / "model").spec
    assert (spec.name, spec.sample_rate, spec.context_frames, spec.horizon_frames) == ("model", 2000, 4, 2)

    extrap("continue", "song.wav", "--minutes", "0:12", "--model", "model")
    assert "silence_mse" in extrap("info", "model").stdout.decode()


def test_an_int8_model_is_smaller_and_states_what_it_costs(extrap: Extrap, corpus: Path, tmp_path: Path) -> None:
    extrap("train", "corpus", "--recipe", "recipe.toml", "--run", "run", "--quiet")
    for kind in ("float32", "float16", "int8"):
        extrap("export", "run", "--corpus", "corpus", "-o", kind, "--weights", kind, "--quiet")
    sizes = [(tmp_path / kind / "model.onnx").stat().st_size for kind in ("float32", "float16", "int8")]
    assert sizes[0] > 1.6 * sizes[1] > 1.6 * 1.6 * sizes[2]
    figures = [read_card(tmp_path / kind).figures for kind in ("float32", "int8")]
    assert float(figures[0]["onnx_keras_difference"]) < 1e-4 < float(figures[1]["onnx_keras_difference"])
    extrap("info", "int8/model.onnx")


def test_a_run_killed_at_any_moment_goes_on_as_if_it_had_not_been(
    extrap: Extrap, corpus: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    """Killed three times, at moments drawn anew in every test run, and interrupted once."""
    (tmp_path / "recipe.toml").write_text(RECIPE.replace("epochs = 2", "epochs = 40\naveraging = 0.9"))
    extrap("train", "corpus", "--recipe", "recipe.toml", "--run", "whole", "--quiet")
    command = [str(EXTRAP), "train", "corpus", "--recipe", "recipe.toml", "--run", "stopped", "--resume"]
    for kind in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGKILL):
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        assert process.stderr
        for line in process.stderr:
            if "epoch" in line and "/40" in line:
                break
        time.sleep(random.uniform(0, 1))
        process.send_signal(kind)
        said = process.stderr.read()
        assert process.wait(60) in (-signal.SIGKILL, 130, 0)
        if process.returncode == 130:
            assert "--resume goes on from here" in said
    extrap("train", "corpus", "--recipe", "recipe.toml", "--run", "stopped", "--resume")
    for name in ("last.keras", "best.keras"):
        whole, stopped = weights(tmp_path / "whole" / name), weights(tmp_path / "stopped" / name)
        assert whole.keys() == stopped.keys()
        for key in whole:
            np.testing.assert_allclose(stopped[key], whole[key], rtol=1e-5, atol=1e-7)
    whole_losses, losses = (
        [float(row["val_loss"]) for row in rows(tmp_path / name)] for name in ("whole", "stopped")
    )
    assert losses == pytest.approx(whole_losses, rel=1e-5)


def test_a_run_folder_belongs_to_one_run(extrap: Extrap, corpus: Path, tmp_path: Path) -> None:
    def train(*more: str, status: int) -> str:
        return extrap("train", "corpus", "--recipe", "recipe.toml", "--run", "run", *more, status=status).stderr

    train("--quiet", status=0)
    before = (tmp_path / "run" / "last.keras").read_bytes()
    assert "--resume" in train(status=2)
    assert "finished" in train("--resume", status=0)
    (tmp_path / "recipe.toml").write_text(RECIPE.replace("epochs = 2", "epochs = 3"))
    assert "another recipe" in train("--resume", status=2)
    assert (tmp_path / "run" / "last.keras").read_bytes() == before


def test_a_run_does_not_go_on_with_other_songs(extrap: Extrap, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    extrap("train", "corpus", "--recipe", "recipe.toml", "--run", "run", "--quiet")
    facts = tmp_path / "run" / "facts.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"finished": False}))
    (corpus / "train" / "0.flac").unlink()
    ran = extrap("train", "corpus", "--recipe", "recipe.toml", "--run", "run", "--resume", status=2)
    assert "its songs have changed" in ran.stderr


def test_every_step_runs_what_was_compiled_once(corpus: Path, tmp_path: Path) -> None:
    """Neither short last batches nor validation in between make TensorFlow trace a step anew."""
    from extrapcli.training.corpus import Corpus
    from extrapcli.training.device import ALONE
    from extrapcli.training.recipe import read_recipe
    from extrapcli.training.task import prepare_task
    from tests.training.test_corpus import Heard

    task = prepare_task(read_recipe(tmp_path / "recipe.toml"), Corpus.open(corpus), Heard(), ALONE)
    assert task.training.items % task.training.batch_size
    traced = []

    class Traced(type(task.loss)):  # type: ignore[misc]
        def call(self, *args: object) -> object:
            traced.append(args)
            return super().call(*args)

    task.model.compile(loss=Traced())
    count = 0
    for epoch in range(2):
        for batch, _ in task.training.ahead(epoch):
            task.model.train_on_batch(batch.inputs, batch.answers)
        for batch, _ in task.validation.ahead(0):
            task.model.test_on_batch(batch.inputs, batch.answers, sample_weight=batch.weights)
        count = count or len(traced)
    assert len(traced) == count


def test_tpu_without_one_says_what_to_install(extrap: Extrap, corpus: Path) -> None:
    ran = extrap("train", "corpus", "--recipe", "recipe.toml", "--tpu", status=5)
    assert "jax[tpu]" in ran.stderr


def test_a_corpus_without_songs_is_a_usage_error(extrap: Extrap, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    assert "no songs" in extrap("train", tmp_path, "--recipe", "recipe.toml", status=2).stderr
