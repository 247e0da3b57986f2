import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.conftest import EXTRAP, chord


class RecordedProgress:
    """Keeps the lines that training says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def prepared(self, count: int, of: int) -> None: ...

    def stepped(self, step: object) -> None: ...


LayCorpus = Callable[[str, dict[str, int], Callable[[], NDArray[np.floating]], int], Path]


def corpus_in(
    folder: Path, recipe: str, splits: dict[str, int], make: Callable[[], NDArray[np.floating]], rate: int
) -> Path:
    """Write a recipe, and so many songs for each split, made one after another at a rate; give the corpus."""
    for split, count in splits.items():
        (folder / "corpus" / split).mkdir(parents=True)
        for number in range(count):
            soundfile.write(folder / "corpus" / split / f"{number}.flac", make(), rate)
    (folder / "recipe.toml").write_text(recipe)
    return folder / "corpus"


@pytest.fixture
def lay_corpus(tmp_path: Path) -> LayCorpus:
    """`corpus_in` the test's own folder."""
    return partial(corpus_in, tmp_path)


RECIPE = """
network = "study"
seed = 3
[study]
context_frames = 2
horizon_frames = 1
frame_samples = 2000
widths = [64, 64, 64, 64]
[clips]
per_song = 3
[fit]
epochs = 2
batch_size = 4
"""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `recipe.toml`, `corpus` and a finished `run`."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(4)
    splits = {"train": 3, "validation": 2}
    corpus_in(folder, RECIPE, splits, lambda: chord(9, 8000, 2) + rng.normal(scale=0.01, size=(72000, 2)), 8000)
    command = [str(EXTRAP), "train", "corpus", "--recipe", "recipe.toml", "--run", "run"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "run/best.keras\n"), done.stderr
    assert "epoch 2/2" in done.stderr
    return folder


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    """The same, to change at will; songs and shards keep their times."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return tmp_path
