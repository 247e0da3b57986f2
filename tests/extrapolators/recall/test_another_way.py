"""At a join that should go another way, a track does, and all before it stays as it was."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.continuation import Join
from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Ending, Style
from extrapcli.model import Model, load
from extrapcli.mood import Arc
from tests.analysis.band import RATE, band

SECONDS = 75
DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def model() -> Model:
    return load("recall")


def clip() -> Song:
    """Cut off, and short enough to be split into layers."""
    return decode(DATA / "clips" / "chaos-god.opus")


def closing() -> Song:
    """It ends by itself."""
    sound, _ = band(np.full(96, 0.5), 4)
    fading = np.minimum(1, np.arange(len(sound))[::-1] / (3 * RATE))
    return Song("song", (sound * fading)[:, None].astype(np.float32), RATE, "f32", "wav")


SONGS = {"clip": clip(), "closing": closing()}


def made(
    model: Model, song: Song, *another: int, ending: Ending = "auto", arc: str | None = None, variety: float = 0.3
) -> tuple[NDArray[np.floating], list[Join]]:
    style = Style(ending=ending, another=another, variety=variety, arc=Arc.parse(arc) if arc else None)
    track = model.continuation(song, SECONDS * song.sample_rate, style, Analysis(song.as_heard))
    return np.concatenate(list(track)), track.joins


@pytest.mark.parametrize("name", SONGS)
@pytest.mark.parametrize("arc", [None, "calm:lively"])
def test_all_before_the_join_stays_and_the_join_leads_elsewhere(model: Model, name: str, arc: str | None) -> None:
    song = SONGS[name]
    track, joins = made(model, song, arc=arc)
    for number in (1, 2, len(joins) - 1):
        other, others = made(model, song, number, arc=arc)
        begin = round(joins[number - 1].seconds * song.sample_rate)
        assert np.array_equal(other[:begin], track[:begin])
        assert not np.array_equal(other[begin:], track[begin:])
        assert others[: number - 1] == joins[: number - 1]
        jump, before = others[number - 1].jump, joins[number - 1].jump
        assert jump
        assert before
        assert jump.layer != before.layer or abs(jump.to_seconds - before.to_seconds) > 1


def test_each_time_it_goes_yet_another_way(model: Model) -> None:
    song = SONGS["clip"]
    targets = []
    for times in range(4):
        _, joins = made(model, song, *(2,) * times, variety=0)
        jump = joins[1].jump
        assert jump
        targets.append((jump.layer, round(jump.to_seconds)))
    assert len(set(targets)) == 4


def test_ways_can_be_changed_at_several_joins(model: Model) -> None:
    song = SONGS["clip"]
    once, first = made(model, song, 2)
    twice, _ = made(model, song, 2, 4)
    begin = round(first[3].seconds * song.sample_rate)
    assert np.array_equal(once[:begin], twice[:begin])
    assert not np.array_equal(once, twice)
    assert np.array_equal(made(model, song, 4, 2)[0], twice)


def test_the_track_has_its_length_and_its_ending(model: Model) -> None:
    song = SONGS["closing"]
    track, joins = made(model, song)
    other, _ = made(model, song, 1)
    assert len(other) == len(track) == SECONDS * song.sample_rate
    assert np.array_equal(other[-song.sample_rate :], track[-song.sample_rate :])
    with pytest.raises(UsageError, match="leads to the ending"):
        made(model, song, len(joins))


def test_there_are_only_so_many_ways_and_joins(model: Model) -> None:
    song = SONGS["clip"]
    with pytest.raises(UsageError, match="passed over"):
        made(model, song, *(1,) * 100)
    with pytest.raises(UsageError, match="there is no join 99: the track has"):
        made(model, song, 99)
    with pytest.raises(UsageError, match="number of a join"):
        Style(another=(0,))


def test_other_models_and_fitted_songs_have_none(model: Model) -> None:
    with pytest.raises(UsageError, match="seq2seq can't go another way from a join; use recall"):
        load("seq2seq").extrapolator(Style(another=(1,)))
    from extrapcli.extrapolators.base import Fit

    song = SONGS["clip"]
    with pytest.raises(UsageError, match="fitted"):
        list(model.blocks(song, song.sample_rate * 20, replace(Style(another=(1,)), fit=Fit())))
