"""The network against a slow reading of the study's text in NumPy, with the same weights."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from extrapcli.networks.settings import StudySettings
from extrapcli.networks.study import study

Vector = NDArray[Any]
SMALL: dict[str, Any] = {"context_frames": 5, "horizon_frames": 3, "frame_samples": 30}


def leaky(x: Vector) -> Vector:
    return np.where(x > 0, x, 0.3 * x)


def dense(layer: keras.layers.Dense, x: Vector) -> Vector:
    weighted: Vector = x @ np.asarray(layer.kernel, float)
    shifted: Vector = weighted + np.asarray(layer.bias, float)
    return shifted


def hidden_stack(stack: keras.Sequential, x: Vector) -> Vector:
    for layer in stack.layers:
        match type(layer).__name__:
            case "Dense":
                x = dense(layer, x)
            case "LeakyReLU":
                x = leaky(x)
            case "BatchNormalization":
                gamma, beta, mean, variance = (np.asarray(w, float) for w in layer.weights)
                x = (x - mean) / np.sqrt(variance + layer.epsilon) * gamma + beta
    return x


def literal(model: keras.Model, settings: StudySettings, song: Vector) -> Vector:
    """One clip `(context_frames, n)` to `(horizon_frames, n)`, sentence by sentence."""
    n = settings.frame_samples

    def unit(vectors: list[Vector], part: str, step: int) -> Vector:
        t = len(vectors)
        concatenated = np.concatenate(vectors)
        if settings.reshape == "interleaved":
            rows = np.array([[concatenated[k * t + j] for j in range(t)] for k in range(n)])
        else:
            rows = np.array([[vectors[j][k] for j in range(t)] for k in range(n)])
        neuron = model.get_layer(f"{part}_{step}_neuron")
        assert neuron.kernel.shape == (t, 1)
        flat = leaky(dense(neuron, rows)).reshape(n)
        name = f"{part}_stack" if settings.shared else f"{part}_{step}_stack"
        return hidden_stack(model.get_layer(name), flat)

    states: list[Vector] = []
    for t in range(settings.context_frames):
        states = [unit([*states, song[t]], "encoder", t), *states]
    c = unit(states, "context", 0)
    decoded: list[Vector] = []
    for t in range(settings.horizon_frames):
        decoded = [unit([*decoded, c], "decoder", t), *decoded]
    return np.array(decoded[::-1])


def randomised(settings: StudySettings, rng: np.random.Generator) -> keras.Model:
    """A network none of whose weights is a one or a zero, so that each of them shows in the output."""
    model = study(settings)
    model.set_weights([rng.uniform(0.2, 1.0, w.shape) * rng.choice([0.1, 0.3], w.shape) for w in model.get_weights()])
    return model


@pytest.mark.slow
@pytest.mark.parametrize("reshape", ["interleaved", "aligned"])
@pytest.mark.parametrize("shared", [True, False])
def test_the_network_is_the_study_s(reshape: str, shared: bool, rng: np.random.Generator) -> None:
    settings = StudySettings.model_validate({**SMALL, "reshape": reshape, "shared": shared})
    model = randomised(settings, rng)
    songs = rng.normal(size=(2, 5, 30))
    expected = np.array([literal(model, settings, song) for song in songs])
    given = model.predict(songs.astype(np.float32), verbose=0)
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_the_reshape_makes_a_difference(rng: np.random.Generator) -> None:
    song = rng.normal(size=(1, 5, 30)).astype(np.float32)
    interleaved = randomised(StudySettings(**SMALL), rng)
    aligned = study(StudySettings(**SMALL, reshape="aligned"))
    aligned.set_weights(interleaved.get_weights())
    assert not np.allclose(interleaved(song), aligned(song), rtol=1e-3)


@pytest.mark.parametrize(
    ("widths", "parameters"), [((64, 128, 256, 512), 38_699_362), ((64, 512, 256, 64), 9_087_778)]
)
def test_parameters_at_full_size(widths: tuple[int, int, int, int], parameters: int) -> None:
    stack = 22050 * widths[0] + widths[0] + widths[3] * 22050 + 22050
    stack += sum(a * b + b for a, b in pairwise(widths)) + sum(4 * w for w in widths)
    neurons = sum(t + 1 for t in range(1, 21)) + 21 + sum(t + 1 for t in range(1, 11))
    assert 3 * stack + neurons == parameters
    assert study(StudySettings(widths=widths)).count_params() == parameters


def test_sharing_is_what_keeps_it_small() -> None:
    shared, apart = (StudySettings(**SMALL, shared=s).parameters for s in (True, False))
    assert apart > 2.5 * shared


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths": (64, 64, 64)}, "widths"),
        ({"widths": (64, 64, 64, 1024)}, "widths"),
        ({"reshape": "diagonal"}, "reshape"),
        ({"context_frames": 0}, "context_frames"),
        ({"width": 3}, "width"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        StudySettings.model_validate(change)


def test_a_saved_network_loads_without_code_of_ours(tmp_path: Path, rng: np.random.Generator) -> None:

    path = tmp_path / "model.keras"
    model = randomised(StudySettings(**SMALL), rng)
    model.save(path)
    song = rng.normal(size=(1, 5, 30)).astype(np.float32)
    np.testing.assert_array_equal(keras.saving.load_model(path, safe_mode=True)(song), model(song))
