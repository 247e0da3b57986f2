"""Data parallelism on JAX: eight virtual devices in one process, and two processes that share the work."""

import csv
import os
import socket
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from extrapcli.errors import UsageError
from extrapcli.training.device import Worker, use_device
from extrapcli.training.fit import fit
from extrapcli.training.recipe import read_recipe
from tests.conftest import EXTRAP, chord
from tests.training.conftest import LayCorpus, RecordedProgress
from tests.training.here import export

RECIPE = """
network = "study"
seed = 3
[study]
context_frames = 2
horizon_frames = 1
frame_samples = 500
widths = [64, 64, 64, 64]
[clips]
per_song = 5
[fit]
epochs = 2
batch_size = 8
"""
FAST_COMPILATION = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


@pytest.fixture
def corpus(lay_corpus: LayCorpus, rng: np.random.Generator) -> Path:
    return lay_corpus(RECIPE, {"train": 4, "validation": 3}, lambda: chord(8, 4000, 1) + rng.normal(scale=0.1), 4000)


def start(folder: Path, run: str, devices: int, **env: str) -> subprocess.Popen[str]:
    """Begin to train on JAX, on some virtual devices."""
    flags = f"{FAST_COMPILATION} --xla_force_host_platform_device_count={devices}"
    jax = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    command = [str(EXTRAP), "train", "corpus", "--recipe", "recipe.toml", "--run", run]
    return subprocess.Popen(command, cwd=folder, env=os.environ | jax | env, stderr=subprocess.PIPE, text=True)


def end(*processes: subprocess.Popen[str]) -> str:
    said = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    return said[0]


def losses(run: Path) -> list[float]:
    with (run / "metrics.csv").open() as file:
        return [float(row[name]) for row in csv.DictReader(file) for name in ("loss", "val_loss")]


@pytest.mark.slow
def test_eight_devices_and_two_processes_learn_as_one_does(corpus: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    cluster = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    two = [start(tmp_path, "two", 2, **cluster, KERAS_DISTRIBUTION_PROCESS_ID=str(number)) for number in range(2)]
    assert "on 4 devices" in end(*two)
    assert "devices" not in end(start(tmp_path, "one", 1))
    assert "on 8 devices" in end(start(tmp_path, "eight", 8))
    one = losses(tmp_path / "one")
    assert one[0] > 1.01 * one[-2]
    for other in (losses(tmp_path / "eight"), losses(tmp_path / "two")):
        # Sums in another order: no difference at first, then what Adam makes of it, less than what is learned.
        assert other[:2] == pytest.approx(one[:2], rel=1e-4)
        assert other == pytest.approx(one, rel=5e-3)


@pytest.mark.slow
def test_a_bfloat16_run_of_jax_is_exported_in_float32(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE.replace("epochs = 2", 'epochs = 1\nprecision = "bfloat16"'))
    end(start(tmp_path, "run", 2))
    export(tmp_path / "run", corpus, tmp_path / "model")
    kept = {
        path: zipfile.ZipFile(tmp_path / path).read("config.json") for path in ("run/last.keras", "model/model.keras")
    }
    assert b"mixed_bfloat16" in kept["run/last.keras"]
    assert b"bfloat16" not in kept["model/model.keras"]


def test_a_batch_must_divide_among_the_devices(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE.replace("batch_size = 8", "batch_size = 12"))
    recipe, run = read_recipe(tmp_path / "recipe.toml"), tmp_path / "run"
    with pytest.raises(UsageError, match="a batch of 12 cannot be spread over 8 devices"):
        fit(recipe, corpus, run, name="r", resume=False, worker=Worker(devices=8), progress=RecordedProgress())
    assert not run.exists()


def test_several_processes_need_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    with pytest.raises(UsageError, match="is for JAX"):
        use_device("cpu")
