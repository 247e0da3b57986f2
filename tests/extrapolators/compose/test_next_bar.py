from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis, Beats
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.errors import UnreadableAudio
from extrapcli.extrapolators.compose import material, next_bars
from extrapcli.models import find_model

RATE = 22050


@pytest.fixture(scope="module")
def backend() -> Backend:
    return open_model(find_model("compose"), device="cpu")


def analysed(sound: NDArray[np.float32]) -> Analysis:
    """The analysis of the tune, whose beats are known."""
    analysis = Analysis(Song("tune", sound[:, None], RATE, "f32", "wav"))
    count = 2 * len(sound) // RATE
    analysis.__dict__["beats"] = Beats(np.arange(count) / 2, np.arange(count) % 4, 4, 1.0, 1.0)
    return analysis


def test_the_likeliest_bars_are_those_that_came_there_before(backend: Backend, tune: NDArray[np.float32]) -> None:
    """The tune's bars come in fours, the third a fifth higher; after the second of four, the third is due."""
    bars = next_bars(analysed(tune[: 14 * 2 * RATE]), backend)
    assert [bar.bar for bar in bars] == list(range(1, 15))
    assert [bar.seconds for bar in bars] == pytest.approx([2.0 * k for k in range(14)])
    assert sum(bar.probability for bar in bars) == pytest.approx(1)
    third = sum(bar.probability for bar in bars if bar.bar % 4 == 3)
    assert third > 0.5


def test_bars_are_counted_as_musicians_do(backend: Backend, tune: NDArray[np.float32]) -> None:
    """The song begins with two beats before its first bar, of which the second is the first that was found."""
    analysis = analysed(tune[: 14 * 2 * RATE])
    analysis.__dict__["beats"] = Beats(np.arange(1, 28 * 2) / 2, np.arange(3, 28 * 2 + 2) % 4, 4, 1.0, 1.0)
    bars = next_bars(analysis, backend)
    assert [bar.bar for bar in bars] == list(range(1, 14))
    assert [bar.seconds for bar in bars] == pytest.approx([1 + 2 * k for k in range(13)])


def test_bars_of_a_long_song_keep_their_numbers(
    backend: Backend, tune: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material, "MOST_SLOTS", 44)
    bars = next_bars(analysed(tune), backend)
    assert [bar.bar for bar in bars] == [12, 13, 14, 15, 16]
    assert [bar.seconds for bar in bars] == pytest.approx([22, 24, 26, 28, 30])


def test_bars_of_a_long_silence_are_none(backend: Backend, tune: NDArray[np.float32]) -> None:
    bars = next_bars(analysed(np.concatenate([tune, np.zeros(12 * RATE, np.float32), tune])), backend)
    assert not [bar for bar in bars if 32 < bar.seconds < 43]
    assert len(bars) > 30


@pytest.mark.parametrize("confidence", [0.2, 0.4])
def test_where_no_pulse_is_relied_on_there_are_no_bars(
    backend: Backend, tune: NDArray[np.float32], confidence: float
) -> None:
    analysis = analysed(tune)
    analysis.__dict__["beats"] = replace(analysis.beats, confidence=confidence)
    with pytest.raises(UnreadableAudio, match="tune: no beat was found, so there are no bars to choose from"):
        next_bars(analysis, backend)


def test_a_bar_that_was_begun_changes_nothing(backend: Backend, tune: NDArray[np.float32]) -> None:
    whole, begun = (next_bars(analysed(tune[: round(14 * 2 * RATE + more * RATE)]), backend) for more in (0, 0.8))
    assert [bar.bar for bar in begun] == [bar.bar for bar in whole]
    best = [max(bars, key=lambda bar: bar.probability).bar % 4 for bars in (whole, begun)]
    assert best[0] == best[1]


def test_without_a_beat_there_are_no_bars(backend: Backend) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 20 * RATE).astype(np.float32)
    song = Song("noise", noise[:, None], RATE, "f32", "wav")
    with pytest.raises(UnreadableAudio, match="noise: no beat was found, so there are no bars to choose from"):
        next_bars(Analysis(song), backend)
