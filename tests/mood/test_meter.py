"""The mood that a track is measured to have."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.model import load
from extrapcli.mood import Arc, Curve, Scale, extremes
from extrapcli.mood.meter import Meter, Mood
from tests.analysis.band import RATE
from tests.mood.songs import calm_then_lively


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Analysis(calm_then_lively())


def meter(analysis: Analysis, arc: str, end: float) -> Meter:
    return Meter(Curve.of(Arc.parse(arc), analysis, end), analysis)


@pytest.mark.parametrize("size", [1000, 22050, 999_999, 10_000_000])
def test_it_passes_all_on_and_measures_each_second(analysis: Analysis, size: int) -> None:
    song = analysis.song.samples
    track = np.concatenate([song, song, song, song])
    measured = meter(analysis, "calm", 160.0)
    heard = list(measured.hear(track[begin : begin + size] for begin in range(0, len(track), size)))
    np.testing.assert_array_equal(np.concatenate(heard), track)
    mood = measured.mood(0)
    assert mood.from_seconds == 40
    assert len(mood.wanted) == len(mood.reached) == 120
    assert mood.wanted == [0.0] * 120
    level = Scale.of(analysis).levels(analysis.energy[7::15])  # in the middle of each second
    inside = np.r_[5:15, 25:35]
    np.testing.assert_allclose(np.array(mood.reached)[inside], level[inside], atol=0.15)
    np.testing.assert_allclose(np.array(mood.reached)[40 + inside], level[inside], atol=0.15)


def test_pieces_make_no_difference(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    song = analysis.song.samples
    song = np.roll(song, 5 * RATE, axis=0)  # what is measured at once changes at its edges
    track = np.concatenate([analysis.song.samples, song, song])[: 100 * RATE]
    moods = []
    for seconds in (3, 1000):
        monkeypatch.setattr("extrapcli.mood.meter.AT_ONCE_SECONDS", seconds)
        measured = meter(analysis, "calm", 100.0)
        list(measured.hear([track]) if seconds == 1000 else measured.hear(np.array_split(track, 97)))
        moods.append(measured.mood(0).reached)
    assert len(moods[0]) == len(moods[1]) == 60
    np.testing.assert_allclose(moods[0], moods[1], atol=0.02)


def test_python_gets_it_with_the_track(analysis: Analysis) -> None:
    song = analysis.song
    track = load("recall", device="cpu").continue_song(song.samples[:, 0], song.sample_rate, minutes=1, mood="calm")
    assert track.mood
    assert track.mood.from_seconds == 40
    assert len(track.mood.reached) == 17  # it fades out over the last three


def test_a_track_that_is_hardly_longer_has_no_mood_yet(analysis: Analysis) -> None:
    measured = meter(analysis, "calm", 40.5)
    list(measured.hear([analysis.song.samples, analysis.song.samples[:9000]]))
    assert measured.mood(0).reached == []
    assert measured.notes(measured.mood(0)) == []


def test_the_extremes_of_a_song(analysis: Analysis) -> None:
    calmest, liveliest = extremes(analysis, Scale.of(analysis))
    assert 0 <= calmest.begin <= 10
    assert 20 <= liveliest.begin <= 30
    assert calmest.level < 0.2 < 0.8 < liveliest.level


def notes(measured: Meter) -> list[str]:
    return measured.notes(measured.mood(0))


@pytest.mark.parametrize("seconds", [1.0, 20.0, 200.0])
def test_it_holds_little_however_the_track_comes(analysis: Analysis, seconds: float) -> None:
    """What it measures at once is never longer than twelve seconds."""
    measured = meter(analysis, "calm", 400.0)
    lengths: list[int] = []
    energy_of = analysis.energy_of

    def measured_and_noted(
        _: Analysis, mono: NDArray[np.float32], edges: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        lengths.append(len(mono))
        return energy_of(mono, edges)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Analysis, "energy_of", measured_and_noted)
        track: NDArray[np.float32] = np.tile(analysis.song.samples, (10, 1))
        size = round(seconds * RATE)
        list(measured.hear(track[begin : begin + size] for begin in range(0, len(track), size)))
    assert len(measured.mood(0).reached) == 360
    assert max(lengths) <= 12 * RATE


def test_it_begins_at_the_first_join(analysis: Analysis) -> None:
    measured = meter(analysis, "calm:lively", 80.0)
    list(measured.hear([analysis.song.samples, analysis.song.samples]))
    all_of_it, later = measured.mood(0), measured.mood(47.2)
    assert later.from_seconds == 48
    assert later.wanted == all_of_it.wanted[8:]
    np.testing.assert_allclose(later.reached[2:], all_of_it.reached[10:], atol=1e-9)


@pytest.mark.parametrize(("arc", "name", "word"), [("calm", "calmest", "calm"), ("lively", "liveliest", "lively")])
def test_what_could_not_be_reached_is_said(analysis: Analysis, arc: str, name: str, word: str) -> None:
    half = len(analysis.song.samples) // 2
    calm, lively = analysis.song.samples[:half], analysis.song.samples[half:]
    good = meter(analysis, "calm:lively", 80.0)
    list(good.hear([calm, lively, calm, lively]))
    assert notes(good) == []
    wrong = meter(analysis, arc, 80.0)
    list(wrong.hear([calm, lively, *([lively, lively] if arc == "calm" else [calm, calm])]))
    (note,) = notes(wrong)
    found = re.fullmatch(
        r"it reaches (.*) where you asked for (.*) \(0 is calm, 1 lively\); the song is that (.*) for (\d+) s, "
        r"and its (.*) 10 s, from 0:(.*) on, are at (.*)",
        note,
    )
    assert found
    reached, asked, seconds = (float(found[k]) for k in (1, 2, 4))
    assert abs(reached - asked) > 0.5
    assert asked == (arc == "lively")
    assert 1 <= seconds <= 20
    assert (found[3], found[5]) == (word, name)


def test_the_worst_miss_is_the_one_that_is_said(analysis: Analysis) -> None:
    """The whole track is lively, so it misses calm by more."""
    half = len(analysis.song.samples) // 2
    calm, lively = analysis.song.samples[:half], analysis.song.samples[half:]
    measured = meter(analysis, "calm:lively", 80.0)
    list(measured.hear([calm, lively, lively, lively]))
    (note,) = notes(measured)
    assert "is that calm" in note


def test_times_outside_of_what_can_be_changed_are_said(analysis: Analysis) -> None:
    for arc, which in (("0:10 calm", "all"), ("0:10 calm, 0:30 keep", "all"), ("0:10 calm, 0:50 keep", "some")):
        told = f"{which} times of the arc are before 0:40.0, where the song is left; they count from 0:00"
        assert notes(meter(analysis, arc, 60.0)) == [told]
    late = meter(analysis, "0:50 calm, 5:00 keep", 60.0)
    assert notes(late) == ["the arc goes on to 5:00.0, but the mood can be changed up to 1:00.0 only"]
    assert notes(meter(analysis, "0:50 calm, 1:03 keep", 60.0)) == []


def test_the_distance_is_the_mean() -> None:
    assert Mood(0.2, 0.6, 30, [0.0, 0.5], [0.25, 0.0]).distance == pytest.approx(0.375)
    assert Mood(0.2, 0.6, 30, [], []).distance is None
