"""Port the tagger MTT_musicnn of the `musicnn` wheel to ONNX: `port.py WHEEL OUT.onnx`.

    pip install "extrapcli[train]"                # for TensorFlow, onnx, and librosa's mel bands
    pip download --no-deps musicnn==0.1.0
    python training/tagger/port.py musicnn-0.1.0-py3-none-any.whl src/extrapcli/evaluation/musicnn/model.onnx

Pons & Serra 2019, musicnn: pre-trained convolutional neural networks for music audio tagging (arXiv 1909.06654).
Only the weights and the names of the tags are read from the wheel; its own code is for TensorFlow 1.
"""

import argparse
import json
import runpy
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tensorflow as tf
from librosa.filters import mel
from numpy.typing import ArrayLike
from onnx import helper, numpy_helper

from extrapcli.training.export import LARGE, OPSET

FRAMES, WINDOW, BANDS = 187, 512, 96
TAGS, EMBEDDING = 50, 200
EPSILON = 1e-3  # of TensorFlow's batch normalisation
LICENCE = "ISC, Copyright (c) Music Technology Group, Universitat Pompeu Fabra 2019 (musicnn)"


class Layers:
    """Builds an ONNX graph from the layers of a TensorFlow 1 checkpoint, read in the order they were made in.

    Methods take and return names of tensors. Large weights are stored in float16, and computed with in float32.
    """

    def __init__(self, checkpoint: str) -> None:
        self._reader = tf.compat.v1.train.NewCheckpointReader(checkpoint)
        self._made = dict.fromkeys(("conv2d", "dense", "batch_normalization"), 0)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, values: ArrayLike) -> str:
        values, name = np.asarray(values), f"constant_{len(self.constants)}"
        large = values.dtype == np.float32 and values.size >= LARGE
        self.constants.append(numpy_helper.from_array(values.astype(np.float16) if large else values, name))
        return self.add("Cast", name, to=onnx.TensorProto.FLOAT) if large else name

    def conv2d(self, x: str, *, before: tuple[int, int] = (0, 0), after: tuple[int, int] = (0, 0)) -> str:
        """Pad `(batch, in, height, width)` with zeros before and after height and width, convolve, and apply ReLU."""
        kernel, bias = self._weights("conv2d", "kernel", "bias")
        kernel = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        return self.add(
            "Relu", self.add("Conv", x, self.constant(kernel), self.constant(bias), pads=[*before, *after])
        )

    def dense(self, x: str) -> str:
        kernel, bias = self._weights("dense", "kernel", "bias")
        return self.add("Gemm", x, self.constant(kernel), self.constant(bias))

    def normalised(self, x: str, *, name: str = "") -> str:
        weights = self._weights("batch_normalization", "gamma", "beta", "moving_mean", "moving_variance")
        return self.add("BatchNormalization", x, *map(self.constant, weights), name=name, epsilon=EPSILON)

    def _weights(self, layer: str, *names: str) -> list[np.ndarray]:
        n = self._made[layer]
        self._made[layer] += 1
        return [self._reader.get_tensor(f"{layer}_{n}/{name}" if n else f"{layer}/{name}") for name in names]


def musicnn(layers: Layers) -> None:
    """Compute `tags` and `embedding` from `patches`, power spectra `(batch, 187 frames, 257 frequencies)`."""
    bands = layers.add("MatMul", "patches", layers.constant(mel(sr=16000, n_fft=WINDOW, n_mels=BANDS).T))
    energies = layers.add("Mul", bands, layers.constant(np.float32(10000)))
    logarithms = layers.add("Log", layers.add("Add", energies, layers.constant(np.float32(1))))
    compressed = layers.add("Div", logarithms, layers.constant(np.float32(np.log(10))))
    image = layers.normalised(layers.add("Unsqueeze", compressed, layers.constant([1])))

    # Front end: timbre filters over 7 frames and 38 or 67 bands, and temporal filters over 128, 64 and 32 frames of
    # one band. Each filter keeps its strongest band, which leaves (batch, filters, 187).
    paddings = [((3, 0), (3, 0))] * 2 + [((n // 2 - 1, 0), (n // 2, 0)) for n in (128, 64, 32)]
    strongest = [
        layers.add(
            "ReduceMax", layers.normalised(layers.conv2d(image, before=before, after=after)), axes=[3], keepdims=0
        )
        for before, after in paddings
    ]
    front = layers.add("Concat", *strongest, axis=1)

    # Mid-end: three convolutions over 7 frames, two of them residual. The checkpoint's filters span all features as
    # the width of an image, so features are transposed into the width and the result back.
    def over_time(features: str) -> str:
        wide = layers.add("Unsqueeze", layers.add("Transpose", features, perm=[0, 2, 1]), layers.constant([1]))
        narrow = layers.normalised(layers.conv2d(wide, before=(3, 0), after=(3, 0)))
        return layers.add("Squeeze", narrow, layers.constant([3]))

    first = over_time(front)
    second = layers.add("Add", over_time(first), first)
    third = layers.add("Add", over_time(second), second)

    # Back end: maximum and mean over time of all these features, interleaved, and two dense layers.
    features = layers.add("Concat", front, first, second, third, axis=1)
    pools = [layers.add(pool, features, axes=[2], keepdims=1) for pool in ("ReduceMax", "ReduceMean")]
    pooled = layers.normalised(layers.add("Flatten", layers.add("Concat", *pools, axis=2)))
    embedding = layers.normalised(layers.add("Relu", layers.dense(pooled)), name="embedding")
    layers.add("Sigmoid", layers.dense(embedding), name="tags")


def port(wheel: Path, out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        package = Path(folder) / "musicnn"
        names = runpy.run_path(str(package / "configuration.py"))["MTT_LABELS"]
        layers = Layers(f"{package}/MTT_musicnn/")
        musicnn(layers)
    shapes = {"patches": (FRAMES, WINDOW // 2 + 1), "tags": (TAGS,), "embedding": (EMBEDDING,)}
    patches, *outputs = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ("batch", *shape))
        for name, shape in shapes.items()
    )
    graph = helper.make_graph(layers.nodes, "musicnn", [patches], outputs, layers.constants)
    model = helper.make_model_gen_version(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    helper.set_model_props(model, {"tags": json.dumps(names), "licence": LICENCE})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    port(arguments.wheel, arguments.out)
