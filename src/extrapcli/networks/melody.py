"""`melody`: an LSTM that says, after each step of a tune, which symbol comes next.

    symbol, beat   what sounds now, and the place in its bar of the step to come; each a vector that is learned
    LSTM           (Hochreiter and Schmidhuber 1997), one or several layers, with dropout after each
    next           a softmax over the vocabulary

It is built in two forms with the same weights. `melody` takes whole stretches, and is trained on every step of them
at once. `melody_step` takes one step and the state of the LSTMs as numbers in a row, and gives the chances of what
comes next and the state after it: a tune is written at the cost of one step for each.
"""

from typing import Annotated

import keras
from keras import layers, ops
from pydantic import BaseModel, Field, PositiveInt, model_validator

OTHERS = ("/", "_", "r")
Pitch = Annotated[int, Field(ge=0, le=127)]


class MelodySettings(BaseModel, frozen=True, extra="forbid"):
    """Sizes of the LSTMs and of the vectors they are given, and the MIDI numbers of the vocabulary, ends included.

    With `beats` false the place in the bar is not looked at.
    """

    units: Annotated[int, Field(ge=1, le=4096)] = 256
    layers: Annotated[int, Field(ge=1, le=8)] = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    vector: PositiveInt = 64
    beats: bool = True
    lowest: Pitch = 50
    highest: Pitch = 84

    @model_validator(mode="after")
    def _some_pitches(self) -> "MelodySettings":
        if self.lowest > self.highest:
            raise ValueError(f"lowest is {self.lowest}, above highest, {self.highest}")
        return self

    @property
    def symbols(self) -> tuple[str, ...]:
        """The vocabulary, in the order in which the network numbers it."""
        return (*OTHERS, *map(str, range(self.lowest, self.highest + 1)))

    @property
    def state(self) -> int:
        """How many numbers the LSTMs carry from step to step: h and c of each layer."""
        return 2 * self.units * self.layers


def melody(settings: MelodySettings, beats: int) -> keras.Model:
    """Build the form for training: int `symbols` and `beats` `(batch, n)` to logits `(batch, n, vocabulary)`.

    `beats` is how many places in bars there are.
    """
    symbols = keras.Input((None,), dtype="int32", name="symbols")
    places = keras.Input((None,), dtype="int32", name="beats")
    x = _vectors(settings, beats, symbols, places)
    for number in range(settings.layers):
        x = layers.LSTM(settings.units, return_sequences=True, name=f"lstm_{number}")(x)
        x = layers.Dropout(settings.dropout)(x)
    logits = layers.Dense(len(settings.symbols), name="next")(x)
    return keras.Model({"symbols": symbols, "beats": places}, logits, name="melody")


def melody_step(settings: MelodySettings, beats: int) -> keras.Model:
    """Build the form for writing: float32 `context` `(batch, 1, 2 + state)`, that is symbol, beat and state in a row.

    `next` is `(batch, vocabulary)`, whose rows sum to 1; `state` is `(batch, state)`. A tune begins with a state of
    zeros.
    """
    context = keras.Input((1, 2 + settings.state), name="context")
    row = context[:, 0]
    x = _vectors(settings, beats, ops.cast(row[:, 0], "int32"), ops.cast(row[:, 1], "int32"))
    before = ops.split(row[:, 2:], 2 * settings.layers, axis=-1)
    after = []
    for number in range(settings.layers):
        x, states = layers.LSTMCell(settings.units, name=f"lstm_{number}")(x, before[2 * number : 2 * number + 2])
        after += states
    chances = layers.Dense(len(settings.symbols), activation="softmax", name="next")(x)
    return keras.Model(context, {"next": chances, "state": ops.concatenate(after, axis=-1)}, name="melody_step")


def to_step(trained: keras.Model, settings: MelodySettings, beats: int) -> keras.Model:
    """The form for writing, with the weights of the form for training."""
    model = melody_step(settings, beats)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(trained.get_layer(layer.name).get_weights())
    return model


def _vectors(
    settings: MelodySettings, beats: int, symbols: keras.KerasTensor, places: keras.KerasTensor
) -> keras.KerasTensor:
    x = layers.Embedding(len(settings.symbols), settings.vector, name="symbol")(symbols)
    if settings.beats:
        x = layers.Concatenate()([x, layers.Embedding(beats, settings.vector, name="beat")(places)])
    return x
