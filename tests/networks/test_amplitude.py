"""The forms of the amplitude network, in Keras and in ONNX, are one function."""

import keras
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from extrapcli.networks.amplitude import amplitude, amplitude_rollout
from extrapcli.networks.settings import AmplitudeSettings
from extrapcli.training.kinds.amplitude_onnx import amplitude_graph

SETTINGS = [
    AmplitudeSettings(units=6, dense=(5, 3), activation="leaky_relu"),
    AmplitudeSettings(units=6, dense=(5, 3), activation="relu"),
]


def network(settings: AmplitudeSettings, rng: np.random.Generator) -> keras.Model:
    """One whose weights are drawn anew, so that no activation is dead everywhere."""
    model = amplitude(settings)
    for weights in model.weights:
        weights.assign(rng.normal(scale=0.5, size=weights.shape))
    return model


def slow(model: keras.Model, settings: AmplitudeSettings, window: NDArray[np.float32]) -> float:
    """The definition, with one window `(n,)`."""

    def activation(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(x > 0, x, 0 if settings.activation == "relu" else 0.2 * x)

    kernel, recurrent, bias = model.get_layer("lstm").get_weights()
    h: NDArray[np.float64] = np.zeros(settings.units)
    c: NDArray[np.float64] = np.zeros(settings.units)
    for sample in window:
        i, f, g, o = np.split(sample * kernel[0] + h @ recurrent + bias, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * activation(g)
        h = o * activation(c)
    for number in range(len(settings.dense) + 1):
        weights, bias = model.get_layer(f"dense_{number}").get_weights()
        h = activation(h @ weights + bias)
    return float(h[0])


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("look_back", [1, 3, 8])
def test_it_is_what_its_definition_says(
    settings: AmplitudeSettings, look_back: int, rng: np.random.Generator
) -> None:
    model = network(settings, rng)
    windows = rng.normal(size=(20, look_back)).astype(np.float32)
    expected = [slow(model, settings, window) for window in windows]
    np.testing.assert_allclose(np.asarray(model(windows[..., None]))[:, 0], expected, rtol=1e-4, atol=1e-6)


def test_every_step_is_predicted_from_all_before_it(rng: np.random.Generator) -> None:
    settings = SETTINGS[0]
    last, every = network(settings, rng), amplitude(settings, every_step=True)
    every.set_weights(last.get_weights())
    sounds = rng.normal(size=(4, 7, 1)).astype(np.float32)
    given = np.asarray(every(sounds))
    assert given.shape == (4, 7)
    for step in range(7):
        np.testing.assert_allclose(given[:, step], np.asarray(last(sounds[:, : step + 1]))[:, 0], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(("known", "unknown"), [(3, 0), (3, 1), (1, 20), (8, 20)])
def test_rolled_on_in_keras_and_in_onnx_it_is_fed_its_own_answers(
    settings: AmplitudeSettings, known: int, unknown: int, rng: np.random.Generator
) -> None:
    model = network(settings, rng)
    sound = rng.normal(size=(2, known, 1)).astype(np.float32)
    context = np.pad(sound, ((0, 0), (0, unknown), (0, 0)), constant_values=np.nan)
    for _ in range(unknown + 1):
        answer = np.asarray(model(sound[:, -known:]))
        sound = np.concatenate([sound, answer[:, None]], axis=1)
    graph = amplitude_graph(model, settings, opset=17)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    (in_onnx,) = session.run(["next"], {"context": context})
    in_keras = np.asarray(amplitude_rollout(model)(context)["next"])
    assert in_keras.shape == in_onnx.shape == (2, unknown + 1, 1)
    size = np.abs(sound).max()
    assert np.abs(in_keras - sound[:, known:]).max() < 1e-4 * size
    assert np.abs(in_onnx - sound[:, known:]).max() < 1e-4 * size


def test_relu_never_answers_below_zero(rng: np.random.Generator) -> None:
    model = network(SETTINGS[1], rng)
    assert np.asarray(model(rng.normal(size=(500, 3, 1)))).min() >= 0
