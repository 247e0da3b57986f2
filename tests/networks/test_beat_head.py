"""The head of beats: it answers late, the same whatever slices a song comes in; untrained, it changes nothing."""

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.networks.beat_head import ACTIVATIONS, FRAME, beat_head
from extrapcli.networks.beats import HOP_SAMPLES, MARGINS, beats, state_size
from extrapcli.networks.settings import BeatsSettings

SETTINGS = BeatsSettings(width=4, dilations=(1, 2, 4))
HOPS = 60


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A network with weights by chance, in the head's last layer too."""
    keras.utils.set_random_seed(1)
    model = beats(SETTINGS)
    answer = model.get_layer("stack").get_layer("answer")
    answer.set_weights([np.random.default_rng(2).normal(size=weights.shape) for weights in answer.get_weights()])
    return model


def run(
    model: keras.Model, context: NDArray[np.float32], state: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    outputs = model.predict_on_batch({"context": context, "state": state})
    return {name: np.asarray(output) for name, output in outputs.items()}


def begin() -> NDArray[np.float32]:
    return np.zeros((1, state_size(SETTINGS)), np.float32)


def sound(rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.normal(scale=0.12, size=(1, HOPS + sum(MARGINS), HOP_SAMPLES)).astype(np.float32)


def test_slices_make_no_difference(network: keras.Model, rng: np.random.Generator) -> None:
    context = sound(rng)
    whole = run(network, context, begin())
    state, parts = begin(), []
    for first, last in ((0, 7), (7, 40), (40, HOPS)):
        part = run(network, context[:, first : last + sum(MARGINS)], state)
        state = part["next_state"]
        parts.append(part["downbeat"])
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole["downbeat"], atol=1e-5)
    np.testing.assert_allclose(state, whole["next_state"], atol=1e-4)


def test_it_looks_ahead_and_answers_late(network: keras.Model, rng: np.random.Generator) -> None:
    """A hop changes answers up to `reach` hops before it, and none that came out earlier."""
    context = sound(rng)
    changed = context.copy()
    changed[:, 40 + MARGINS[0]] = 0
    apart = np.abs(run(network, changed, begin())["beat"] - run(network, context, begin())["beat"])[0]
    assert SETTINGS.reach == 14
    assert not apart[: 40 - 1].any()
    assert apart[40] > 0


def test_an_untrained_head_says_what_the_networks_say(rng: np.random.Generator) -> None:
    keras.utils.set_random_seed(1)
    plain, headed = beats(), beats(SETTINGS)
    for layer in plain.layers:
        if layer.weights:
            headed.get_layer(layer.name).set_weights(layer.get_weights())
    context = sound(rng)
    now = run(plain, context, np.zeros((1, state_size()), np.float32))
    late = run(headed, np.pad(context, ((0, 0), (0, SETTINGS.reach), (0, 0))), begin())
    for name in ("beat", "downbeat"):
        np.testing.assert_allclose(late[name][:, SETTINGS.reach :], now[name], atol=2e-3)


def test_what_is_trained_is_what_is_released(network: keras.Model, rng: np.random.Generator) -> None:
    head = beat_head(SETTINGS)
    for part in ("mixer", "stack"):
        head.get_layer(part).set_weights(network.get_layer(part).get_weights())
    frames = rng.uniform(size=(1, HOPS, FRAME)).astype(np.float32)
    assert frames[..., :ACTIVATIONS].all()
    answers = head.predict_on_batch(frames)
    mixed = network.get_layer("mixer").predict_on_batch(frames)
    np.testing.assert_allclose(network.get_layer("stack").predict_on_batch(mixed), answers, atol=1e-6)
    np.testing.assert_allclose(answers.sum(axis=-1), 1, atol=1e-5)
