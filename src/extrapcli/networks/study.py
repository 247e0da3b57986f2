"""The study's encoder-decoder without LSTMs: 20 one-second frames in, 10 out.

A *unit* takes a list of t vectors, one second each:

    concatenate     22050 * t samples
    reshape         (22050, t)
    Dense, 1 neuron a weighted sum over the last axis; each time step has a neuron of its own
    LeakyReLU 0.3
    flatten         22050 samples
    hidden stack    4 x (Dense, LeakyReLU, batch normalization), Dense 22050, LeakyReLU

    encoder  S(0) = unit([X(0)]),  S(t) = unit([S(t-1), ..., S(0), X(t)])   t = 1 .. 19
    context  C    = unit([S(19), ..., S(0)])
    decoder  D(0) = unit([C]),     D(t) = unit([D(t-1), ..., D(0), C])      t = 1 .. 9

The output is D(0) .. D(9). Encoder, context and decoder each have hidden stacks of their own; whether all time steps
of a part share one stack is a setting.

The model consists of Keras's own layers, so a saved one loads without this package.
"""

from collections.abc import Callable

import keras
from keras import layers, ops

from extrapcli.networks.settings import StudySettings

LEAK = 0.3


def study(settings: StudySettings) -> keras.Model:
    """Build the network: float32 `(batch, context_frames, frame_samples)` to `(batch, horizon_frames, ...)`."""
    samples = settings.frame_samples
    stack_of = {part: _stacks(settings, part) for part in ("encoder", "context", "decoder")}

    def unit(vectors: list[keras.KerasTensor], part: str, step: int) -> keras.KerasTensor:
        t = len(vectors)
        if settings.reshape == "interleaved":
            rows = ops.reshape(ops.concatenate(vectors, axis=-1), (-1, samples, t))
        else:
            rows = ops.stack(vectors, axis=-1)
        mixed = layers.Dense(1, name=f"{part}_{step}_neuron")(rows)
        mixed = layers.LeakyReLU(LEAK, name=f"{part}_{step}_leak")(mixed)
        return stack_of[part](step)(layers.Flatten(name=f"{part}_{step}_flat")(mixed))

    context = keras.Input((settings.context_frames, samples), name="context")

    states: list[keras.KerasTensor] = []
    for t in range(settings.context_frames):
        states.insert(0, unit([*states, context[:, t]], "encoder", t))

    c = unit(states, "context", 0)

    decoded: list[keras.KerasTensor] = []
    for t in range(settings.horizon_frames):
        decoded.insert(0, unit([*decoded, c], "decoder", t))

    return keras.Model(context, ops.stack(decoded[::-1], axis=1), name="study")


def _stacks(settings: StudySettings, part: str) -> Callable[[int], keras.Model]:
    """Return a function that gives the hidden stack of a time step: one for all steps, or a new one for each."""
    if settings.shared:
        stack = _hidden_stack(settings, f"{part}_stack")
        return lambda step: stack
    return lambda step: _hidden_stack(settings, f"{part}_{step}_stack")


def _hidden_stack(settings: StudySettings, name: str) -> keras.Model:
    stack = keras.Sequential([keras.Input((settings.frame_samples,))], name=name)
    for width in settings.widths:
        stack.add(layers.Dense(width))
        stack.add(layers.LeakyReLU(LEAK))
        stack.add(layers.BatchNormalization())
    stack.add(layers.Dense(settings.frame_samples))
    stack.add(layers.LeakyReLU(LEAK))
    return stack
