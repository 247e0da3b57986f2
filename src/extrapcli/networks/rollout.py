"""The layer that feeds a network with its own predictions, in a loop inside the graph."""

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("extrapcli")
class Roll(layers.Layer):  # type: ignore[misc]
    """Predicts unknown samples one after another, each from as many samples as were known at the start.

    Saved files name this class, so its name must stay.

    Call arguments: float32 `(batch, n, 1)`, known samples, then NaN for each unknown one, equally many in every row.
    Returns `(batch, unknown + 1, 1)`: predictions of the unknown samples and of the one after them.
    """

    def __init__(self, predictor: keras.Model, **options: Any) -> None:
        super().__init__(**options)
        self.predictor = predictor

    def call(self, context: keras.KerasTensor) -> keras.KerasTensor:
        known = ops.sum(ops.cast(ops.logical_not(ops.isnan(context[0, :, 0])), "int32"))
        longer = ops.pad(context, ((0, 0), (0, 1), (0, 0)))
        unknown = ops.shape(longer)[1] - known

        def step(start: keras.KerasTensor, samples: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
            predicted = self.predictor(samples[:, start : start + known])
            return start + 1, ops.slice_update(samples, (0, start + known, 0), predicted[:, None])

        _, filled = ops.while_loop(lambda start, _: start < unknown, step, (0, longer))
        return filled[:, known:]

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (shape[0], None, 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "predictor": keras.saving.serialize_keras_object(self.predictor)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Roll":
        return cls(**config | {"predictor": keras.saving.deserialize_keras_object(config["predictor"])})
