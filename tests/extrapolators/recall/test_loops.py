"""Loops of songs, with the released model."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.song import Song
from extrapcli.errors import UsageError
from extrapcli.evaluation.join_audibility import Curves, join_percentiles
from extrapcli.extrapolators.base import Loop, LoopQuery, Style
from extrapcli.loop.looped import Looped, Part
from extrapcli.model import Model, load
from tests.analysis.band import RATE, band

BAR = 2.0  # seconds


@pytest.fixture(scope="module")
def model() -> Model:
    return load("recall", device="cpu")


@pytest.fixture(scope="module")
def song() -> Song:
    """Thirty bars at 120 bpm, in stereo."""
    sound, _ = band(np.full(120, 0.5), 4)
    return Song("song", np.stack([sound, 0.8 * sound], axis=1), RATE, "f32", "wav")


def loops(
    model: Model,
    song: Song,
    *,
    bars: int | None = None,
    least: float | None = None,
    most: float | None = None,
    near: tuple[float, float] | None = None,
) -> list[Loop]:
    return model.loops(Analysis(song), Style(), LoopQuery(bars, least, most, near))


def heard(part: Part) -> NDArray[np.floating]:
    samples = np.concatenate(list(part.pieces))
    assert len(samples) == part.count
    return samples


def test_a_loop_has_whole_bars(model: Model, song: Song) -> None:
    for loop in loops(model, song):
        assert loop.bars
        assert abs(loop.seconds - loop.bars * BAR) < 0.02
        assert loop.jump.from_beat
        assert loop.jump.to_beat
        assert loop.jump.from_beat.beat == loop.jump.to_beat.beat


@pytest.mark.parametrize(("begin", "end"), [(4.0, 12.0), (9.3, 30.8), (20.0, 22.1)])
def test_near_two_times_it_is_the_loop_of_the_nearest_bars(
    model: Model, song: Song, begin: float, end: float
) -> None:
    (loop,) = loops(model, song, near=(begin, end))
    assert abs(loop.begin / RATE - begin) <= BAR / 2 + 0.15
    assert abs(loop.end / RATE - end) <= BAR / 2 + 0.15
    assert loop.bars == round(loop.seconds / BAR)


def test_within_a_bar_it_is_a_part_of_the_bar(model: Model, song: Song) -> None:
    (loop,) = loops(model, song, near=(12.1, 12.9))
    assert loop.bars is None
    assert 0.5 <= loop.seconds < 1.5


def test_its_length_is_what_was_asked_for(model: Model, song: Song) -> None:
    assert {loop.bars for loop in loops(model, song, bars=6)} == {6}
    for loop in loops(model, song, least=15, most=21):
        assert 14.9 < loop.seconds < 21.1
    assert not loops(model, song, bars=40)
    assert not loops(model, song, least=100)


def test_no_two_are_nearly_the_same(model: Model, song: Song) -> None:
    found = loops(model, song)
    assert len(found) > 3
    for k, one in enumerate(found):
        for other in found[:k]:
            assert abs(one.begin - other.begin) > RATE or abs(one.seconds - other.seconds) > 0.5


def test_the_best_loop_cannot_be_heard_where_it_repeats(model: Model, song: Song) -> None:
    loop = loops(model, song)[0]
    turn = heard(Looped(song, loop).passage()).mean(axis=1)
    own, again = (
        Curves.of(sound.astype(np.float32), RATE, level=0.1)
        for sound in (song.samples.mean(axis=1), np.tile(turn, 2))
    )
    fade = loop.fade.samples / RATE
    ranks = join_percentiles(own, again, len(turn) / RATE - fade, fade)
    assert max(ranks) < 95
    assert loop.audibility < 95


@pytest.mark.parametrize("seconds", [1.2, 3.0, 8.0, 30.0])
def test_any_sound_has_one(model: Model, rng: np.random.Generator, seconds: float) -> None:
    """Also without a beat, and a short one."""
    noise = rng.normal(0, 0.1, (round(seconds * RATE), 1)).astype(np.float32)
    song = Song("noise", noise, RATE, "f32", "wav")
    loop = loops(model, song)[0]
    assert 0 < loop.begin < loop.end <= len(noise)
    assert loop.fade.samples > 0
    heard(Looped(song, loop).passage())


def test_its_passage_is_cut_from_an_array(model: Model, song: Song) -> None:
    loop = loops(model, song)[0]
    turn = heard(Looped(song, loop).passage())
    np.testing.assert_array_equal(loop.passage(song.samples), turn)
    np.testing.assert_array_equal(loop.passage(song.samples[:, 0]), turn[:, 0])


def test_its_parts_fit_together(model: Model, song: Song) -> None:
    """Whatever is played after the end of the loop, the sound there goes on as it went on somewhere in the song."""
    loop = loops(model, song)[0]
    looped = Looped(song, loop)
    intro, turn, outro = (heard(part) for part in (looped.intro(), looped.passage(), looped.outro()))
    samples, fade = song.samples, loop.fade.samples
    np.testing.assert_array_equal(intro, samples[: loop.begin])
    np.testing.assert_array_equal(turn[:-fade], samples[loop.begin : loop.end - fade])
    np.testing.assert_allclose(turn[-1], samples[loop.begin - 1], atol=1e-3)
    np.testing.assert_allclose(outro[0], samples[loop.begin], atol=1e-3)
    np.testing.assert_array_equal(outro[fade:], samples[loop.end + fade :])


@pytest.mark.parametrize("times", [1, 2, 5])
def test_the_song_with_loops_is_the_song_and_the_loop(model: Model, song: Song, times: int) -> None:
    loop = loops(model, song)[0]
    looped = Looped(song, loop)
    whole, turn = heard(looped.times(times)), heard(looped.passage())
    assert len(whole) == len(song.samples) + (times - 1) * len(turn)
    np.testing.assert_array_equal(whole[: loop.begin], song.samples[: loop.begin])
    for k in range(times - 1):
        np.testing.assert_array_equal(whole[loop.begin + k * len(turn) :][: len(turn)], turn)
    np.testing.assert_array_equal(whole[loop.begin + (times - 1) * len(turn) :], song.samples[loop.begin :])


def test_the_marked_file_is_the_song_up_to_the_loops_end(model: Model, song: Song) -> None:
    loop = loops(model, song)[0]
    looped = Looped(song, loop)
    marked, turn = heard(looped.up_to_the_end()), heard(looped.passage())
    np.testing.assert_array_equal(marked[: loop.begin], song.samples[: loop.begin])
    np.testing.assert_array_equal(marked[loop.begin :], turn)


def test_a_song_at_another_level_has_the_same_loops(model: Model, song: Song) -> None:
    soft = replace(song, samples=song.samples * np.float32(0.1))
    found = [[(loop.begin, loop.end) for loop in loops(model, one)][:3] for one in (song, soft)]
    np.testing.assert_allclose(found[0], found[1], atol=RATE / 50)


@pytest.mark.parametrize("seconds", [5.0, 12.0, 60.0])
@pytest.mark.parametrize("added", [9.3, 47.0])
def test_a_track_may_lead_back_to_its_first_bars(model: Model, song: Song, seconds: float, added: float) -> None:
    """The samples at its end are those before the moment that it leads back to, of song and track."""
    short = replace(song, samples=song.samples[: round(seconds * RATE)])
    wanted = round((seconds + added) * RATE)
    made = model.continuation(short, wanted, Style(ending="loop"))
    track = np.concatenate(list(made))
    assert len(track) == wanted
    assert made.leads_to
    assert made.leads_to < len(short.samples)
    same = round(0.1 * RATE)
    before = slice(made.leads_to - same, made.leads_to)
    np.testing.assert_array_equal(track[before], short.samples[before])
    np.testing.assert_allclose(track[-same:], short.samples[before], atol=2e-3 if seconds > 8 else 5e-3)


def test_a_song_of_three_seconds_leads_nowhere(model: Model, song: Song) -> None:
    short = replace(song, samples=song.samples[: 3 * RATE])
    with pytest.raises(UsageError, match="too short for a track whose end leads back"):
        list(model.continuation(short, 10 * RATE, Style(ending="loop")))


def test_a_model_that_cannot_lead_back_says_so(song: Song) -> None:
    with pytest.raises(UsageError, match="seq2seq can't make a track whose end leads back; use recall"):
        load("seq2seq", device="cpu").continuation(song, len(song.samples) + RATE, Style(ending="loop"))
