"""Data parallelism on JAX: eight virtual devices in one process, and two processes that share the work."""

import csv
import os
import socket
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import EXTRAP, chord
from tests.training.conftest import LayCorpus

RECIPE = """
network = "study"
seed = 3
[study]
context_frames = 2
horizon_frames = 1
frame_samples = 1000
widths = [64, 64, 64, 64]
[clips]
per_song = 5
[fit]
epochs = 3
batch_size = 8
"""


@pytest.fixture
def corpus(lay_corpus: LayCorpus, rng: np.random.Generator) -> Path:
    return lay_corpus(RECIPE, {"train": 4, "validation": 3}, lambda: chord(8, 4000, 1) + rng.normal(scale=0.1), 4000)


def command(run: str) -> list[str]:
    return [str(EXTRAP), "train", "corpus", "--recipe", "recipe.toml", "--run", run]


def jax(devices: int, **more: str) -> dict[str, str]:
    flags = f"--xla_force_host_platform_device_count={devices}"
    return os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags, **more}


def train(folder: Path, run: str, env: dict[str, str], status: int = 0) -> str:
    done = subprocess.run(command(run), cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stderr
    return done.stderr


def losses(run: Path) -> list[float]:
    with (run / "metrics.csv").open() as file:
        return [float(row[name]) for row in csv.DictReader(file) for name in ("loss", "val_loss")]


def assert_alike(folder: Path, name: str, other: str) -> None:
    """Sums in another order: nothing at first, then what Adam makes of it, which is less than what is learned."""
    one, two = losses(folder / name), losses(folder / other)
    assert one[:2] == pytest.approx(two[:2], rel=1e-4)
    assert one == pytest.approx(two, rel=5e-3)
    assert one[0] > 1.02 * one[-2]


def test_eight_devices_and_two_processes_learn_as_one_does(corpus: Path, tmp_path: Path) -> None:
    train(tmp_path, "one", jax(1))
    train(tmp_path, "eight", jax(8))
    assert_alike(tmp_path, "eight", "one")

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [
        subprocess.Popen(
            command("two"),
            cwd=tmp_path,
            env=jax(
                2,
                KERAS_DISTRIBUTION_JOB_ADDRESSES=address,
                KERAS_DISTRIBUTION_NUM_PROCESSES="2",
                KERAS_DISTRIBUTION_PROCESS_ID=str(number),
            ),
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    said = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert_alike(tmp_path, "two", "one")


def test_a_batch_must_divide_among_the_devices(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE.replace("batch_size = 8", "batch_size = 12"))
    assert "a batch of 12 cannot be spread over 8 devices" in train(tmp_path, "run", jax(8), status=2)


def test_a_bfloat16_run_of_jax_is_exported_in_float32(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE + 'precision = "bfloat16"\n')
    train(tmp_path, "run", jax(2))
    done = subprocess.run(
        [EXTRAP, "export", "run", "--corpus", "corpus", "-o", "model", "--weights", "float32"],
        cwd=tmp_path,
        env=jax(1),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    kept = {
        path: zipfile.ZipFile(tmp_path / path).read("config.json") for path in ("run/last.keras", "model/model.keras")
    }
    assert b"mixed_bfloat16" in kept["run/last.keras"]
    assert b"bfloat16" not in kept["model/model.keras"]


def test_several_processes_need_jax(corpus: Path, tmp_path: Path) -> None:
    env = os.environ | {"KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    assert "is for JAX" in train(tmp_path, "run", env, status=2)
