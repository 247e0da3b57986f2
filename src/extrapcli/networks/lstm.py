"""An encoder-decoder of LSTMs over the same frames as `study`, for comparison.

    project   each frame of 22050 samples to a few hundred values, with the same weights for every frame
    encoder   an LSTM (Hochreiter and Schmidhuber 1997) over the projected frames; its last output is the context
    decoder   an LSTM that gets the context at every step of the horizon
    expand    each of its outputs to a frame of 22050 samples, with the same weights for every frame

LSTMs whose state is a whole frame would need no projection, but 7.8 billion parameters.
"""

import keras
from keras import layers

from extrapcli.networks.settings import LstmSettings


def lstm(settings: LstmSettings) -> keras.Model:
    """Build the network: float32 `(batch, context_frames, frame_samples)` to `(batch, horizon_frames, ...)`."""
    context = keras.Input((settings.context_frames, settings.frame_samples), name="context")
    projected = layers.Dense(settings.projection, name="project")(context)
    state = layers.LSTM(settings.units, name="encoder")(projected)
    steps = layers.RepeatVector(settings.horizon_frames, name="context_vector")(state)
    decoded = layers.LSTM(settings.units, return_sequences=True, name="decoder")(steps)
    return keras.Model(context, layers.Dense(settings.frame_samples, name="expand")(decoded), name="lstm")
