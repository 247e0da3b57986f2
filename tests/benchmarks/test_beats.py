"""The benchmark of beats in short: what was measured is kept, and the table has every model and difference."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.analysis.beats import Beats

ROOT = Path(__file__).parents[2]
BEATS = np.arange(0, 20, 0.5)


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.delitem(sys.modules, "beats", raising=False)
    return importlib.import_module("beats")


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    for name, split in (("folk-a", "test"), ("folk-b", "test"), ("midi-c", "test"), ("midi-d", "train")):
        soundfile.write(tmp_path / f"{name}.flac", np.zeros(100), 22050)
        labels = {"family": name[:4], "split": split, "metre": 4, "beats": BEATS.tolist()}
        (tmp_path / f"{name}.json").write_text(json.dumps(labels | {"downbeats": BEATS[::4].tolist()}))
    return tmp_path


def tracker(first: int) -> Beats:
    """Find all beats, with bar lines so many beats late."""
    return Beats(BEATS, (np.arange(len(BEATS)) - first) % 4, 4, 1.0, 1.0)


def test_pieces_are_measured_once_and_compared(benchmark: ModuleType, rendered: Path) -> None:
    pieces = benchmark.labelled(rendered, "test", None)
    assert [path.stem for path in pieces] == ["folk-a", "folk-b", "midi-c"]
    heard: list[NDArray[np.float32]] = []

    def right(sound: NDArray[np.float32]) -> Beats:
        heard.append(sound)
        return tracker(0)

    scores: dict[str, dict[str, dict[str, float]]] = {"late": {}, "right": {}}
    benchmark.measure(pieces, lambda _: tracker(1), scores["late"])
    benchmark.measure(pieces, right, scores["right"])
    benchmark.measure(pieces, right, scores["right"])
    assert len(heard) == 3
    lines = benchmark.table(scores, pieces).splitlines()
    assert "| all | 3 | late | 1.00 (1.00 to 1.00) | 0.00 (0.00 to 0.00) | 1.00 (1.00 to 1.00) |" in lines[2]
    assert "| midi | 1 | right - late | 0.00 (0.00 to 0.00) | 1.00 (1.00 to 1.00) |" in lines[-1]
    assert len(lines) == 2 + 3 * 3


def test_families_are_chosen(benchmark: ModuleType, rendered: Path) -> None:
    assert [path.stem for path in benchmark.labelled(rendered, "test", ["midi"])] == ["midi-c"]
    assert [path.stem for path in benchmark.labelled(rendered, "train", None)] == ["midi-d"]
