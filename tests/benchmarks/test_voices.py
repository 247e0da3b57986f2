"""How many jumps cut a word: what counts as a cut, and as one that could have been avoided."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[2]
WORDS = [(2.0, 2.5), (2.5, 3.0), (5.0, 6.0), (30.0, 45.0)]


@pytest.fixture
def voices(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.setitem(sys.modules, "voices", None)
    del sys.modules["voices"]
    return importlib.import_module("voices")


@pytest.mark.parametrize(
    ("jump", "cut"),
    [
        ((2.2, 9.0), 1),  # leaves inside a word
        ((9.0, 5.5), 1),  # enters inside a word
        ((2.2, 5.5), 1),  # is one jump, not two
        ((2.5, 9.0), 0),  # leaves between words
        ((2.02, 9.0), 0),  # leaves at the edge of one
        ((9.0, 10.0), 0),
    ],
)
def test_a_jump_cuts_a_word_where_it_leaves_or_enters_inside(
    voices: ModuleType, jump: tuple[float, float], cut: int
) -> None:
    counts = voices.count_cuts(WORDS, [jump], end=60, bar_seconds=2)
    assert (counts.jumps, counts.avoidable, counts.cut) == (1, 1, cut)


def test_a_jump_without_a_pause_near_is_not_counted(voices: ModuleType) -> None:
    for jump in ((37.0, 9.0), (9.0, 37.0)):
        counts = voices.count_cuts(WORDS, [jump], end=60, bar_seconds=2)
        assert (counts.jumps, counts.avoidable, counts.cut) == (1, 0, 0)
    assert voices.count_cuts(WORDS, [(33.9, 9.0)], end=60, bar_seconds=2).cut == 1


def test_short_gaps_are_no_pauses(voices: ModuleType) -> None:
    assert voices.pauses([(1.0, 2.0), (2.1, 3.0), (3.2, 4.0)], 4.1) == [(0.0, 1.0), (3.0, 3.2)]


def test_the_share_is_of_all_jumps_that_had_a_pause_near(voices: ModuleType) -> None:
    counts = [voices.Counts(10, 8, 2), voices.Counts(5, 2, 2), voices.Counts(3, 0, 0)]
    assert voices.share(counts) == 0.4
    assert voices.share(counts, np.array([1, 1])) == 1
    assert np.isnan(voices.share(counts, np.array([2])))


@pytest.mark.slow
def test_a_track_is_measured_once(voices: ModuleType, tmp_path: Path, song_wav: Path) -> None:
    sound, rate = soundfile.read(song_wav)
    soundfile.write(tmp_path / "00-sung-song.flac", np.tile(sound, (5, 1)), rate)
    facts = {"seconds": 30.0, "beat": 0.5, "words": [["la", 0.0, 30.0]]}
    (tmp_path / "00-sung-song.json").write_text(json.dumps(facts))
    out = tmp_path / "out"
    out.mkdir()
    program = str(Path(sys.executable).with_name("extrap"))
    (counts,) = voices.measure([tmp_path / "00-sung-song.flac"], out, program)
    assert counts.jumps > 0
    assert counts.avoidable == 0
    assert [path.name for path in out.iterdir()] == ["00-sung-song.json"]
    assert voices.measure([tmp_path / "00-sung-song.flac"], out, "no-such-program") == [counts]
