"""The benchmark of `compose` in short: what it makes for a known plan, and its table."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from extrapcli.audio.decode import decode

ROOT = Path(__file__).parents[2]
HEAD, TRACK = 20, 32


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        patch.delitem(sys.modules, "compose", raising=False)
        return importlib.import_module("compose")


@pytest.fixture(scope="module")
def excerpts(benchmark: ModuleType) -> list[Any]:
    song = decode(ROOT / "tests" / "data" / "song.mp3")
    rate, found = song.sample_rate, []
    for begin in (0, 4):
        true = song.samples[begin * rate :][: TRACK * rate].astype(np.float32)
        true = np.concatenate([true, true])[: TRACK * rate]
        name = f"from {begin} s"
        found.append(benchmark.Excerpt(name, "validation", Path(name), rate, true[: HEAD * rate], true, TRACK))
    return found


def test_the_head_stays_and_the_rest_has_the_level_of_the_plan(benchmark: ModuleType, excerpts: list[Any]) -> None:
    excerpt = excerpts[0]
    track, true = benchmark.foreseen(excerpt), excerpt.true
    assert track.shape == true.shape
    kept = (HEAD - 1) * excerpt.sample_rate
    np.testing.assert_array_equal(track[:kept], true[:kept])
    assert not np.array_equal(track[-kept // 4 :], true[-kept // 4 :])
    made, planned = (10 * np.log10(np.square(sound[len(excerpt.head) :]).mean()) for sound in (track, true))
    assert abs(made - planned) < 2.0


def test_the_table_has_a_row_for_the_real_future(benchmark: ModuleType, excerpts: list[Any]) -> None:
    made, true = (
        [benchmark.measure(excerpt, benchmark.WAYS[way](excerpt)) for excerpt in excerpts]
        for way in ("compose, if its plan were right", "the real future")
    )
    cells = benchmark.row("made", made, true).split(" | ")
    assert len(cells) == 13
    assert benchmark.row("real", true, true).split(" | ")[1].startswith("0.50")
    assert 0 <= float(cells[7]) <= 1
