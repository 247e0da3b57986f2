"""The benchmark in short: a method is measured once and kept, a failure is kept and counted, the page tells both."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from extrapcli.evaluation.measures import MEASURES
from extrapcli.evaluation.rank import Ranks
from extrapcli.evaluation.tagger import Tagger
from tests.conftest import chord

ROOT = Path(__file__).parents[2]
METHODS = ["recall", "PyMusicLooper", "true continuation", "loop", "silence", "noise"]
SONGS = ["one", "two"]
RATE = 8000


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.setitem(sys.modules, "benchmark", None)
    del sys.modules["benchmark"]
    module = importlib.import_module("benchmark")
    monkeypatch.setattr(module, "TRACK_SECONDS", 24)
    monkeypatch.setattr(module, "CLIP_SECONDS", 10)
    return module


@pytest.mark.slow
def test_a_way_is_measured_once(benchmark: ModuleType, tmp_path: Path) -> None:
    whole = chord(24, RATE, 1).astype(np.float32)
    clip = benchmark.Clip("one", tmp_path / "one.wav", RATE, whole[: 10 * RATE], whole)
    for method in ("loop", "true continuation"):
        benchmark.measure(method, clip, tmp_path, Tagger(threads=1))
    result = tmp_path / "measured" / "loop" / "one" / "result.json"
    facts = json.loads(result.read_text())
    assert facts["values"].keys() == {measure.name for measure in MEASURES}
    assert facts["values"]["loop_share"] > 90
    assert facts["joins"] == 2
    assert json.loads((tmp_path / "tracks" / "loop" / "one.json").read_text()) == {"head_seconds": 10}
    result.write_text("kept")
    benchmark.measure("loop", clip, tmp_path, Tagger(threads=1))
    assert result.read_text() == "kept"


def test_a_program_that_fails_is_a_result(benchmark: ModuleType, tmp_path: Path) -> None:
    clip = benchmark.Clip("one", tmp_path / "absent.wav", RATE, np.zeros((80, 1), np.float32), np.zeros((80, 1)))
    benchmark.measure("recall", clip, tmp_path, Tagger(threads=1))
    facts = json.loads((tmp_path / "measured" / "recall" / "one" / "result.json").read_text())
    assert list(facts) == ["failed"]
    assert "absent.wav" in facts["failed"]


def test_what_a_program_takes_is_its_own(benchmark: ModuleType, tmp_path: Path) -> None:
    held = np.ones(50_000_000)
    script = "import time; b = bytearray(60_000_000); time.sleep(0.3); print('said')"
    said, seconds, megabytes = benchmark.run([sys.executable, "-S", "-c", script], tmp_path)
    assert said == "said\n"
    assert seconds > 0.3
    assert 60 < megabytes < 200 < held.nbytes / 1e6


@pytest.fixture
def measured(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A run in which each control has values as they should be, and PyMusicLooper failed on one song."""
    for method in METHODS:
        for song in SONGS:
            folder = tmp_path / "measured" / method / song
            folder.mkdir(parents=True)
            np.save(folder / "embeddings.npy", rng.normal(size=(12, 4)) + (method == "noise") * 3)
            place = METHODS.index(method)
            values = {measure.name: {"low": place, "high": -place}.get(measure.better, measure.ideal + place)
                      for measure in MEASURES}  # fmt: skip
            facts = {"values": values, "seconds": 1.5, "megabytes": 123.0, "joins": 2}
            failed = method == "PyMusicLooper" and song == "two"
            (folder / "result.json").write_text(json.dumps({"failed": "no loop"} if failed else facts))
    return tmp_path


def test_the_page_tells_what_was_measured(benchmark: ModuleType, measured: Path) -> None:
    from benchmark_tables import document  # type: ignore[import-not-found]

    ranks = {"recall": Ranks((1, 1, 3, 5), 20)}
    text = document(measured, METHODS, SONGS, ranks, "test", ["recall"])
    assert all(measure.title in text for measure in MEASURES)
    assert "| recall | 1.5 s | 1.5 s | 123 MB | 0 of 2 |" in text
    assert "1 of 2 (no loop)" in text
    assert "| recall | 50% (15% to 85%) | 0.63 |" in text
    assert "2 songs are too few" in text
    assert "| PyMusicLooper | none | none | 1 | 0 |" in text


def test_the_page_says_which_measures_fail(benchmark: ModuleType, measured: Path) -> None:
    from benchmark_tables import document

    before = document(measured, METHODS, SONGS, {"recall": Ranks((1,), 20)}, "test", ["recall"])
    assert "Timbre distance (" not in before
    for song in SONGS:
        result = measured / "measured" / "noise" / song / "result.json"
        facts = json.loads(result.read_text())
        facts["values"]["timbre_distance"] = 0
        result.write_text(json.dumps(facts))
    after = document(measured, METHODS, SONGS, {"recall": Ranks((1,), 20)}, "test", ["recall"])
    assert "Timbre distance (true continuation against noise)" in " ".join(after.split())
