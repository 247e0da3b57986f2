"""The ONNX graph of `amplitude`, written by hand.

tf2onnx can't convert an LSTM with LeakyReLU to ONNX's LSTM: it makes a dozen operators of each step, and fifty of the
loop around them. This graph takes half the time, which makes the network faster than real time.
"""

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from extrapcli.networks.amplitude import NEGATIVE_SLOPE
from extrapcli.networks.settings import AmplitudeSettings

GATES = [0, 3, 1, 2]  # Keras has input, forget, candidate, output; ONNX has input, output, forget, candidate

GRAPH = """
<ir_version: 8, opset_import: ["": {opset}]>
amplitude (float[batch, n, 1] context) => (float[batch, m, 1] next) {{
    zero = Constant <value = int64[1] {{0}}> ()
    one = Constant <value = int64[1] {{1}}> ()
    two = Constant <value = int64[1] {{2}}> ()
    end = Constant <value = int64[1] {{9223372036854775807}}> ()
    yes = Constant <value = bool {{1}}> ()
    row = Gather <axis = 0> (context, zero)
    missing = IsNaN (row)
    counted = Cast <to = 7> (missing)
    unknown = ReduceSum <keepdims = 0> (counted)
    steps = Add (unknown, one)
    shape = Shape (row)
    length = Slice (shape, one, two)
    known = Sub (length, unknown)
    window = Slice (context, zero, known, one)
    trips = Squeeze (steps)
    last, answers = Loop (trips, yes, window) <body = step
        (int64 number, bool more, float[batch, k, 1] now) =>
        (bool going, float[batch, k, 1] after, float[batch, 1] answer) {{
            going = Identity (more)
            turned = Transpose <perm = [1, 0, 2]> (now)
            each, state = LSTM
                <hidden_size = {units}, activations = ["Sigmoid", "{activation}", "{activation}"]{slopes}>
                (turned, kernel, recurrent, bias)
            x = Squeeze (state, zero)
            {dense}
            answer = Identity ({answer})
            tail = Slice (now, one, end, one)
            next_sample = Unsqueeze (answer, two)
            after = Concat <axis = 1> (tail, next_sample)
        }}>
    next = Transpose <perm = [1, 0, 2]> (answers)
}}
"""


def amplitude_graph(predictor: keras.Model, settings: AmplitudeSettings, *, opset: int) -> onnx.ModelProto:
    """Write the graph of `amplitude_rollout`, for a predictor that was built with `settings`."""
    leaky = settings.activation == "leaky_relu"
    activation = f"LeakyRelu <alpha = {NEGATIVE_SLOPE}>" if leaky else "Relu"
    dense, x = [], "x"
    layers = range(len(settings.dense) + 1)
    for number in layers:
        dense += [f"z{number} = Gemm ({x}, kernel{number}, bias{number})", f"x{number} = {activation} (z{number})"]
        x = f"x{number}"
    graph = onnx.parser.parse_model(
        GRAPH.format(
            opset=opset,
            units=settings.units,
            activation="LeakyRelu" if leaky else "Relu",
            slopes=f", activation_alpha = [{NEGATIVE_SLOPE}, {NEGATIVE_SLOPE}]" if leaky else "",
            dense="\n            ".join(dense),
            answer=x,
        )
    )
    kernel, recurrent, bias = (_by_gate(w) for w in predictor.get_layer("lstm").get_weights())
    tensors = {
        "kernel": kernel.T[None],
        "recurrent": recurrent.T[None],
        "bias": np.concatenate([bias, np.zeros_like(bias)])[None],
    }
    for number in layers:
        tensors[f"kernel{number}"], tensors[f"bias{number}"] = predictor.get_layer(f"dense_{number}").get_weights()
    for name, values in tensors.items():
        graph.graph.initializer.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
    return graph


def _by_gate(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reorder the gates along the last axis of weights, from Keras's order to ONNX's."""
    gates = np.split(weights, 4, axis=-1)
    return np.concatenate([gates[number] for number in GATES], axis=-1)
