"""Songs that are played in another length, with the released model."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.song import Song
from extrapcli.continuation import Continuation
from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Fit, Style
from extrapcli.model import Model, load
from extrapcli.mood import Arc, Scale
from tests.analysis.band import RATE, band
from tests.mood.songs import calm_then_lively

BAR = 2.0  # seconds
BEGIN = 0.3


@pytest.fixture(scope="module")
def model() -> Model:
    return load("recall", device="cpu")


@pytest.fixture(scope="module")
def song() -> Song:
    """Thirty bars at 120 bpm, in stereo, whose last bar rings on for half a second."""
    sound, _ = band(np.full(120, 0.5), 4, lead=BEGIN)
    return Song("song", np.stack([sound, 0.8 * sound], axis=1), RATE, "f32", "wav")


@pytest.fixture(scope="module")
def analysis(song: Song) -> Analysis:
    return Analysis(song)


def fitted(
    model: Model, analysis: Analysis, seconds: float, fit: Fit | None = None, arc: str | None = None
) -> tuple[NDArray[np.floating], Continuation]:
    style = Style(fit=fit or Fit(), arc=Arc.parse(arc) if arc else None)
    made = model.continuation(analysis.song, round(seconds * RATE), style, analysis)
    return np.concatenate(list(made)), made


def positions(made: Continuation, seconds: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the seconds of the song that are played at seconds of the track."""
    played = np.array(seconds, float)
    for join in made.joins:
        assert join.jump
        after = seconds >= join.seconds + join.fade_seconds
        played[after] = seconds[after] - join.seconds - join.fade_seconds + join.jump.to_seconds
    return played


@pytest.mark.parametrize("seconds", [4.0, 18.77, 30.5, 50.25, 61.4, 91.3, 180.0])
def test_the_track_has_the_length_the_beginning_and_the_ending(
    model: Model, analysis: Analysis, seconds: float
) -> None:
    song = analysis.song
    track, made = fitted(model, analysis, seconds)
    assert len(track) == round(seconds * RATE)
    head = round(made.joins[0].seconds * RATE)
    np.testing.assert_array_equal(track[:head], song.samples[:head])
    assert head >= min(7, seconds / 4 - 0.6) * RATE
    last = made.joins[-1]
    rest = round((seconds - last.seconds - last.fade_seconds - 2.1) * RATE)  # by then the level is the song's
    assert rest >= min(5.5, seconds / 4 - 2) * RATE
    np.testing.assert_array_equal(track[-rest:] if rest > 0 else (), song.samples[-rest:] if rest > 0 else ())


@pytest.mark.parametrize("bars", [-20, -7, 4, 12, 40])
def test_whole_bars_are_left_out_or_repeated_at_bar_lines(model: Model, analysis: Analysis, bars: int) -> None:
    _, made = fitted(model, analysis, analysis.song.seconds + bars * BAR)
    for join in made.joins:
        assert join.jump
        apart = (join.jump.from_seconds - join.jump.to_seconds) / BAR
        assert abs(apart - round(apart)) * BAR < 0.02
    for join in made.joins:
        jump = join.jump
        assert jump
        assert (jump.from_beat and jump.from_beat.beat) == (jump.to_beat and jump.to_beat.beat)
    assert len(made.joins) <= 2 if bars < 20 else 4
    assert not made.notes


def test_a_song_of_that_length_stays_as_it_is(model: Model, analysis: Analysis) -> None:
    track, made = fitted(model, analysis, analysis.song.seconds)
    np.testing.assert_array_equal(track, analysis.song.samples)
    assert not made.joins


@pytest.mark.parametrize("seconds", [40.0, 48.0, 100.0])
def test_what_is_kept_is_not_touched(model: Model, analysis: Analysis, seconds: float) -> None:
    keep = (17.1, 26.4), (41.0, 43.5)
    track, made = fitted(model, analysis, seconds, Fit(keep))
    starts = [0.0, *(join.seconds + join.fade_seconds for join in made.joins)]
    begins = [0.0, *(join.jump.to_seconds for join in made.joins if join.jump)]
    for begin, end in keep:
        first, last = round(begin * RATE), round(end * RATE)
        places = [round((begin - played + at) * RATE) for at, played in zip(starts, begins, strict=True)]
        assert any(
            0 <= place <= len(track) - (last - first)
            and np.array_equal(track[place : place + last - first], analysis.song.samples[first:last])
            for place in places
        )


@pytest.mark.parametrize("hits", [(13.0,), (21.7,), (12.3, 30.9)])
def test_a_downbeat_falls_on_each_hit(model: Model, analysis: Analysis, hits: tuple[float, ...]) -> None:
    track, made = fitted(model, analysis, 45.0, Fit(hits=hits))
    assert len(track) == 45 * RATE
    bars = (positions(made, np.array(hits)) - BEGIN) / BAR
    assert np.abs(bars - np.round(bars)).max() * BAR < 0.03


@pytest.mark.parametrize("hit", [4.3, 40.3, 44.3])
def test_a_hit_near_an_end_is_no_place_for_a_cut(model: Model, analysis: Analysis, hit: float) -> None:
    """Where a bar of the song, played as it is, falls on it."""
    seconds = analysis.song.seconds - 8 * BAR
    _, made = fitted(model, analysis, seconds, Fit(hits=(hit,)))
    bars = (positions(made, np.array([hit]))[0] - BEGIN) / BAR
    assert abs(bars - round(bars)) * BAR < 0.03
    assert all(7 < join.seconds < seconds - 7 for join in made.joins)


def test_silence_at_the_end_takes_up_what_bars_cannot(model: Model, song: Song) -> None:
    silent = replace(song, samples=np.concatenate([song.samples, np.zeros((3 * RATE, 2), np.float32)]))
    analysis = Analysis(silent)
    track, made = fitted(model, analysis, silent.seconds - 10 * BAR - 0.7)
    assert len(track) == round((silent.seconds - 10 * BAR - 0.7) * RATE)
    music, rest = made.joins[:-1], made.joins[-1]
    assert not track[round(rest.seconds * RATE) :].any()
    for join in music:
        assert join.jump
        apart = (join.jump.from_seconds - join.jump.to_seconds) / BAR
        assert abs(apart - round(apart)) * BAR < 0.02


def test_a_length_that_cannot_be_good_is_reached_and_said(model: Model, analysis: Analysis) -> None:
    track, made = fitted(model, analysis, 3.1)
    assert len(track) == round(3.1 * RATE)
    (note,) = made.notes
    assert "may be heard; the shortest version of this song with good joins lasts about 0:" in note


@pytest.mark.parametrize(
    ("seconds", "fit", "told"),
    [
        (1.0, Fit(), "can be fitted to 2 s up to 8 times its length, not to 0:01.0"),
        (600.0, Fit(), "can be fitted to 2 s up to 8 times its length, not to 10:00.0"),
        (20.0, Fit(((50.0, 70.0),)), "lasts 1:00.8, so 0:50.0 to 1:10.0 can't be kept"),
        (20.0, Fit(hits=(25.0,)), "the hit at 0:25.0 is beyond the track of 0:20.0"),
        (20.0, Fit(((5.0, 55.0),)), "no track of 0:20.0 has all the parts that should be kept"),
    ],
)
def test_what_cannot_be_is_refused(model: Model, analysis: Analysis, seconds: float, fit: Fit, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fitted(model, analysis, seconds, fit)


def test_an_arc_is_followed(model: Model) -> None:
    """The song is calm for half a minute and then lively; the track is lively early where that is asked for."""
    analysis = Analysis(calm_then_lively(60))
    scale = Scale.of(analysis)
    reached = {}
    for arc in ("lively:calm", "calm:lively"):
        track, _ = fitted(model, analysis, 100.0, arc=arc)
        energy = Analysis(replace(analysis.song, samples=track)).energy
        reached[arc] = scale.levels(energy[: 15 * 100].reshape(10, -1).mean(axis=1))
    first, second = reached["lively:calm"], reached["calm:lively"]
    assert first[2:4].mean() > second[2:4].mean() + 0.5
    assert first[0] < 0.3, "the beginning is the song's"
    assert first[-1] > 0.7, "and so is the ending"


def test_another_model_does_not_fit(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match="seq2seq can't fit a song to a length; use recall"):
        load("seq2seq", device="cpu").continuation(analysis.song, 20 * RATE, Style(fit=Fit()), analysis)


def test_the_samples_of_a_song_with_an_offset_come_back(model: Model, song: Song) -> None:
    shifted = replace(song, samples=song.samples + np.float32(0.05))
    track = np.concatenate(list(model.continuation(shifted, 30 * RATE, Style(fit=Fit()))))
    np.testing.assert_array_equal(track[-5 * RATE :], shifted.samples[-5 * RATE :])
    assert abs(track.mean() - 0.05) < 0.01
