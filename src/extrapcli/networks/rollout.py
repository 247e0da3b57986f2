"""The layer that lets a network go on from its own answers, in a loop inside the graph."""

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("extrapcli")
class Roll(layers.Layer):  # type: ignore[misc]
    """Fills in the samples that are not known, each with what a network makes of as many as were known.

    Its name is part of saved files.

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
