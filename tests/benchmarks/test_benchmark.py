"""The benchmark in short: a method is measured once and kept, a failure is kept and counted, the page tells both."""

import importlib
import json
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from extrapcli.evaluation.discriminator import Discriminator
from extrapcli.evaluation.measures import MEASURES
from extrapcli.evaluation.tagger import Tagger
from tests.conftest import chord

ROOT = Path(__file__).parents[2]
CLIP_METHODS = ["recall", "recall before", "PyMusicLooper", "true continuation", "loop", "silence", "noise"]
METHODS = {"clips": CLIP_METHODS, "whole": CLIP_METHODS[:5]}
SONGS = {"one": "validation", "two": "validation", "three": "extra"}
RATE = 8000


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.setitem(sys.modules, "benchmark", None)
    del sys.modules["benchmark"]
    return importlib.import_module("benchmark")


@pytest.fixture
def excerpt(benchmark: ModuleType, tmp_path: Path) -> Any:
    true = chord(40, RATE, 1).astype(np.float32)
    return benchmark.Excerpt("one", "validation", tmp_path / "one.wav", RATE, true[: 26 * RATE], true, 40)


@pytest.mark.slow
def test_a_way_is_measured_once(benchmark: ModuleType, excerpt: Any, tmp_path: Path) -> None:
    judge = benchmark.Judge(excerpt, Tagger(threads=1), Discriminator(threads=1))
    for method in ("loop", "true continuation"):
        benchmark.measure(method, judge, tmp_path, keep_track=method == "loop")
    folder = tmp_path / "measured" / "loop" / "one"
    facts = json.loads((folder / "result.json").read_text())
    assert facts["values"].keys() == {measure.name for measure in MEASURES}
    assert facts["values"]["copied_share"] > 90
    assert facts["level"] == pytest.approx(0, abs=1)
    assert facts["joins"] == 1
    arrays = np.load(folder / "arrays.npz")
    assert len(arrays["made_later"]) == len(arrays["true_later"])
    assert json.loads((tmp_path / "tracks" / "loop" / "one.json").read_text()) == {"head_seconds": 26}
    assert not (tmp_path / "tracks" / "true continuation").exists()
    (folder / "result.json").write_text("kept")
    benchmark.measure("loop", judge, tmp_path)
    assert (folder / "result.json").read_text() == "kept"


def test_a_program_that_fails_is_a_result(benchmark: ModuleType, excerpt: Any, tmp_path: Path) -> None:
    judge = benchmark.Judge(excerpt, Tagger(threads=1), Discriminator(threads=1))
    benchmark.measure("recall", judge, tmp_path)
    facts = json.loads((tmp_path / "measured" / "recall" / "one" / "result.json").read_text())
    assert list(facts) == ["failed"]
    assert "one.wav" in facts["failed"]


def test_what_a_program_takes_is_its_own(benchmark: ModuleType, tmp_path: Path) -> None:
    held = np.ones(50_000_000)
    script = "import time; b = bytearray(60_000_000); time.sleep(0.3); print('said')"
    said, seconds, megabytes = benchmark.run([sys.executable, "-S", "-c", script], tmp_path)
    assert said == "said\n"
    assert seconds > 0.3
    assert 60 < megabytes < 200 < held.nbytes / 1e6


@pytest.mark.parametrize("seconds", [0, 60, 89.9, 90, 100, 189.9, 190, 200, 250, 400, 4000])
def test_songs_stop_where_the_music_goes_on(benchmark: ModuleType, seconds: float) -> None:
    for choose, least, before, after in ((benchmark.clip, 90, 30, 60), (benchmark.whole_song, 190, 120, 60)):
        span = choose(seconds, random.Random(1))
        assert (span is not None) == (seconds >= least)
        if span:
            assert span.head >= before
            assert span.begin + span.head + after <= seconds
            assert span == choose(seconds, random.Random(1))


def test_the_next_split_fills_up(benchmark: ModuleType, tmp_path: Path) -> None:
    for split, names in (("validation", "abc"), ("extra", "defg")):
        (tmp_path / split).mkdir()
        for name in names:
            seconds = 20 if name == "b" else 95
            soundfile.write(tmp_path / split / f"{name}.wav", chord(seconds, RATE, 1), RATE)

    def cut(count: int) -> list[Any]:
        return list(benchmark.excerpts(tmp_path, ["validation", "extra"], count, benchmark.clip, tmp_path / "songs"))

    found = cut(4)
    assert [one.split for one in found] == ["validation", "validation", "extra", "extra"]
    assert {one.name for one in found[:2]} == {"a", "c"}
    assert [one.name for one in cut(3)] == [one.name for one in found[:3]]
    for one in found:
        np.testing.assert_array_equal(soundfile.read(one.path, always_2d=True)[0], one.head)
        np.testing.assert_array_equal(one.true[: len(one.head)], one.head)
        assert (one.seconds, len(one.true), one.wanted) == (30, 90 * RATE, 90 * RATE)


@pytest.fixture
def measured(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A run in which each control has values as they should be, and PyMusicLooper failed on all songs but one."""
    for name, methods in METHODS.items():
        for method in methods:
            for number, song in enumerate(SONGS):
                folder = tmp_path / name / "measured" / method / song
                folder.mkdir(parents=True)
                place = CLIP_METHODS.index(method)
                score = 3.0 * (method == "recall before") + number
                np.savez(
                    folder / "arrays.npz",
                    embeddings=rng.normal(size=(12, 4)) + (method == "noise") * 3,
                    made_at_join=np.array(score),
                    made_later=np.full(5, score),
                    true_at_join=np.array(number),
                    true_later=np.full(5, number),
                )
                values = {measure.name: {"low": place, "high": -place}.get(measure.better, measure.ideal + place)
                          for measure in MEASURES}  # fmt: skip
                facts = {"values": values, "level": 0.5, "seconds": 1.5, "megabytes": 123.0, "joins": 2}
                failed = method == "PyMusicLooper" and song != "one"
                (folder / "result.json").write_text(json.dumps({"failed": "no loop"} if failed else facts))
    return tmp_path


def document(run: Path) -> str:
    from benchmark_tables import document

    return document(run, METHODS, dict.fromkeys(METHODS, SONGS), ["validation"], "| bits |\n|---|")


def test_the_page_tells_what_was_measured(benchmark: ModuleType, measured: Path) -> None:
    text = document(measured)
    assert all(measure.title in text for measure in MEASURES)
    assert "3 songs (2 of validation, 1 of extra)" in " ".join(text.split())
    assert "| recall | 1.5 s | 1.5 s | 123 MB | 0 of 3 |" in text
    assert "2 of 3 (no loop)" in text
    assert "| bits |\n|---|" in text
    assert "3 songs are too few" in text
    assert "| PyMusicLooper | none | none | none | none | none | 1 |" in text
    assert "Timbre distance (" not in text

    lines = text.splitlines()
    level, jumps, told = (
        next(line for line in lines if line.startswith(f"| {begin}"))
        for begin in ("Level against", "Jumps, /min", "recall less recall before")
    )
    assert level.endswith("| +0.0 (+0.0 to +0.0) |")
    assert jumps.endswith("| -1.0 (-1.0 to -1.0) |")
    assert "| -0.50 (-0.50 to -0.50) |" in told
    assert told.endswith("| 3 |")  # not only the song that every method continued


@pytest.mark.slow
def test_the_page_says_which_measures_fail(benchmark: ModuleType, measured: Path) -> None:
    for song in SONGS:
        result = measured / "clips" / "measured" / "noise" / song / "result.json"
        facts = json.loads(result.read_text())
        facts["values"]["timbre_distance"] = 0
        result.write_text(json.dumps(facts))
    assert "Timbre distance (true continuation against noise)" in " ".join(document(measured).split())
