"""Repetition and loops are found in sound that has a known share of them."""

from dataclasses import astuple

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.resample import resample
from extrapcli.evaluation.self_repetition import RATE, self_repetition
from tests.conftest import SONG

Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def song() -> Array:
    """Half a minute of music that does not repeat itself exactly."""
    decoded = decode(SONG)
    return resample(decoded.samples.mean(axis=1, keepdims=True), from_rate=decoded.sample_rate, to_rate=RATE)[:, 0]


def noises(seconds: float, seed: int) -> Array:
    """Sound with a new tone every fifth of a second."""
    rng = np.random.default_rng(seed)
    t = np.arange(RATE // 5) / RATE
    return np.concatenate(
        [np.sin(2 * np.pi * rng.uniform(100, 5000) * t) * rng.uniform(0.2, 1) for _ in range(round(seconds * 5))]
    ).astype(np.float32)


def test_a_hard_loop_is_all_repetition(song: Array) -> None:
    measured = self_repetition(np.concatenate([song, song, song]), 30)
    assert measured.repeated > 0.98
    assert measured.looped > 0.98
    assert measured.longest_loop_seconds == pytest.approx(60, abs=1)


def test_new_sound_repeats_nothing() -> None:
    measured = self_repetition(noises(90, 1), 30)
    assert measured.repeated < 0.02
    assert measured.looped == 0
    assert measured.longest_loop_seconds == 0


def test_the_repeated_share_is_measured() -> None:
    song = noises(20, 2)
    measured = self_repetition(np.concatenate([song, noises(10, 3), song[: 10 * RATE]]), 20)
    assert measured.repeated == pytest.approx(0.5, abs=0.06)
    assert measured.looped == pytest.approx(0, abs=0.01) or measured.looped == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("seconds", [5, 12.36, 30])
def test_the_time_until_a_sound_returns_is_its_period(seconds: float) -> None:
    """Sound of a number of seconds repeats; the last time that a second was heard counts."""
    song = noises(seconds, 6)
    assert self_repetition(np.tile(song, 4), seconds).median_return_seconds == pytest.approx(seconds, abs=0.05)


def test_new_sound_counts_as_returning_after_a_minute() -> None:
    assert self_repetition(noises(40, 7), 20).median_return_seconds == 60


def test_the_return_time_is_a_median() -> None:
    """12 s return after 20 s, and 4 s or 20 s are new."""
    song = noises(20, 8)
    for new, wanted in ((4, 20), (20, 60)):
        track = np.concatenate([song, song[: 12 * RATE], noises(new, 9)])
        assert self_repetition(track, 20).median_return_seconds == pytest.approx(wanted, abs=0.05)


def test_sound_from_more_than_a_minute_ago_is_no_repetition() -> None:
    song = noises(20, 4)
    measured = self_repetition(np.concatenate([song, noises(65, 5), song]), 20)
    assert measured.repeated < 0.02


@pytest.mark.parametrize("change", ["louder", "softer", "shifted", "tilted", "another sound at -24 dB"])
def test_small_changes_do_not_hide_a_repetition(change: str, song: Array) -> None:
    copy = song.copy()
    if change in ("louder", "softer"):
        copy *= 1.4 if change == "louder" else 0.7
    elif change == "shifted":
        copy = np.concatenate([np.zeros(RATE // 71, np.float32), song])[: len(song)]
    elif change == "tilted":
        copy = np.convolve(song, [1, 0.3], "same").astype(np.float32)
    else:
        copy += 0.06 * np.roll(song, len(song) // 2)
    assert self_repetition(np.concatenate([song, copy]), 30).repeated > 0.8


def test_silence_is_no_repetition(song: Array) -> None:
    quiet = np.zeros(20 * RATE, np.float32)
    assert np.isnan(astuple(self_repetition(np.concatenate([song, quiet]), 30))).all()
