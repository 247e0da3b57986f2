"""`melody`: an LSTM that predicts, after each step of a tune, which symbol comes next.

    symbol, beat   what sounds now, and the position in its bar of the next step, each as a learned embedding
    LSTM           (Hochreiter and Schmidhuber 1997), one or several layers, with dropout after each
    next           a softmax over the vocabulary

The network is built in two forms that share their weights. `melody` takes whole excerpts and is trained on all their
steps at once. `melody_step` takes one step and the LSTMs' state, and gives the probabilities of the next symbol and
the new state, so that each step of a tune costs the same.
"""

import keras
from keras import layers, ops

from extrapcli.networks.settings import MelodySettings


def melody(settings: MelodySettings, beats: int) -> keras.Model:
    """Build the form to train: from int32 `symbols` and `beats`, `(batch, n)`, to logits, `(batch, n, vocabulary)`.

    `beats` is the number of positions in bars (`melody.encoding.BAR_POSITIONS`).
    """
    symbols = keras.Input((None,), dtype="int32", name="symbols")
    positions = keras.Input((None,), dtype="int32", name="beats")
    x = _embedded(settings, beats, symbols, positions)
    for number in range(settings.layers):
        x = layers.LSTM(settings.units, return_sequences=True, name=f"lstm_{number}")(x)
        x = layers.Dropout(settings.dropout)(x)
    logits = layers.Dense(len(settings.symbols), name="next")(x)
    return keras.Model({"symbols": symbols, "beats": positions}, logits, name="melody")


def melody_step(settings: MelodySettings, beats: int) -> keras.Model:
    """Build the form to release, which takes one step at a time.

    Float32 `context` is `(batch, 1, 2 + state)`: symbol, beat and state in one row. `next` is `(batch, vocabulary)`,
    whose rows sum to 1; `state` is `(batch, state)`. A tune starts with a state of zeros.
    """
    context = keras.Input((1, 2 + settings.state), name="context")
    row = context[:, 0]
    x = _embedded(settings, beats, ops.cast(row[:, 0], "int32"), ops.cast(row[:, 1], "int32"))
    before = ops.split(row[:, 2:], 2 * settings.layers, axis=-1)
    after = []
    for number in range(settings.layers):
        x, states = layers.LSTMCell(settings.units, name=f"lstm_{number}")(x, before[2 * number : 2 * number + 2])
        after += states
    probabilities = layers.Dense(len(settings.symbols), activation="softmax", name="next")(x)
    return keras.Model(context, {"next": probabilities, "state": ops.concatenate(after, axis=-1)}, name="melody_step")


def to_step(trained: keras.Model, settings: MelodySettings, beats: int) -> keras.Model:
    """Return the form to release, with the weights of the one that was trained."""
    model = melody_step(settings, beats)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(trained.get_layer(layer.name).get_weights())
    return model


def _embedded(
    settings: MelodySettings, beats: int, symbols: keras.KerasTensor, positions: keras.KerasTensor
) -> keras.KerasTensor:
    x = layers.Embedding(len(settings.symbols), settings.vector, name="symbol")(symbols)
    if settings.beats:
        x = layers.Concatenate()([x, layers.Embedding(beats, settings.vector, name="beat")(positions)])
    return x
