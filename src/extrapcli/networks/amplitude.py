"""`amplitude`: an LSTM that predicts the next sample of a sound from the few before it.

    LSTM           (Hochreiter and Schmidhuber 1997) over the last `look_back` samples, from a state of zeros
    dense          three layers, each smaller than the one before
    next           one number, the sample to come

Every layer has the same activation: the LSTM for what it remembers and gives, the dense ones, the last included. With
`relu` no answer can be below zero.

It is built in two forms with the same weights. `amplitude` takes samples and is trained on them. `amplitude_rolled`
goes on from its own answers.
"""

from typing import Annotated, Literal

import keras
from keras import layers
from pydantic import BaseModel, Field, PositiveInt

from extrapcli.networks.rollout import Roll

NEGATIVE_SLOPE = 0.2  # of leaky_relu in Keras


class AmplitudeSettings(BaseModel, frozen=True, extra="forbid"):
    """`look_back` samples are looked at; `units` and `dense` are sizes of layers."""

    look_back: Annotated[int, Field(ge=1, le=4096)] = 3
    units: Annotated[int, Field(ge=1, le=4096)] = 100
    dense: tuple[PositiveInt, ...] = (50, 25, 12)
    activation: Literal["relu", "leaky_relu"] = "leaky_relu"


def amplitude(settings: AmplitudeSettings, *, every_step: bool = False) -> keras.Model:
    """Build the form for training: `context` `(batch, n, 1)` to what follows its last sample, `(batch, 1)`.

    With `every_step` it gives what follows each of them, `(batch, n)`, each from all before it.
    """
    samples = keras.Input((None, 1), name="context")
    lstm = layers.LSTM(settings.units, activation=settings.activation, return_sequences=every_step, name="lstm")
    x = lstm(samples)
    for number, units in enumerate((*settings.dense, 1)):
        x = layers.Dense(units, activation=settings.activation, name=f"dense_{number}")(x)
    return keras.Model(samples, x[..., 0] if every_step else x, name="amplitude")


def amplitude_rolled(predictor: keras.Model) -> keras.Model:
    """Build the form that goes on from its own answers: `context` as for `Roll`, to `next` `(batch, n, 1)`.

    A context without NaN is a window for the network as it was trained, and the answer one sample.
    """
    context = keras.Input((None, 1), name="context")
    return keras.Model(context, {"next": Roll(predictor, name="roll")(context)}, name="amplitude_rolled")
