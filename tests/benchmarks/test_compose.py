"""The benchmark of `compose` in short: what it makes for a known plan, and its table."""

import importlib
import json
import sys
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from extrapcli.audio.decode import decode

from .test_listen import make, run

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


def test_tracks_are_kept_for_a_blind_comparison(benchmark: ModuleType, excerpts: list[Any], tmp_path: Path) -> None:
    tracks = tmp_path / "tracks"
    found = benchmark.figures(excerpts[0], ["recall", "compose"], tracks)
    assert list(found) == ["recall", "compose", "the real future"]
    kept = [decode(tracks / way / "from 0 s.flac").samples for way in found]
    end = len(excerpts[0].head)
    known = end - excerpts[0].sample_rate
    for one in kept:
        np.testing.assert_allclose(one[:known], excerpts[0].head[:known], atol=2**-15)
    for one, other in combinations(kept, 2):
        assert not np.array_equal(one[end:], other[end:])
    run(make, tracks, tmp_path / "test", "--pairs", "3", "--seconds", "10")
    key = json.loads((tmp_path / "test" / "key.json").read_text())
    assert {frozenset((pair["A"], pair["B"])) for pair in key["pairs"].values()} == {
        frozenset(pair) for pair in combinations(found, 2)
    }
