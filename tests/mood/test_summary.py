"""What `extrap mood` says of a song."""

import json
from dataclasses import replace

import numpy as np
import pytest

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from extrapcli.mood import Scale
from extrapcli.mood.summary import facts, lines
from tests.conftest import SONG
from tests.mood.songs import calm_then_lively


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Analysis(calm_then_lively())


@pytest.mark.parametrize("columns", [1, 40, 80, 500])
def test_the_curve_fits_its_width_and_rises(analysis: Analysis, columns: int) -> None:
    rows = [line for line in lines(analysis, columns=columns) if "|" in line]
    assert len(rows) == 8
    assert max(map(len, rows)) <= min(max(columns, 20), 120)
    lowest, highest = rows[-1], rows[0]
    assert lowest.startswith("  calm |")
    assert highest.startswith("lively |")
    half = 8 + (min(max(columns, 20), 120) - 8) // 2
    assert "#" not in highest[8 : half - 1]
    assert highest[half:].count("#") > 0.2 * half


def test_it_is_plain_text(analysis: Analysis) -> None:
    assert all(line.isascii() and "\n" not in line for line in lines(analysis, columns=80))


def test_the_facts_are_those_of_the_words(analysis: Analysis) -> None:
    told, text = facts(analysis), "\n".join(lines(analysis, columns=80))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert len(told["level_each_second"]) == 40
    assert np.mean(told["level_each_second"][:18]) < 0.2
    assert np.mean(told["level_each_second"][22:]) > 0.8
    assert f"level 0, calm, is an energy of {told['calm_energy']:.2f}" in text
    assert f"level {told['kept_level']:.2f}" in text


def test_a_short_song_has_no_ten_seconds() -> None:
    analysis = Analysis(calm_then_lively(4))
    told = facts(analysis)
    assert told["calmest"] == told["liveliest"] == {"begin": 0.0, "seconds": 4.0, "level": told["calmest"]["level"]}
    assert "calmest 4 seconds: from 0:00.0" in "\n".join(lines(analysis, columns=80))


def test_each_second_is_a_second() -> None:
    """Also of a song that does not last whole seconds."""
    song = calm_then_lively()
    analysis = Analysis(replace(song, samples=song.samples[: round(39.1 * song.sample_rate)]))
    found, scale = facts(analysis)["level_each_second"], Scale.of(analysis)
    whole = scale.levels(analysis.energy[: 39 * 15].reshape(39, 15).mean(axis=1))
    assert len(found) == 40
    np.testing.assert_allclose(found[:39], whole, atol=0.06)


def test_real_music() -> None:
    told = facts(Analysis(decode(SONG)))
    assert told["seconds"] == pytest.approx(30, abs=1)
    assert told["calmest"]["level"] < told["liveliest"]["level"]
    assert 0 <= told["kept_level"] <= 1
