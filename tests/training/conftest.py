from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray


class RecordedProgress:
    """Keeps the lines that training says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def prepared(self, count: int, of: int) -> None: ...

    def stepped(self, step: object) -> None: ...


LayCorpus = Callable[[str, dict[str, int], Callable[[], NDArray[np.floating]], int], Path]


@pytest.fixture
def lay_corpus(tmp_path: Path) -> LayCorpus:
    """Write a recipe, and so many songs for each split, made one after another at a rate; give the corpus."""

    def lay(recipe: str, splits: dict[str, int], make: Callable[[], NDArray[np.floating]], rate: int) -> Path:
        for split, count in splits.items():
            folder = tmp_path / "corpus" / split
            folder.mkdir(parents=True)
            for number in range(count):
                soundfile.write(folder / f"{number}.flac", make(), rate)
        (tmp_path / "recipe.toml").write_text(recipe)
        return tmp_path / "corpus"

    return lay
