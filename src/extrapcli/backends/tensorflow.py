"""The TensorFlow backend: runs what Keras saved, on CPU and CUDA."""

import os
import warnings
import zipfile
from pathlib import Path
from typing import ClassVar

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # on some processors it changes the sums, and says so on stderr

import keras
import tensorflow as tf

from extrapcli.backends.base import Backend, LoadedModel, Tensors
from extrapcli.backends.keras_file import check_keras_file
from extrapcli.errors import MissingDependency, UnusableModel, UsageError
from extrapcli.networks import rollout as rollout  # registers the layer, so that files that have it can be loaded
from extrapcli.spec import METADATA_KEY

_SPEC = f"{METADATA_KEY}.json"
_MEMBERS = {"metadata.json", _SPEC, f"{METADATA_KEY}.training.json"}


class TensorflowBackend(Backend):
    """Runs `.keras` files. Code in a file (a Lambda layer) is never run."""

    name: ClassVar[str] = "tensorflow"
    suffixes: ClassVar[tuple[str, ...]] = (".keras",)
    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")

    def load(self, path: Path, *, device: str, threads: int | None) -> LoadedModel:
        if threads:
            _bound_threads(threads)
        gpus = tf.config.list_physical_devices("GPU") if device != "cpu" else []
        if device == "cuda" and not gpus:
            raise MissingDependency('TensorFlow sees no GPU; for an NVIDIA GPU: pip install "tensorflow[and-cuda]"')
        if path.suffix != ".keras":
            raise UnusableModel(f"{path}: Keras opens only names that end in .keras, in small letters; rename it")
        check_keras_file(path, _MEMBERS)
        with zipfile.ZipFile(path) as archive:
            spec = archive.read(_SPEC).decode() if _SPEC in archive.namelist() else None
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", "Skipping nested container")  # which keeps random weights
                model = keras.saving.load_model(path, compile=False, safe_mode=True)
        except UserWarning:
            raise UnusableModel(f"{path}: some of its weights are missing; export it again") from None

        def predict(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            return _named(model(inputs if isinstance(model.input, dict) else inputs["context"], training=False))

        declared = {tensor.name: tuple(tensor.shape) for tensor in model.inputs}
        with tf.device("/GPU:0" if gpus else "/CPU:0"):
            signature = {name: tf.TensorSpec(shape, tf.float32, name) for name, shape in declared.items()}
            predict = tf.function(predict).get_concrete_function(**signature)

        def run(inputs: Tensors) -> Tensors:
            tensors = {name: tf.constant(values) for name, values in inputs.items()}
            return {name: output.numpy() for name, output in predict(**tensors).items()}

        outputs = {name: tuple(tensor.shape) for name, tensor in _named(model.output).items()}
        return LoadedModel(spec, run, declared, outputs, "cuda" if gpus else "cpu")


def _named(outputs: tf.Tensor | dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return outputs if isinstance(outputs, dict) else {"frames": outputs}


def _bound_threads(threads: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            raise UsageError("TensorFlow is running already; threads can only be set before") from None
