"""Clicks, onsets and level steps are found at any gain, and ranked among the song's own moments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.evaluation.join_audibility import (
    PER_SECOND,
    Curves,
    JoinPercentiles,
    flux,
    join_percentiles,
    power,
    sharpness,
)
from tests.evaluation.sounds import Sound, few, rms, tones, white

RATE = 22050


def curves(sound: Sound, rate: int = RATE, level: float | None = None) -> Curves:
    return Curves.of(sound, rate, level=rms(sound) if level is None else level)


def made_of(values: Sound) -> Curves:
    """Curves with this sharpness and flux, and as many decibels of level."""
    return Curves(values, values, (10 ** (values / 10)).astype(np.float32))


@few
@given(seconds=st.floats(0.1, 2.9), decibels=st.floats(25, 60), rate=st.sampled_from([11025, RATE, 44100]))
def test_the_sharpness_of_a_click_is_its_height(seconds: float, decibels: float, rate: int) -> None:
    """White noise can't be predicted, so a click stands out by its height above the level of the noise."""
    sound, at = white(3, rate, rms=0.01), round(seconds * rate)
    sound[at] += 0.01 * 10 ** (decibels / 20)
    found = sharpness(sound, rate, level=rms(sound))
    assert found.max() == pytest.approx(decibels, abs=3)
    assert int(found.argmax()) == pytest.approx(at * PER_SECOND // rate, abs=1)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_no_sample_is_skipped(rate: int) -> None:
    """A click on any of the samples of 20 ms stands out."""
    sound = white(1, rate, rms=0.01)
    for at in range(rate // 2, rate // 2 + rate // 50 + 1, 7 if rate > 22050 else 1):
        clicked = sound[rate // 4 : 3 * rate // 4].copy()
        clicked[at - rate // 4] += 0.32
        assert sharpness(clicked, rate, level=0.01).max() > 25


@few
@given(at=st.integers(RATE, 9 * RATE), amplitude=st.floats(0.3, 0.7))
def test_a_click_in_music_is_found_in_its_place_alone(at: int, amplitude: float, music: Sound) -> None:
    song = music[: 10 * RATE]
    before = sharpness(song, RATE, level=rms(song))
    clicked = song.copy()
    clicked[at] += np.copysign(amplitude, clicked[at])
    after = sharpness(clicked, RATE, level=rms(song))
    place = at * PER_SECOND // RATE
    assert after[place - 1 : place + 2].max() > before[place - 1 : place + 2].max() + 10
    away = np.abs(np.arange(len(after)) - place) > 4
    np.testing.assert_allclose(after[away], before[away], rtol=0, atol=0.01)


@few
@given(decibels=st.floats(-50, 20))
def test_gain_does_not_matter(decibels: float, music: Sound) -> None:
    """The predictor of music without its highest frequencies is ill-conditioned, so rounding moves the sharpness."""
    song = music[: 5 * RATE]
    gained = song * np.float32(10 ** (decibels / 20))
    here, there = curves(song), curves(gained)
    assert np.abs(there.sharpness - here.sharpness).mean() < 0.1
    np.testing.assert_allclose(there.sharpness, here.sharpness, rtol=0, atol=1)
    np.testing.assert_allclose(there.flux, here.flux, rtol=0, atol=0.05)
    np.testing.assert_allclose(there.power, here.power, rtol=1e-3)


def test_a_splice_clicks_more_than_a_crossfade() -> None:
    """A tone, with noise 46 dB softer, changes to opposite phase: at once, or within 50 ms."""
    tone = tones(441, seconds=6, rate=RATE) + white(6, RATE, rms=5e-4)
    at, fade = 3 * RATE + 13, RATE // 20
    spliced, faded = tone.copy(), tone.copy()
    spliced[at:] *= -1
    gain = np.cos(np.pi * np.clip((np.arange(len(tone)) - at) / fade, 0, 1)).astype(np.float32)
    faded *= gain
    song, hard, soft = (curves(sound, level=rms(tone)) for sound in (tone, spliced, faded))
    assert hard.sharpness.max() > 40
    assert soft.sharpness.max() < 20
    splice, crossfade = join_percentiles(song, hard, at / RATE, 0), join_percentiles(song, soft, at / RATE, 0.05)
    assert splice.sharpness > 99.9
    assert splice.flux > 99.9
    assert crossfade.sharpness < 99


def test_moments_of_a_song_have_even_percentiles(music: Sound) -> None:
    """Taken as joins, the moments of a song have all percentiles equally often."""
    here = curves(music)
    joins = [join_percentiles(here, here, second, 0.05) for second in np.arange(1, 29, 0.17)]
    for name in ("sharpness", "flux", "level"):
        values = np.array([getattr(join, name) for join in joins])
        assert values.mean() == pytest.approx(50, abs=6)
        assert np.mean(values > 90) == pytest.approx(0.1, abs=0.07)


@few
@given(
    st.lists(st.floats(0, 60, width=32), min_size=150, max_size=300),
    st.floats(0, 70, width=32),
    st.floats(0, 70, width=32),
)
def test_percentiles_are_monotone(own: list[float], one: float, other: float) -> None:
    song = made_of(np.array(own, np.float32))
    low, high = sorted((one, other))
    quiet, loud = (made_of(np.full(200, value, np.float32)) for value in (low, high))
    a, b = join_percentiles(song, quiet, 1, 0), join_percentiles(song, loud, 1, 0)
    assert 0 <= a.sharpness <= b.sharpness <= 100
    assert 0 <= a.flux <= b.flux <= 100
    assert 0 <= a.level <= 100


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_a_percentile_is_the_share_of_smaller_values(share: float) -> None:
    """Each value lasts ten seconds, so the moments around a join are mostly the same."""
    song = made_of(np.repeat(np.arange(1, 21, dtype=np.float32), 1000))
    found = join_percentiles(song, made_of(np.full(300, 20 * share + 0.5, np.float32)), 1, 0)
    assert found.sharpness == pytest.approx(100 * share, abs=0.5)
    assert found.flux == pytest.approx(100 * share, abs=0.5)


@few
@given(decibels=st.floats(-30, 30), at=st.floats(1, 3), fade=st.sampled_from([0.0, 0.05, 0.5]))
def test_a_level_step_has_its_height(decibels: float, at: float, fade: float) -> None:
    sound = white(5, RATE)
    n = round(at * PER_SECOND) * RATE // PER_SECOND
    middle = n + round(fade * RATE / 2)
    sound[middle:] *= np.float32(10 ** (decibels / 20))
    gap = round(fade * PER_SECOND)
    found = curves(sound, level=0.1).level_steps(np.array([round(at * PER_SECOND)]), gap)[0]
    assert found == pytest.approx(abs(decibels), abs=0.4)


def test_steady_sound_has_no_flux() -> None:
    for steady in (tones(440, seconds=3, rate=RATE), np.zeros(3 * RATE, np.float32)):
        assert flux(steady, RATE, level=0.1)[5:-5].max() < 0.1


@pytest.mark.parametrize("hertz", [110, 441, 2500])
def test_the_ends_of_a_sound_are_no_clicks(hertz: float) -> None:
    for begin in range(0, 200, 23):
        cut = (tones(hertz, seconds=2, rate=RATE) + white(2, RATE, rms=5e-4))[begin:]
        assert sharpness(cut, RATE, level=rms(cut)).max() < 22


def test_an_onset_has_flux_where_it_is() -> None:
    for at in (1.0, 1.234, 2.5):
        sound = white(4, RATE, rms=0.001)
        sound[round(at * RATE) :] += white(4, RATE, seed=1)[: len(sound) - round(at * RATE)]
        rise = flux(sound, RATE, level=rms(sound))
        assert rise.argmax() == pytest.approx(at * PER_SECOND, abs=2.5)
        assert rise[round(at * PER_SECOND) - 5 : round(at * PER_SECOND) + 5].sum() == pytest.approx(40, abs=6)


def test_power_is_in_units_of_the_song() -> None:
    assert power(3 * white(3, RATE), RATE, level=0.1).mean() == pytest.approx(9, rel=0.02)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
def test_silence_is_finite(rate: int) -> None:
    silence = np.zeros(2 * rate, np.float32)
    quiet, loud = curves(silence, rate), curves(white(2, rate), rate)
    for song, track in ((quiet, quiet), (loud, curves(silence, rate, level=0.1)), (quiet, loud)):
        for curve in (track.sharpness, track.flux, track.power):
            assert np.isfinite(curve).all()
        found = join_percentiles(song, track, 1, 0.05)
        assert all(0 <= value <= 100 for value in (found.sharpness, found.flux, found.level))
    assert join_percentiles(quiet, quiet, 1, 0.05) == JoinPercentiles(50, 50, 50)


@few
@given(samples=st.integers(1, 3 * RATE), rate=st.sampled_from([8000, 11025, 22050, 48000]))
def test_all_curves_are_as_long_as_the_sound(samples: int, rate: int) -> None:
    found = curves(white(3, RATE)[:samples], rate)
    wanted = max(1, round(samples / rate * PER_SECOND))
    assert len(found.sharpness) == len(found.flux) == len(found.power) == wanted


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.99, 2.0, 7.0])
def test_joins_at_the_ends_are_ranked(seconds: float) -> None:
    here = curves(white(2, RATE))
    found = join_percentiles(here, here, seconds, 0.1)
    assert all(0 <= value <= 100 for value in (found.sharpness, found.flux, found.level))
