"""`compose`: which slot of a song to play next in each layer, after the slots that were played.

A pointer network (Vinyals et al. 2015) with a memory, which also weighs how well the song's slots match:

    embed     what a slot sounds like, in two dense layers
    memory    a GRU (Cho et al. 2014) over the slots so far
    query     from the memory, the last slot, and what is known of the next: its place in the bar, and its energy
    weights   of the matches, likewise; before training they are those of a plain match
    key       from a slot of the song and the one before it

The logit of playing slot j after slot i is query(i) . key(j) + weights(i) . matches(i, j), in each layer. The network
gives queries, weights and keys for every slot that it is given, so that a song is read once, and then each slot as it
is played. The model consists of Keras's own layers and `keras.ops`, so a saved one loads without this package.
"""

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from extrapcli.networks.settings import ComposeSettings

SMALL = 0.003  # deviation of the first weights of queries, and of those that change the weights of matches


def compose(settings: ComposeSettings, *, sound: int, places: int, plain: NDArray[np.floating]) -> keras.Model:
    """Build the network.

    `context` is float32 `(batch, n, sound + 2 * places)`: what each slot sounds like, where it is, and where the next
    is. `state` is `(batch, 2 * width)`: the memory, and the last slot as it is embedded. The outputs are those of
    `PlannerSpec`. `plain`, `(layers, matches)`, are the weights of matches before training.
    """
    width, parts = settings.width, len(plain)
    small = keras.initializers.RandomNormal(stddev=SMALL)
    context = keras.Input((None, sound + 2 * places), name="context")
    state = keras.Input((state_size(settings),), name="state")
    heard, here, ahead = context[..., :sound], context[..., sound : sound + places], context[..., sound + places :]

    x = layers.Dense(width, activation="silu", name="embed_hidden")(heard)
    x = layers.LayerNormalization(name="embed_norm")(layers.Dense(width, name="embed")(x))
    memory, last = layers.GRU(width, return_sequences=True, return_state=True, name="memory")(
        x, initial_state=state[:, :width]
    )
    memory = layers.Dropout(settings.dropout)(layers.LayerNormalization(name="memory_norm")(memory))
    hidden = layers.Dense(width, activation="silu", name="query_hidden")(
        layers.Concatenate(name="query_of")([memory, x, ahead])
    )
    hidden = layers.Dropout(settings.dropout)(hidden)
    queries = layers.Dense(parts * settings.vector, kernel_initializer=small, name="query")(hidden)
    weights = layers.Dense(
        plain.size,
        kernel_initializer=small,
        bias_initializer=keras.initializers.Constant(plain.reshape(-1)),
        name="weights",
    )(hidden)

    before = ops.concatenate([ops.expand_dims(state[:, width:], 1), x[:, :-1]], axis=1)
    hidden = layers.Dense(width, activation="silu", name="key_hidden")(
        layers.Concatenate(name="key_of")([x, before, here])
    )
    keys = layers.Dense(parts * settings.vector, name="key")(layers.Dropout(settings.dropout)(hidden))
    outputs = {
        "keys": keys,
        "queries": layers.Rescaling(settings.vector**-0.5, name="queries")(queries),
        "weights": weights,
        "next_state": ops.concatenate([last, x[:, -1]], axis=-1),
    }
    return keras.Model({"context": context, "state": state}, outputs, name="compose")


def state_size(settings: ComposeSettings) -> int:
    """Return how many numbers `compose` remembers."""
    return 2 * settings.width
