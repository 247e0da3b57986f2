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
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.backends import open_model
from extrapcli.cli.hints import with_hint
from extrapcli.errors import CannotWrite, UnusableModel, UsageError
from extrapcli.models import damaged_files, read_card
from extrapcli.spec import WaveformSpec, expect
from tests.conftest import EXTRAP, Extrap
from tests.training.conftest import RECIPE, RecordedProgress
from tests.training.here import export, train


def weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Every array of a `.keras` file by its name."""
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        found: dict[str, NDArray[np.float32]] = {}
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        return found


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_run_holds_what_made_it_and_what_came_of_it(trained: Path) -> None:
    run = trained / "run"
    facts = json.loads((run / "facts.json").read_text())
    assert facts["training_songs"] == 3
    assert facts["epochs"] == 2
    assert facts["finished"]
    assert {"recipe", "corpus", "corpus_sha256", "waited_for_data"} <= facts.keys()
    assert {"extrapcli", "git_commit", "python", "keras", "tensorflow"} <= facts["versions"][0].keys()
    assert [row["epoch"] for row in rows(run)] == ["1", "2"]
    assert float(rows(run)[facts["best_epoch"] - 1]["val_loss"]) == facts["validation_loss"]
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in run.iterdir()} == {
        "recipe.json",
        "facts.json",
        "metrics.csv",
        "loss.png",
        "best.keras",
        "last.keras",
    }


@pytest.mark.slow
def test_export_and_continue(extrap: Extrap, trained: Path, song_wav: Path, tmp_path: Path) -> None:
    facts = json.loads((trained / "run" / "facts.json").read_text())
    export(trained / "run", trained / "corpus", tmp_path / "float16")
    extrap("export", trained / "run", "--corpus", trained / "corpus", "-o", "int8", "--weights", "int8", "--quiet")
    for kind in ("float16", "int8"):
        assert damaged_files(tmp_path / kind) == []
        figures = read_card(tmp_path / kind).figures
        assert figures["validation_mse_as_trained"] == pytest.approx(facts["validation_loss"], rel=1e-4)
        assert figures["validation_mse"] == pytest.approx(facts["validation_loss"], rel=0.01)
        assert open_model(tmp_path / kind).spec == WaveformSpec(kind, "waveform", 2000, 2, 1)
        extrap("continue", "song.wav", "--minutes", "0:12", "--model", kind, "-o", f"{kind}.wav")
    sizes = [(tmp_path / kind / "model.onnx").stat().st_size for kind in ("float16", "int8")]
    assert sizes[0] > 1.6 * sizes[1]
    assert float(read_card(tmp_path / "float16").figures["onnx_keras_difference"]) < 1e-4
    assert "silence_mse" in extrap("info", "int8").stdout.decode()


SEQ2SEQ = """
network = "seq2seq"
[seq2seq]
context_frames = 6
horizon_frames = 1
width = 4
vector = 4
dilations = [1]
[clips]
mel_weight = 0.5
[fit]
epochs = 1
batch_size = 4
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [RECIPE.replace("study", "lstm").replace("widths", "units = 8\n#"), SEQ2SEQ],
    ids=["lstm", "seq2seq"],
)
def test_other_networks_are_trained_and_exported_too(text: str, copy: Path) -> None:
    (copy / "recipe.toml").write_text(text)
    train(copy, run="other")
    card = export(copy / "other", copy / "corpus", None)[-1]
    assert card == copy / "other" / "recipe" / "card.json"
    assert expect(open_model(card.parent).spec, WaveformSpec).horizon_frames == 1


@pytest.mark.slow
def test_a_file_that_differs_is_not_exported(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from extrapcli.training import export as module

    whole = module.write_onnx

    def write_another(model: keras.Model, path: Path, **options: Any) -> None:
        last = model.trainable_variables[-1]
        last.assign_add(np.full(last.shape, 0.01))
        whole(model, path, **options)

    monkeypatch.setattr(module, "write_onnx", write_another)
    monkeypatch.chdir(copy)
    with pytest.raises(UnusableModel, match=r"differ by .*, more than the 1e-04 allowed for float16; not exported"):
        export(copy / "run", None, copy / "model")
    assert not (copy / "model").exists()


@pytest.mark.slow
def test_a_run_killed_at_any_moment_goes_on_as_if_it_had_not_been(copy: Path) -> None:
    """Killed once, perhaps before the first epoch, and interrupted once: at random moments."""
    (copy / "recipe.toml").write_text(RECIPE.replace("epochs = 2", "epochs = 10\naveraging = 0.9"))
    train(copy, run="whole")
    command = [str(EXTRAP), "train", "corpus", "--recipe", "recipe.toml", "--run", "stopped", "--resume"]
    for kind, lines in ((signal.SIGKILL, random.randint(1, 3)), (signal.SIGINT, 2)):
        process = subprocess.Popen(
            command,
            cwd=copy,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell in the background ignores it
        )
        assert process.stderr
        for _ in range(lines):  # the first tells the number of parameters, the others an epoch each
            process.stderr.readline()
        time.sleep(random.uniform(0, 0.3))
        process.send_signal(kind)
        said = process.stderr.read()
        assert process.wait(60) == (130 if kind == signal.SIGINT else -signal.SIGKILL)
        assert ("resume to go on" in said) == (kind == signal.SIGINT)
    train(copy, run="stopped", resume=True)
    assert {p.name for p in (copy / "stopped").iterdir()} == {p.name for p in (copy / "whole").iterdir()}
    for name in ("last.keras", "best.keras"):
        whole, stopped = weights(copy / "whole" / name), weights(copy / "stopped" / name)
        assert whole.keys() == stopped.keys()
        for key in whole:
            np.testing.assert_allclose(stopped[key], whole[key], rtol=1e-5, atol=1e-7)
    whole_losses, losses = ([float(row["val_loss"]) for row in rows(copy / name)] for name in ("whole", "stopped"))
    assert losses == pytest.approx(whole_losses, rel=1e-5)


@pytest.mark.slow
def test_a_run_folder_belongs_to_one_run(copy: Path) -> None:
    before = (copy / "run" / "last.keras").read_bytes()
    with pytest.raises(UsageError, match="holds a run already") as refused:
        train(copy)
    assert "--resume" not in str(refused.value)
    assert "--resume" in with_hint(refused.value)
    assert "finished" in train(copy, resume=True)[-1]
    (copy / "recipe.toml").write_text(RECIPE.replace("seed = 3", "seed = 4"))
    with pytest.raises(UsageError, match="another recipe: seed is 4, not 3"):
        train(copy, resume=True)
    assert (copy / "run" / "last.keras").read_bytes() == before
    with pytest.raises(CannotWrite, match="cannot be a run folder"):
        train(copy, run="recipe.toml")


@pytest.mark.slow
def test_a_run_does_not_go_on_with_other_songs(copy: Path) -> None:
    facts = copy / "run" / "facts.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"finished": False}))
    (copy / "corpus" / "train" / "0.flac").unlink()
    with pytest.raises(UsageError, match="its songs have changed"):
        train(copy, resume=True)


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_the_run(copy: Path) -> None:
    (copy / "recipe.toml").write_text(RECIPE + "learning_rate = 10\n")
    with pytest.raises(UsageError, match=r"lower fit\.learning_rate"):
        train(copy, run="another")
    assert not (copy / "another" / "best.keras").exists()


@pytest.mark.slow
def test_every_step_runs_what_was_compiled_once(trained: Path) -> None:
    """Neither short last batches nor validation in between make TensorFlow trace a step anew."""
    from extrapcli.training.corpus import Corpus
    from extrapcli.training.device import ALONE
    from extrapcli.training.kinds.clips import WaveformLoss
    from extrapcli.training.recipe import read_recipe

    recipe = read_recipe(trained / "recipe.toml")
    setup = recipe.prepare(Corpus.open(trained / "corpus"), RecordedProgress(), ALONE)
    assert setup.training.items % setup.training.batch_size
    traced = []

    class Traced(WaveformLoss):
        def call(self, target: object, prediction: object) -> object:
            traced.append(target)
            return super().call(target, prediction)

    setup.model.compile(loss=Traced(0.0))
    first = setup.training.batch(0, 0)
    setup.model.train_on_batch(first.inputs, first.targets)
    setup.model.test_on_batch(first.inputs, first.targets, sample_weight=first.weights)
    count = len(traced)
    for epoch in range(2):
        for batch, _ in setup.training.prefetched(epoch):
            setup.model.train_on_batch(batch.inputs, batch.targets)
        for batch, _ in setup.validation.prefetched(0):
            setup.model.test_on_batch(batch.inputs, batch.targets, sample_weight=batch.weights)
    assert len(traced) == count


@pytest.mark.slow
def test_tpu_without_one_says_what_to_install(extrap: Extrap, copy: Path) -> None:
    ran = extrap("train", "corpus", "--recipe", "recipe.toml", "--tpu", status=5)
    assert not (copy / "runs").exists()
    assert "jax[tpu]" in ran.stderr


def test_a_corpus_without_songs_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    with pytest.raises(UsageError, match="no songs"):
        train(tmp_path, corpus=".")
    assert not (tmp_path / "run").exists()


def test_a_tpu_is_no_gpu(extrap: Extrap) -> None:
    assert "exclude each other" in extrap("train", "corpus", "--tpu", "--device", "gpu", status=2).stderr
