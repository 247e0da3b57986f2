"""`amplitude`: an LSTM that predicts the next sample of a sound from the few before it.

    LSTM           (Hochreiter and Schmidhuber 1997) over the last `look_back` samples, from a state of zeros
    dense          three layers, each smaller than the one before
    next           one number, the sample to come

Every layer has the same activation: the LSTM for what it remembers and gives, the dense ones, the last included. With
`relu` no answer can be below zero.

It is built in two forms with the same weights. `amplitude` takes samples and is trained on them. `amplitude_rolled`
goes on from its own answers.
"""

from typing import Annotated, Any, Literal

import keras
from keras import layers, ops
from pydantic import BaseModel, Field, PositiveInt

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


@keras.saving.register_keras_serializable("extrapcli")
class Roll(layers.Layer):  # type: ignore[misc]
    """Fills in the samples that are not known, each with what a network makes of as many as were known.

    Call arguments: float32 `(batch, n, 1)`, samples and then NaN, in every row as many as in the first.
    Returns `(batch, unknown + 1, 1)`: what follows the known samples, and so on, until after the last NaN.
    """

    def __init__(self, predictor: keras.Model, **options: Any) -> None:
        super().__init__(**options)
        self.predictor = predictor

    def call(self, context: keras.KerasTensor) -> keras.KerasTensor:
        known = ops.sum(ops.cast(ops.logical_not(ops.isnan(context[0, :, 0])), "int32"))
        longer = ops.pad(context, ((0, 0), (0, 1), (0, 0)))
        unknown = ops.shape(longer)[1] - known

        def step(place: keras.KerasTensor, samples: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
            answer = self.predictor(samples[:, place : place + known])
            return place + 1, ops.slice_update(samples, (0, place + known, 0), answer[:, None])

        _, filled = ops.while_loop(lambda place, _: place < unknown, step, (0, longer))
        return filled[:, known:]

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (shape[0], None, 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "predictor": keras.saving.serialize_keras_object(self.predictor)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Roll":
        return cls(**config | {"predictor": keras.saving.deserialize_keras_object(config["predictor"])})


def amplitude_rolled(predictor: keras.Model) -> keras.Model:
    """Build the form that goes on from its own answers: `context` as for `Roll`, to `next` `(batch, n, 1)`.

    A context without NaN is a window for the network as it was trained, and the answer one sample.
    """
    context = keras.Input((None, 1), name="context")
    return keras.Model(context, {"next": Roll(predictor, name="roll")(context)}, name="amplitude_rolled")
