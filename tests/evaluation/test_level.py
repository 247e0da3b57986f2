"""Loudness follows the gain, a fade is a collapse, noise is flat and wide, and a song does not differ from itself."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extrapcli.audio.steps import Steps
from extrapcli.evaluation.level import (
    Levels,
    collapsed_share,
    differences,
    drift,
    flatness_and_rolloff,
    short_term,
    windows,
)
from tests.evaluation.sounds import Sound, few, pink, tones, white

RATE = 22050


def levels(sound: NDArray[np.floating]) -> Levels:
    samples = sound[:, None] if sound.ndim == 1 else sound
    return Levels.of(samples, Steps.of(samples, RATE))


@few
@given(seconds=st.floats(0.1, 300))
def test_windows_of_ten_seconds_follow_each_other(seconds: float) -> None:
    cuts = windows(seconds)
    assert cuts[0][0] == 0
    assert all(end - begin == 10 for begin, end in cuts)
    assert all(here[1] == there[0] for here, there in pairwise(cuts))
    assert len(cuts) == max(1, int(seconds / 10 + 0.5))


@few
@given(gain=st.floats(-25, 15))
def test_gain_changes_loudness_alone(gain: float) -> None:
    song = pink(10, RATE)
    found = differences(levels(song), levels((song * 10 ** (gain / 20)).astype(np.float32)))
    assert drift(found.loudness) == pytest.approx(gain, abs=0.05)
    assert np.abs(found.loudness).max() == pytest.approx(abs(gain), abs=0.05)
    assert drift(found.flatness) == pytest.approx(0, abs=0.01)
    assert drift(found.rolloff) == pytest.approx(0, abs=0.01)
    assert collapsed_share(found.loudness) == (gain <= -20)


def test_a_song_does_not_differ_from_itself(music: Sound) -> None:
    once = levels(music[: 10 * RATE])
    found = differences(once, once)
    assert (np.abs(found.loudness).max(), collapsed_share(found.loudness), drift(found.loudness)) == (0, 0, 0)
    assert (drift(found.flatness), drift(found.rolloff)) == (0, 0)


def test_two_noises_do_not_differ() -> None:
    found = differences(levels(white(20, RATE)), levels(white(40, RATE, seed=1)))
    assert np.abs(found.loudness).max() < 0.2
    assert drift(found.flatness) == pytest.approx(0, abs=0.1)
    assert drift(found.rolloff) == pytest.approx(0, abs=0.01)


def test_a_fade_by_30_decibels_is_a_collapse() -> None:
    song = white(40, RATE)
    fading = (song * 10 ** (-30 * np.linspace(0, 1, len(song)) / 20)).astype(np.float32)
    found = differences(levels(song), levels(fading))
    assert collapsed_share(found.loudness) == 0.25
    assert drift(found.loudness) == pytest.approx(-26, abs=1)
    assert np.abs(found.loudness).max() == pytest.approx(26, abs=1)


def test_the_drift_is_that_of_the_last_quarter() -> None:
    """Of eight windows the last two are 6 dB louder, and tones instead of noise."""
    last = tones(441, seconds=20, rate=RATE, amplitude=0.1 * 2 * 2**0.5)
    found = differences(levels(white(10, RATE)), levels(np.concatenate([white(60, RATE), last])))
    assert drift(found.loudness) == pytest.approx(
        levels(last).integrated - levels(white(10, RATE)).integrated, abs=0.1
    )
    flatter = drift(found.flatness)
    assert flatter is not None
    assert flatter < -60
    assert drift(found.rolloff) == pytest.approx(np.log2(441 / (0.95 * RATE / 2)), abs=0.1)


def test_noise_is_flatter_and_wider_than_music_and_music_than_a_tone(music: Sound) -> None:
    (noise_flat, noise_wide), (music_flat, music_wide), (tone_flat, tone_wide) = (
        flatness_and_rolloff(sound[: 10 * RATE], RATE)
        for sound in (white(10, RATE), music, tones(110, seconds=10, rate=RATE))
    )
    assert noise_flat == pytest.approx(0, abs=0.1)
    assert noise_wide == pytest.approx(0.95 * RATE / 2, rel=0.01)
    assert tone_flat < -60
    assert tone_wide == pytest.approx(110, abs=2 * RATE / 2048)
    assert noise_flat > music_flat > tone_flat
    assert noise_wide > music_wide > tone_wide


@few
@given(below=st.floats(0.1, 0.9))
def test_rolloff_is_where_noise_ends(below: float) -> None:
    spectrum = np.fft.rfft(white(5, RATE))
    spectrum[round(below * len(spectrum)) :] = 0
    width = flatness_and_rolloff(np.fft.irfft(spectrum).astype(np.float32), RATE)[1]
    assert width == pytest.approx(0.95 * below * RATE / 2, rel=0.03)


def test_silence_has_no_spectrum() -> None:
    silent = levels(np.zeros((20 * RATE, 2), np.float32))
    assert silent.integrated == -70
    assert (silent.loudness == -70).all()
    assert np.isnan(silent.flatness).all()
    found = differences(levels(white(10, RATE)), silent)
    assert np.isnan([drift(found.flatness), drift(found.rolloff)]).all()
    assert collapsed_share(found.loudness) == 1
    assert np.abs(found.loudness).max() > 40


@pytest.mark.parametrize("seconds", [1, 4.9, 5, 14.9, 15])
def test_short_sound_is_measured(seconds: float) -> None:
    short = levels(white(seconds, RATE))
    assert len(short.loudness) == (1 if seconds < 15 else 2)
    assert short.integrated == pytest.approx(levels(white(60, RATE)).integrated, abs=0.3)
    np.testing.assert_allclose(short.loudness, short.integrated, rtol=0, atol=0.3)


def test_a_window_is_measured_alone() -> None:
    """Sound before it does not count, however loud."""
    sound = np.concatenate([white(10, RATE, rms=0.3), white(10, RATE, rms=0.003)])
    found = levels(sound).loudness
    assert found[0] - found[1] == pytest.approx(40, abs=0.3)


def test_short_term_loudness_is_that_of_the_three_seconds_around() -> None:
    sound = np.concatenate([white(10, RATE), np.zeros(10 * RATE, np.float32)])[:, None]
    curve = short_term(sound, RATE)
    assert len(curve) == 20
    assert curve[5] == pytest.approx(levels(white(10, RATE)).integrated, abs=0.2)
    assert curve[10] == pytest.approx(curve[5] - 3, abs=0.7)
    assert (curve[13:] == -70).all()
    assert np.isfinite(curve).all()
