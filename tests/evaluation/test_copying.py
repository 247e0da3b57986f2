"""Copies are found at any shift, gain and bit depth; music that only resembles the song is no copy."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.audio.resample import resample
from extrapcli.evaluation.copying import Copies, copies, layers
from extrapcli.evaluation.self_repetition import RATE
from tests.evaluation.sounds import Sound, beats, few, rms, tones, white

SECONDS = 20


@pytest.fixture(scope="module")
def song(music: Sound) -> Sound:
    return music[: SECONDS * RATE]


@pytest.fixture(scope="module")
def other(music: Sound) -> Sound:
    """Other music: the rest of the song, backwards and 7 % slower."""
    return resample(music[SECONDS * RATE :][::-1][:, None], from_rate=15, to_rate=16)[:, 0]


def test_new_music_is_no_copy(song: Sound, other: Sound) -> None:
    assert copies(song, other) == Copies(0, 0)
    assert copies(song, white(10, RATE, rms=rms(song))) == Copies(0, 0)


@few
@given(begin=st.integers(0, (SECONDS - 6) * RATE))
def test_a_copy_from_any_sample_is_found(begin: int, song: Sound) -> None:
    found = copies(song, song[begin : begin + 6 * RATE])
    assert found.share == 1
    assert found.longest_seconds == pytest.approx(6, abs=0.81)  # repeated passages may match their first occurrence


@few
@given(seconds=st.integers(0, 9), whole=st.booleans())
def test_the_copied_share_is_measured(seconds: int, whole: bool, song: Sound, other: Sound) -> None:
    """Some seconds of the song among ten, in one or two pieces; half a second at their ends may count or not."""
    copied, new = song[RATE // 3 :][: seconds * RATE], other[: (10 - seconds) * RATE]
    half = len(copied) // 2 if not whole else 0
    found = copies(song, np.concatenate([copied[:half], new, copied[half:]]))
    assert found.share == pytest.approx(seconds / 10, abs=0.11)
    longest = len(copied) / (2 * RATE) if not whole else seconds
    assert found.longest_seconds == pytest.approx(longest, abs=0.7)


@few
@given(decibels=st.floats(-30, 12))
def test_gain_does_not_hide_a_copy(decibels: float, song: Sound) -> None:
    found = copies(song, song[3 * RATE : 8 * RATE] * np.float32(10 ** (decibels / 20)))
    assert found.share == 1


@pytest.mark.parametrize("bits", [16, 12, 10])
def test_rounding_does_not_hide_a_copy(bits: int, song: Sound) -> None:
    rounded = np.round(song[3 * RATE + 7 : 9 * RATE] * 2 ** (bits - 1)) / 2 ** (bits - 1)
    assert copies(song, rounded.astype(np.float32)).share == 1


def test_a_copy_under_softer_sound_is_one(song: Sound, other: Sound) -> None:
    copy, under = song[4 * RATE : 9 * RATE], other[: 5 * RATE]
    for decibels, wanted in ((-15, 1), (-3, 0), (0, 0)):
        mixed = copy + under * np.float32(rms(copy) / rms(under) * 10 ** (decibels / 20))
        assert copies(song, mixed).share == pytest.approx(wanted, abs=0.3)


@pytest.mark.parametrize("by", [(100, 103), (100, 97), (17, 18)])
def test_music_at_another_speed_is_no_copy(by: tuple[int, int], song: Sound) -> None:
    changed = resample(song[2 * RATE : 8 * RATE, None], from_rate=by[0], to_rate=by[1])[:, 0]
    assert copies(song, changed).share < 0.1


def test_an_uninterrupted_copy_is_one_run(song: Sound) -> None:
    once = copies(song, song)
    assert once.share == 1
    assert once.longest_seconds == pytest.approx(SECONDS, abs=0.21)
    twice = copies(song, np.concatenate([song[5 * RATE :], song[: 9 * RATE]]))
    assert twice.share == pytest.approx(1, abs=0.02)
    assert twice.longest_seconds == pytest.approx(15, abs=0.5)


def test_silence_is_no_copy(song: Sound) -> None:
    silence = np.zeros(5 * RATE, np.float32)
    for sound in (song, silence):
        assert np.isnan(astuple(copies(sound, silence))).all()
    assert copies(np.concatenate([song, silence]), np.concatenate([silence, song])).share > 0.95


def test_silence_does_not_count(song: Sound, other: Sound) -> None:
    """Four seconds copied, twelve silent and four new; a partly silent second is audible."""
    quiet = np.zeros(12 * RATE, np.float32)
    found = copies(song, np.concatenate([song[: 4 * RATE], quiet, other[: 4 * RATE]]))
    assert found.share == pytest.approx(0.45, abs=0.05)


@pytest.mark.parametrize("seconds", [0, 0.5, 0.99, 1, 1.1])
def test_short_sound_is_measured_from_a_second_on(seconds: float, song: Sound) -> None:
    made = song[RATE:][: round(seconds * RATE)]
    if seconds < 1:
        assert np.isnan(astuple(copies(song, made)) + astuple(copies(made, song))).all()
    else:
        assert copies(song, made) == Copies(1, 1)
        assert copies(made, song).share < 0.2


def scale(*pitches: float) -> Sound:
    return np.concatenate([tones(pitch, pitch * 1.5, seconds=1.5, rate=RATE) for pitch in pitches])


def shares(song: Sound, made: Sound) -> list[float]:
    """How much of the harmonic and of the percussive layer is copied."""
    return [copies(there, here).share for there, here in zip(layers(song), layers(made), strict=True)]


def test_layers_add_up(song: Sound) -> None:
    np.testing.assert_allclose(sum(layers(song)), song, atol=1e-6)


def test_each_layer_is_compared_with_its_own() -> None:
    """Tones and drums of the song, of other moments, together; or with new ones."""
    drums, others = beats(113, 12, RATE, seed=1), beats(97, 6, RATE, seed=2)
    song = scale(220, 311, 262, 415, 233, 370, 277, 349) + drums
    old, new = scale(311, 262, 415, 233), scale(205, 330, 247, 294)
    assert shares(song, old + drums[5 * RATE : 11 * RATE]) == pytest.approx([1, 1], abs=0.2)
    assert shares(song, old + others) == pytest.approx([1, 0], abs=0.2)
    assert shares(song, new + drums[5 * RATE : 11 * RATE]) == pytest.approx([0, 1], abs=0.2)
