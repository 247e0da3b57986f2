"""Tempo and phase are found for drums whose tempo and phase are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.evaluation.join_audibility import PER_SECOND, flux
from extrapcli.evaluation.rhythm import beat_error, tempo, tempo_ratio
from tests.evaluation.sounds import Sound, beats, few, rms, tones, white

RATE = 22050


def rises(sound: Sound) -> Sound:
    return flux(sound, RATE, level=rms(sound))


def folded(found: float | None, per_minute: float) -> float:
    """Return the relative difference of two tempos, octaves aside."""
    assert found is not None
    octaves = np.log2(found / per_minute)
    return float(abs(2 ** (octaves - round(octaves)) - 1))


@pytest.mark.parametrize("per_minute", range(60, 201, 10))
def test_the_tempo_of_drums_is_found(per_minute: float) -> None:
    """Octaves aside. Lags are whole hundredths of a second, which limits the precision to 2 %."""
    assert folded(tempo(rises(beats(per_minute, 15, RATE))), per_minute) < 0.02


@pytest.mark.parametrize("per_minute", [90, 120, 150])
def test_usual_tempos_are_found_in_their_octave(per_minute: float) -> None:
    assert tempo(rises(beats(per_minute, 15, RATE))) == pytest.approx(per_minute, rel=0.02)


def test_gain_does_not_change_the_tempo(music: Sound) -> None:
    song = music[: 15 * RATE]
    assert tempo(rises(song)) == tempo(rises(song * np.float32(0.01)))


@pytest.mark.parametrize("seconds", [0, 1, 3.9])
def test_sound_that_is_short_has_no_tempo(seconds: float) -> None:
    assert tempo(rises(beats(120, 10, RATE))[: round(seconds * PER_SECOND)]) is None


def test_silence_has_no_tempo() -> None:
    assert tempo(np.zeros(1000, np.float32)) is None
    mostly = rises(np.concatenate([beats(120, 5, RATE), np.zeros(8 * RATE, np.float32)]))
    assert tempo(mostly) is None


@few
@given(song=st.floats(30, 300), other=st.floats(30, 300), octaves=st.integers(-2, 2))
def test_the_ratio_leaves_octaves_aside(song: float, other: float, octaves: int) -> None:
    ratio = tempo_ratio(song, other)
    assert ratio is not None
    assert 2**-0.5 <= ratio <= 2**0.5
    again = tempo_ratio(song, other * 2**octaves)
    assert again is not None
    assert np.log2(again / ratio) % 1 == pytest.approx(0, abs=1e-9) or np.log2(again / ratio) % 1 > 1 - 1e-9


def test_twice_as_fast_is_as_fast() -> None:
    one, two = (tempo(rises(beats(per_minute, 15, RATE))) for per_minute in (75, 150))
    assert tempo_ratio(one, two) == pytest.approx(1, abs=0.01)
    assert tempo_ratio(100, 110) == pytest.approx(1.1)
    assert tempo_ratio(100, 90) == pytest.approx(0.9)
    assert tempo_ratio(None, 120) is None
    assert tempo_ratio(120, None) is None


@pytest.mark.parametrize("per_minute", [80, 117, 140])
@pytest.mark.parametrize("late", [0, 0.1, 0.25, 0.4, 0.5, 0.75, 0.9])
def test_a_late_beat_is_off_by_its_delay(per_minute: float, late: float) -> None:
    beat = 60 / per_minute
    before = beats(per_minute, 12 * beat, RATE)
    after = beats(per_minute, 8, RATE, first=late * beat, seed=1)
    track = rises(np.concatenate([before, after]))
    error = beat_error(per_minute, track, 12 * beat, 12 * beat)
    assert error == pytest.approx(min(late, 1 - late), abs=0.05)


def test_the_fade_belongs_to_neither_side() -> None:
    """Sound between `left` and `right`, here noise without a beat, does not count."""
    track = rises(np.concatenate([beats(120, 8, RATE), white(1, RATE, rms=0.3), beats(120, 8, RATE)]))
    assert beat_error(120, track, 7.9, 9.1) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("off", [0.97, 1.03])
def test_the_tempo_need_not_be_exact(off: float) -> None:
    track = rises(beats(120 * off, 16, RATE))
    assert beat_error(120, track, 8, 8) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("sound", ["silence", "a tone"])
def test_without_a_beat_there_is_no_error(sound: str) -> None:
    after = np.zeros(8 * RATE, np.float32) if sound == "silence" else tones(441, seconds=8, rate=RATE)
    track = rises(np.concatenate([beats(120, 8, RATE), after + white(8, RATE, rms=1e-3)]))
    assert beat_error(120, track, 8, 8) is None
    assert beat_error(None, track, 8, 8) is None


def test_joins_near_an_end_have_no_error() -> None:
    track = rises(beats(120, 10, RATE))
    assert beat_error(120, track, 2, 2) is None
    assert beat_error(120, track, 8, 8) is None
    assert beat_error(120, track, 5, 5) is not None
