"""`amplitude`: an LSTM that predicts the next sample of a sound from the few before it.

    LSTM           (Hochreiter and Schmidhuber 1997) over the last `look_back` samples, starting from a state of zeros
    dense          three layers, each smaller than the one before
    next           one number, the next sample

All layers have the same activation, the output layer too: with `relu` no prediction is below zero.

The network is built in two forms that share their weights. `amplitude` is trained. `amplitude_rollout` is released,
which can also run on its own predictions.
"""

import keras
from keras import layers

from extrapcli.networks.rollout import Roll
from extrapcli.networks.settings import AmplitudeSettings

NEGATIVE_SLOPE = 0.2  # of leaky_relu in Keras


def amplitude(settings: AmplitudeSettings, *, every_step: bool = False) -> keras.Model:
    """Build the form to train: from float32 `context`, `(batch, n, 1)`, to the next sample, `(batch, 1)`.

    With `every_step` it predicts the sample after each step, `(batch, n)`, from all steps up to it.
    """
    samples = keras.Input((None, 1), name="context")
    lstm = layers.LSTM(settings.units, activation=settings.activation, return_sequences=every_step, name="lstm")
    x = lstm(samples)
    for number, units in enumerate((*settings.dense, 1)):
        x = layers.Dense(units, activation=settings.activation, name=f"dense_{number}")(x)
    return keras.Model(samples, x[..., 0] if every_step else x, name="amplitude")


def amplitude_rollout(predictor: keras.Model) -> keras.Model:
    """Build the form to release: from `context`, as `Roll` takes it, to `next`, `(batch, n, 1)`.

    For a context without NaN it predicts one sample, as the network that was trained does.
    """
    context = keras.Input((None, 1), name="context")
    return keras.Model(context, {"next": Roll(predictor, name="roll")(context)}, name="amplitude_rollout")
