"""`seq2seq` continues what repeats, keeps silence silent, and is the same in ONNX Runtime."""

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.backends import open_model
from extrapcli.networks.seq2seq import seq2seq
from extrapcli.networks.settings import Seq2seqSettings
from extrapcli.spec import WaveformSpec
from extrapcli.training.export import write_keras, write_onnx

SETTINGS = Seq2seqSettings(context_frames=8, horizon_frames=4, width=8, vector=8, dilations=(1, 2), places=2)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(5)
    return seq2seq(SETTINGS)


@pytest.fixture
def loop(rng: np.random.Generator) -> NDArray[np.float32]:
    """Twelve frames of a loop of 1.7 s, dull enough to be recognised at a ninth of the rate."""
    once = np.convolve(rng.normal(size=37401), np.ones(30) / 30, "same").astype(np.float32)
    return np.resize(once / once.std(), 12 * 22050).reshape(12, 22050)


def test_a_loop_is_continued_sample_by_sample(model: keras.Model, loop: NDArray[np.float32]) -> None:
    predicted = np.asarray(model(loop[None, :8]))[0]
    for got, wanted in zip(predicted, loop[8:], strict=True):
        assert np.corrcoef(got, wanted)[0, 1] > 0.98


@pytest.mark.slow
def test_a_prediction_is_made_of_the_context() -> None:
    one = seq2seq(SETTINGS.model_copy(update={"places": 1}))
    noise = np.random.default_rng(1).normal(size=(1, 8, 22050)).astype(np.float32)
    predicted = one.predict(noise, verbose=0).ravel()
    stretch = predicted[:2000]
    windows = np.lib.stride_tricks.sliding_window_view(noise.ravel(), 2000)
    similarity = windows @ stretch / np.linalg.norm(windows, axis=1) / np.linalg.norm(stretch)
    assert similarity.max() > 0.9999


def test_silence_stays_silence(model: keras.Model) -> None:
    assert not np.asarray(model(np.zeros((2, 8, 22050), np.float32))).any()


@pytest.mark.slow
def test_onnx_runtime_gives_what_keras_gives_with_small_weights(
    loop: NDArray[np.float32], tmp_path: Path, rng: np.random.Generator
) -> None:
    spec = WaveformSpec("seq2seq", "waveform", 22050, 8, 4)
    wide = seq2seq(SETTINGS.model_copy(update={"width": 48}))
    write_keras(wide, tmp_path / "model.keras", spec=spec, facts={}, half=True)
    stored = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    write_onnx(stored, tmp_path / "model.onnx", spec=spec, facts={}, weights="float16")
    contexts = np.stack([loop[:8], loop[:8] + rng.normal(0, 0.3, size=(8, 22050)).astype(np.float32)])
    got = open_model(tmp_path / "model.onnx", device="cpu").run({"context": contexts})["frames"]
    np.testing.assert_allclose(got, stored.predict(contexts, verbose=0), atol=2e-5)
