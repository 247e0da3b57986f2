"""Arcs as users write them, and the curve that they draw over a track."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.analysis import Analysis
from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Ending, Style
from extrapcli.mood import Arc, Curve, Scale
from tests.mood.songs import calm_then_lively, fading


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Analysis(calm_then_lively())


@pytest.mark.parametrize(
    ("text", "levels", "seconds"),
    [
        ("calm", (0.0,), None),
        ("keep", (None,), None),
        ("calm:lively", (0.0, 1.0), None),
        ("keep:0.25:1", (None, 0.25, 1.0), None),
        ("Calm : lively", (0.0, 1.0), None),
        ("0:00 calm, 0:48 lively", (0.0, 1.0), (0.0, 48.0)),
        ("0:30 keep, 2:00 lively, 1:00:00 0", (None, 1.0, 0.0), (30.0, 120.0, 3600.0)),
        (" 2 calm ", (0.0,), (120.0,)),
    ],
)
def test_arcs_are_read(text: str, levels: tuple[float | None, ...], seconds: tuple[float, ...] | None) -> None:
    assert Arc.parse(text) == Arc(levels, seconds)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "isn't a mood"),
        ("calm:", "isn't a mood"),
        ("sad", "'sad' isn't a mood; choose calm, lively, keep, or a number from 0 to 1"),
        ("-0.5", "'-0.5' isn't a mood"),
        ("1e300 calm", "out of range"),
        ("calm:1.5", "'1.5' isn't a mood"),
        ("nan", "isn't a mood"),
        ("0:30 keep 2:00 lively", "isn't an arc"),
        ("0:30 keep,", "isn't an arc"),
        ("2:00 calm, 1:00 lively", "don't increase"),
        ("1:00 calm, 1:00 lively", "don't increase"),
        ("soon calm, 1:00 lively", "isn't an arc"),
        ("calm lively", "isn't an arc"),
        ("1:75 calm", "'1:75' is no time"),
        ("0..0 calm", "'0..0' is no time"),
        ("1:00", "'00' isn't a mood"),
    ],
)
def test_what_is_no_arc_is_refused_in_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Arc.parse(text)


levels = st.none() | st.floats(0, 1)


@given(st.lists(levels, min_size=1, max_size=4), st.data())
def test_an_arc_reads_back_what_it_says(chosen: list[float | None], data: st.DataObject) -> None:
    milliseconds = st.lists(st.integers(6, 10**7), min_size=len(chosen), max_size=len(chosen), unique=True)
    times = data.draw(st.none() | milliseconds)
    arc = Arc(tuple(chosen), None if times is None else tuple(time / 1000 for time in sorted(times)))
    read = Arc.parse(str(arc))
    assert read.levels == arc.levels
    assert (read.seconds is None) == (arc.seconds is None)
    assert (read.seconds or ()) == pytest.approx(arc.seconds or (), abs=1e-3)


@given(st.text(alphabet="calmkeplivy0123456789.:, -einf", max_size=30))
def test_any_text_is_an_arc_or_refused(text: str) -> None:
    try:
        arc = Arc.parse(text)
    except UsageError:
        return
    assert arc.levels
    assert all(level is None or 0 <= level <= 1 for level in arc.levels)


def test_an_arc_is_no_mood() -> None:
    with pytest.raises(UsageError, match="'calm:lively' is an arc"):
        Arc.of_mood("calm:lively")


@pytest.mark.parametrize("mood", [0, 1, 0.5, "0.5", "lively"])
def test_moods_are_words_or_numbers(mood: str | float) -> None:
    (level,) = Arc.of_mood(mood).levels
    assert level in (0, 0.5, 1)


def test_an_arc_without_times_runs_from_where_the_song_is_left_to_the_end(analysis: Analysis) -> None:
    curve = Curve.of(Arc.parse("calm:lively:0.5"), analysis, 100.0)
    begin = analysis.bounds.ending / analysis.song.sample_rate
    middle = (begin + 100) / 2
    wanted = curve.at(np.array([0, begin, (begin + middle) / 2, middle, 100, 1000]))
    np.testing.assert_allclose(wanted, [0, 0, 0.5, 1, 0.5, 0.5])


@pytest.mark.parametrize(("ending", "before"), [("auto", None), ("song", None), ("fade", 3.0), ("cut", 0.0)])
def test_an_arc_ends_where_the_track_begins_to_end(ending: Ending, before: float | None) -> None:
    """With the song's own ending, `before` is how long that takes."""
    analysis = Analysis(fading(calm_then_lively()))
    bounds, rate = analysis.bounds, analysis.song.sample_rate
    assert bounds.ends_by_itself
    if before is None:
        before = (bounds.end - bounds.leaves_at(rate)) / rate
    curve = Style(ending=ending, arc=Arc.parse("calm:lively")).curve(analysis, 100 * rate)
    assert curve
    assert curve.begin == bounds.leaves_at(rate) / rate < bounds.ending / rate
    assert curve.end == pytest.approx(100 - before)
    np.testing.assert_allclose(curve.at(np.array([curve.begin, curve.end, 100])), [0, 1, 1])


def test_a_song_that_is_cut_off_fades_out(analysis: Analysis) -> None:
    curve = Style(arc=Arc.parse("calm:lively")).curve(analysis, 100 * analysis.song.sample_rate)
    assert curve
    assert curve.end == pytest.approx(97)
    assert Style().curve(analysis, 100 * analysis.song.sample_rate) is None


def test_before_the_first_time_it_comes_from_what_is_kept(analysis: Analysis) -> None:
    curve = Curve.of(Arc.parse("1:30 calm"), analysis, 100.0)
    middle = (curve.begin + 90) / 2
    np.testing.assert_allclose(curve.at(np.array([curve.begin, middle, 90, 99])), [curve.kept, curve.kept / 2, 0, 0])


def test_keep_is_the_level_of_the_last_twenty_seconds(analysis: Analysis) -> None:
    """The song ends with its lively half."""
    kept = Curve.of(Arc.parse("keep"), analysis, 100.0)
    assert 0.7 < kept.kept <= 1
    np.testing.assert_array_equal(kept.at(np.linspace(0, 200, 9)), np.full(9, kept.kept))


def test_a_track_without_end_needs_times(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match="without end"):
        Curve.of(Arc.parse("calm:lively"), analysis, None)
    assert Curve.of(Arc.parse("calm"), analysis, None).at(np.array([1e6])) == 0
    assert Curve.of(Arc.parse("1:00 calm, 2:00 lively"), analysis, None).at(np.array([1e6])) == 1


def test_the_scale_is_the_songs_own(analysis: Analysis) -> None:
    scale, energy = Scale.of(analysis), analysis.energy
    assert 0 < scale.calm < scale.lively < 1
    levels = scale.levels(energy)
    half = len(levels) // 2
    assert levels[: half - 60].max() < 0.35
    assert levels[half + 60 : -30].min() > 0.65


def test_a_song_that_never_changes_has_a_scale_of_some_width(rng: np.random.Generator) -> None:
    noise = rng.normal(0, 0.1, 20 * 22050).astype(np.float32)
    song = calm_then_lively()
    scale = Scale.of(Analysis(type(song)("noise", noise[:, None], 22050, "f32", "wav")))
    assert scale.lively - scale.calm >= 0.1
