import numpy as np
import pytest

from extrapcli.analysis import Analysis
from extrapcli.audio.song import Song
from extrapcli.continuation import Continuation, Length, clock
from extrapcli.errors import UnusableModel, UsageError
from extrapcli.extrapolators.base import Block, Style
from extrapcli.extrapolators.waveform import Waveform
from tests.extrapolators.test_waveform import RATE, Formula, repeat, song


def continued(song: Song, wanted: int, style: Style) -> Continuation:
    return Continuation(song, Waveform(Formula(repeat), style).blocks(song, Analysis(song), wanted), wanted)


@pytest.mark.parametrize("fade", [0, 0.01, 0.5, 1.5])
@pytest.mark.parametrize("samples", [10 * RATE + 1, 11 * RATE, 30 * RATE, 30 * RATE + 7])
def test_the_track_has_the_asked_length_and_begins_with_the_song(fade: float, samples: int) -> None:
    one = song()
    made = continued(one, samples, Style(fade_seconds=fade))
    track, joins = np.concatenate(list(made)), made.joins
    assert len(track) == samples
    head = round((10 - fade) * RATE)
    np.testing.assert_array_equal(track[:head], one.samples[:head])
    assert joins[0].seconds == pytest.approx(10 - fade)
    assert joins[0].fade_seconds == pytest.approx(fade)


@pytest.mark.slow
def test_no_more_than_a_block_is_held(rng: np.random.Generator) -> None:
    sizes = [len(piece) for piece in continued(song(), 3600 * RATE, Style())]
    assert max(sizes[1:]) <= 3 * RATE
    assert sum(sizes) == 3600 * RATE


def test_the_same_song_gives_the_same_track() -> None:
    one, two = (np.concatenate(list(continued(song(), 40 * RATE, Style()))) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def a_song(samples: int, rate: int) -> Song:
    return Song("a", np.ones((samples, 1), np.float32), rate, "f32", None)


@pytest.mark.parametrize(
    ("length", "rate", "expected"),
    [
        (Length(3), 44100, 7938000),
        (Length(3.5), 48000, 10080000),
        (Length(2 / 60), 11025, 22050),
        (Length(1, beyond=True), 22050, 60 * 22050 + 1000),
        (Length(0.0001), 8000, 48),
        (Length(twice=True), 44100, 7938000),
        (Length(1, beyond=True, twice=True), 10, 2000),
        (Length(0.01, any=True), 100, 60),
    ],
)
def test_lengths_in_samples(length: Length, rate: int, expected: int) -> None:
    assert length.samples(a_song(1000 if length.beyond else 10, rate)) == expected


@pytest.mark.parametrize("seconds", [60, 61])
def test_a_song_that_is_long_enough_already_is_a_usage_error(seconds: int) -> None:
    with pytest.raises(UsageError, match=r"a: lasts 1m0[01]s already, .* 1m00s asked for$") as raised:
        Length(1).samples(a_song(seconds * 100, 100))
    assert raised.value.hint == "add"


def test_clock() -> None:
    assert [clock(s) for s in (0, 59.6, 185, 7200)] == ["0m00s", "1m00s", "3m05s", "120m00s"]


def test_an_extrapolator_that_stops_early_is_named() -> None:
    blocks = iter([Block(10 * RATE, np.zeros((RATE, 2), np.float32), 0)])
    with pytest.raises(UnusableModel, match="stopped after 0m11s of the 0m30s asked for"):
        list(Continuation(song(), blocks, 30 * RATE))
