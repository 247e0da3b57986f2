from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.continuation import Continuation
from extrapcli.errors import UnreadableAudio, UnusableModel, UsageError
from extrapcli.extrapolators.base import Style
from extrapcli.extrapolators.waveform import Waveform
from extrapcli.frames import Frames
from extrapcli.spec import WaveformSpec
from tests.conftest import chord
from tests.toy import ToyBackend

RATE = 8000
SPEC = WaveformSpec("test", "waveform", sample_rate=2000, context_frames=4, horizon_frames=3)
CUT = Style(ending="cut")


class Formula(ToyBackend):
    """A model that is a Python function; it remembers its inputs."""

    model = SPEC

    def __init__(self, answer: Callable[[Frames], Frames]) -> None:
        super().__init__()
        self.answer = answer
        self.given: list[Frames] = []

    def compute(self, context: Frames) -> Mapping[str, NDArray[np.float32]]:
        self.given.append(context)
        return {"frames": self.answer(context)}


def repeat(context: Frames) -> Frames:
    return context[:, -3:]


def song(seconds: float = 10, channels: int = 2, rate: int = RATE) -> Song:
    samples = chord(seconds, rate, channels).astype(np.float32)
    return Song(name="chord", samples=samples, sample_rate=rate, depth="f32", format="wav")


def track(song: Song, waveform: Waveform, seconds: float) -> NDArray[np.floating]:
    wanted = round(seconds * song.sample_rate)
    return np.concatenate(list(Continuation(song, waveform.blocks(song, Analysis(song), wanted), wanted)))


def levels(samples: NDArray[np.floating], rate: int) -> NDArray[np.float64]:
    """The level of each whole horizon, in decibels."""
    n = 3 * rate
    rms = samples[: len(samples) // n * n].reshape(-1, n, samples.shape[1]).std(axis=1)
    return np.asarray(20 * np.log10(rms), np.float64)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100])
def test_the_context_is_the_last_seconds_of_the_track_at_the_model_s_rate(rate: int) -> None:
    backend = Formula(repeat)
    one = song(channels=1, rate=rate)
    blocks = Waveform(backend, Style(fade_seconds=0.5)).blocks(one, Analysis(one), 10**9)
    next(blocks)
    given = backend.given[0]
    assert given.shape == (1, 4, 2000)
    t = np.arange(5.5 * 2000, 9.5 * 2000) / 2000
    expected = np.sin(2 * np.pi * np.outer(t, [220.0, 277.2, 329.6])).sum(axis=1) * np.exp(-4 * (t % 0.5))
    inner = slice(200, -200)
    assert np.corrcoef(given[0].ravel()[inner], expected[inner])[0, 1] > 0.99
    assert given.std() == pytest.approx(1, abs=0.15)


def test_the_model_is_given_sum_and_difference_of_stereo(rng: np.random.Generator) -> None:
    backend = Formula(repeat)
    stereo = Song("two", rng.normal(0, 0.1, size=(12 * 2000, 2)).astype(np.float32), 2000, "f32", "wav")
    block = next(Waveform(backend, Style(fade_seconds=0)).blocks(stereo, Analysis(stereo), 10**9))
    left, right = (stereo.samples[-8000:] / stereo.samples.std(axis=0)).T
    for given, wanted in zip(backend.given[0].reshape(2, -1), (left + right, left - right), strict=True):
        assert np.corrcoef(given, wanted)[0, 1] > 0.999
        assert given.std() == pytest.approx(1, abs=0.01)
    for channel in range(2):
        assert np.corrcoef(block.samples[:, channel], stereo.samples[-6000:, channel])[0, 1] > 0.999


def test_sound_in_the_middle_stays_in_the_middle(rng: np.random.Generator) -> None:
    """Even if the predictions for the sum and for the difference have nothing in common."""
    middle = np.repeat(rng.normal(0, 0.1, size=(12 * 2000, 1)), 2, axis=1).astype(np.float32)
    noise = Formula(lambda context: rng.normal(size=(len(context), 3, 2000)).astype(np.float32))
    whole = track(Song("one", middle, 2000, "f32", "wav"), Waveform(noise, CUT), 30)
    np.testing.assert_allclose(whole[:, 0], whole[:, 1], atol=1e-5)


def test_every_block_is_predicted_from_the_blocks_before_it() -> None:
    backend = Formula(repeat)
    track(song(), Waveform(backend, CUT), 40)
    assert len(backend.given) > 5
    first, second = backend.given[0].reshape(2, -1), backend.given[1].reshape(2, -1)
    shift = round(2.5 * 2000)
    assert np.corrcoef(first[0, shift:], second[0, :-shift])[0, 1] > 0.99


@pytest.mark.parametrize("decibels", [-20, 20])
def test_the_level_stays_even_if_every_prediction_falls_or_rises(decibels: float, rng: np.random.Generator) -> None:
    ramp = np.geomspace(1, 10 ** (decibels / 20), 6000).reshape(3, 2000)
    backend = Formula(lambda context: (ramp * rng.normal(size=(len(context), 3, 2000))).astype(np.float32))
    one = song()
    whole = track(one, Waveform(backend, CUT), 120)
    expected = 20 * np.log10(one.samples.std(axis=0))
    assert np.abs(levels(whole[12 * RATE :], RATE) - expected).max() < 5


@pytest.mark.slow
@pytest.mark.parametrize("size", [1e-6, 1e3])
def test_the_level_stays_for_ten_minutes_however_loud_predictions_are(size: float, rng: np.random.Generator) -> None:
    noise = rng.normal(size=(2, 3, 2000)).astype(np.float32)
    backend = Formula(lambda context: np.float32(size) * (noise + context[:, -3:]))
    one = song()
    whole = track(one, Waveform(backend, CUT), 600)
    expected = 20 * np.log10(one.samples.std(axis=0))
    assert np.abs(levels(whole[12 * RATE :], RATE) - expected).max() < 3
    assert np.abs(whole).max() <= np.abs(one.samples).max() * 1.5


def test_after_a_soft_ending_the_continuation_starts_softly_and_gets_louder() -> None:
    fading = song(20)
    fading.samples[-10 * RATE :] *= 0.25
    first = next(Waveform(Formula(repeat), CUT).blocks(fading, Analysis(fading), 10**9)).samples
    assert first[:RATE].std() == pytest.approx(fading.samples[-RATE:].std(), rel=0.5)
    assert first[-RATE:].std() == pytest.approx(fading.samples.std(), rel=0.2)


def test_after_a_fade_to_silence_the_music_comes_back() -> None:
    backend = Formula(repeat)
    faded = song(30)
    faded.samples[-10 * RATE :] *= np.linspace(1, 0, 10 * RATE, dtype=np.float32)[:, None] ** 4
    whole = track(faded, Waveform(backend, CUT), 60)
    assert backend.given[0][0].std(axis=-1).min() > 0.3
    assert whole[30 * RATE : 31 * RATE].std() < whole[34 * RATE :].std() / 1.5
    assert whole[34 * RATE :].std() == pytest.approx(faded.samples.std(), rel=0.3)


def test_a_silent_channel_stays_silent() -> None:
    half = song()
    half.samples[:, 1] = 0
    whole = track(half, Waveform(Formula(repeat), CUT), 30)
    assert not whole[:, 1].any()
    assert np.isfinite(whole).all()


def test_a_model_that_predicts_silence_gives_finite_sound() -> None:
    assert np.isfinite(track(song(), Waveform(Formula(lambda context: 0 * context[:, -3:]), CUT), 30)).all()


def test_a_model_whose_predictions_are_not_finite_is_unusable() -> None:
    with pytest.raises(UnusableModel, match="infinite or not a number"):
        track(song(), Waveform(Formula(lambda context: context[:, -3:] * np.float32(np.nan)), CUT), 30)


@pytest.mark.parametrize("seconds", [1.0, 1.3, 3.0])
def test_a_song_shorter_than_the_context_is_repeated_to_fill_it(seconds: float) -> None:
    whole = track(song(seconds), Waveform(Formula(repeat), CUT), 12)
    assert len(whole) == 12 * RATE
    assert whole[-3 * RATE :].std() > 0.01


def test_less_than_a_second_is_too_short() -> None:
    with pytest.raises(UnreadableAudio, match=r"chord: lasts 0\.20 s; test needs at least one second"):
        next(Waveform(Formula(repeat), CUT).blocks(song(0.2), Analysis(song(0.2)), 10**9))


@pytest.mark.parametrize("fade", [-0.1, 1.6])
def test_an_impossible_fade_is_a_usage_error(fade: float) -> None:
    with pytest.raises(UsageError, match=r"takes 0 to 1\.5 s"):
        Waveform(Formula(repeat), Style(fade_seconds=fade))


@pytest.mark.slow
def test_a_real_network_through_both_backends_gives_the_same_track(tiny_model: Path) -> None:
    def three_blocks(name: str) -> NDArray[np.floating]:
        blocks = Waveform(open_model(tiny_model, backend=name), CUT).blocks(song(), Analysis(song()), 10**9)
        return np.concatenate([block.samples for block in islice(blocks, 3)])

    onnx, tensorflow = three_blocks("onnx"), three_blocks("tensorflow")
    assert np.abs(onnx - tensorflow).max() < 1e-3 * np.abs(tensorflow).max()
