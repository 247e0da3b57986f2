from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.amplitude.network import extrapolate, predict
from extrapcli.analysis import Analysis
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.continuation import Continuation
from extrapcli.errors import UnusableModel, UsageError
from extrapcli.extrapolators import extrapolator_for
from extrapcli.extrapolators.amplitude import Amplitude
from extrapcli.extrapolators.base import Ending, Style
from extrapcli.frames import Frames
from extrapcli.spec import EncoderSpec, SampleSpec, WaveformSpec, expect
from tests.toy import ToyBackend

MODEL_RATE = 4000
HERTZ = 170.0
SPEC = SampleSpec("test", "amplitude", MODEL_RATE, look_back=2)
CUT = Style(ending="cut")


class Tone(ToyBackend):
    """A model that continues two samples as a tone of `HERTZ`, each sample `decay` times as loud as the last."""

    model = SPEC

    def __init__(self, decay: float = 1.0) -> None:
        super().__init__()
        self.weights = -(decay**2), 2 * decay * np.cos(2 * np.pi * HERTZ / MODEL_RATE)

    def compute(self, context: Frames) -> Mapping[str, NDArray[np.float32]]:
        known = int((~np.isnan(context[0, :, 0])).sum())
        sound = np.concatenate([context[..., 0], context[:, :1, 0]], axis=1).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            for place in range(known, sound.shape[1]):
                sound[:, place] = sound[:, place - 2 : place] @ self.weights
            return {"next": sound[:, known:, None].astype(np.float32)}


def tone(seconds: float, rate: int, channels: int = 2) -> NDArray[np.float32]:
    t = np.arange(round(seconds * rate)) / rate
    return np.stack([np.sin(2 * np.pi * HERTZ * t + c) * (0.5 - 0.2 * c) for c in range(channels)], axis=1).astype(
        "f4"
    )


def song(seconds: float, rate: int, channels: int = 2) -> Song:
    return Song("tone", tone(seconds, rate, channels), rate, "f32", "wav")


def track(song: Song, wanted: int, style: Style = CUT, decay: float = 1.0) -> NDArray[np.floating]:
    blocks = Amplitude(Tone(decay), style).blocks(song, Analysis(song), wanted)
    pieces = list(Continuation(song, blocks, wanted))
    return np.concatenate(pieces)


@pytest.mark.parametrize("rate", [MODEL_RATE, 8000, 11025, 44100])
@pytest.mark.parametrize("fade", [0, 0.1])
def test_a_tone_continues_in_phase_and_level_at_every_rate(rate: int, fade: float) -> None:
    whole = track(song(2.5, rate), 5 * rate, Style(fade_seconds=fade, ending="cut"))
    expected = tone(5, rate)
    head = round((2.5 - fade) * rate)
    np.testing.assert_array_equal(whole[:head], expected[:head])
    allowed = 0.05 if rate == MODEL_RATE else 0.3  # by the end; the last two samples set level and phase of all
    assert np.abs(whole - expected).max() < allowed * 0.5
    assert np.abs(whole[: 3 * rate] - expected[: 3 * rate]).max() < 0.1 * 0.5


@pytest.mark.parametrize("wanted", [1001, 4001, 30000, 30001])
@pytest.mark.parametrize("ending", ["auto", "fade", "cut"])
def test_a_track_is_as_long_as_asked_and_the_same_each_time(wanted: int, ending: Ending) -> None:
    one = song(0.1, 8000)
    whole = track(one, wanted, Style(ending=ending))
    assert len(whole) == wanted
    np.testing.assert_array_equal(whole[:800], one.samples[:800])
    np.testing.assert_array_equal(whole, track(one, wanted, Style(ending=ending)))
    assert ending == "cut" or np.abs(whole[-1]).max() < 0.01


def test_a_prediction_that_dies_away_stays_silent() -> None:
    whole = track(song(1, 8000), 5 * 8000, decay=0.999)
    levels = [whole[second * 8000 : (second + 1) * 8000].std() for second in range(5)]
    assert all(after < 0.1 * before for before, after in pairwise(levels[1:]))


def test_a_silent_channel_stays_silent() -> None:
    half = song(2, 8000)
    half.samples[:, 1] = 0
    whole = track(half, 4 * 8000)
    assert not whole[:, 1].any()
    assert whole[:, 0].std() > 0.1


def test_styles_and_models_that_do_not_suit_are_refused() -> None:
    with pytest.raises(UsageError, match="ending"):
        Amplitude(Tone(), Style(ending="song"))
    with pytest.raises(UsageError, match=r"takes 0 to 0\.5 s"):
        Amplitude(Tone(), Style(fade_seconds=0.6))
    other = Tone()
    other.spec = EncoderSpec("other", "amplitude", MODEL_RATE, {"next": (None, 1)})
    with pytest.raises(UnusableModel, match="choose one that predicts samples"):
        extrapolator_for(other, CUT)
    with pytest.raises(UnusableModel, match="choose one that predicts samples"):
        expect(WaveformSpec("w", "waveform", 22050, 20, 10), SampleSpec)


def test_a_model_that_runs_off_is_unusable() -> None:
    with pytest.raises(UnusableModel, match="runs off"):
        track(song(1, 8000), 10 * 8000, decay=10)


@pytest.mark.parametrize("look_back", [2, 5])
def test_predicting_one_sample_ahead_uses_the_samples_before_it(look_back: int, rng: np.random.Generator) -> None:
    sound = rng.normal(size=70000).astype(np.float32)
    pieces = list(predict(Tone(), sound, look_back))
    assert len(pieces) > 1 or look_back == 2
    predicted = np.concatenate(pieces)
    assert len(predicted) == len(sound)
    assert predicted[0] == 0
    before = np.stack([sound[:-2], sound[1:-1]], axis=1)
    np.testing.assert_allclose(predicted[2:], before @ Tone().weights, atol=1e-5)


def test_a_real_network_predicts_the_same_in_both_backends(tiny_amplitude: Path, rng: np.random.Generator) -> None:
    known = rng.normal(size=(2, 3)).astype(np.float32)
    one, other = (
        extrapolate(open_model(tiny_amplitude, backend=name), known, 100) for name in ("onnx", "tensorflow")
    )
    assert one.shape == other.shape == (2, 100)
    assert np.abs(one - other).max() < 1e-4 * np.abs(other).max()
    again = extrapolate(open_model(tiny_amplitude), np.concatenate([known, one], axis=1)[:, 40:43], 50)
    np.testing.assert_allclose(again, one[:, 40:90], atol=1e-5)
