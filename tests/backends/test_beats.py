"""A model with several inputs, and a state, on both backends."""

from pathlib import Path

import numpy as np
import pytest

from extrapcli.backends import open_model
from extrapcli.spec import BeatsSpec, expect

MODEL = Path(__file__).parents[2] / "models" / "beats"


@pytest.mark.slow
def test_both_backends_give_the_same_beats(rng: np.random.Generator) -> None:
    """Three stretches of sound, each with the state that the one before it left."""
    onnx, tensorflow = (open_model(MODEL, backend=name, device="cpu") for name in ("onnx", "tensorflow"))
    spec = expect(onnx.spec, BeatsSpec)
    assert tensorflow.spec == spec
    state = np.zeros((2, spec.state), np.float32)
    for _ in range(3):
        context = rng.normal(scale=spec.level, size=(2, 60, spec.hop_samples)).astype(np.float32)
        one, other = (backend.run({"context": context, "state": state}) for backend in (onnx, tensorflow))
        assert one["beat"].shape == (2, 60 - spec.before - spec.after)
        for name, values in one.items():
            np.testing.assert_allclose(values, other[name], rtol=1e-5, atol=1e-4)
        state = one["next_state"]


def test_an_input_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="inputs must be context, state, not context"):
        open_model(MODEL, backend="onnx").run({"context": np.zeros((1, 10, 441), np.float32)})
