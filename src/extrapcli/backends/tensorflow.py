"""The TensorFlow backend: runs what Keras saved."""

import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # on some processors it changes the sums, and says so on stderr

import keras
import tensorflow as tf

from extrapcli.backends.base import check_context, check_outputs, check_tensors, failing_model, first_line
from extrapcli.backends.keras_file import check_keras_file
from extrapcli.errors import MissingDependency, UnusableModel
from extrapcli.frames import Frames
from extrapcli.networks import roll as roll  # registered, so that files that have it can be loaded
from extrapcli.spec import METADATA_KEY, ModelSpec

_SPEC = f"{METADATA_KEY}.json"
_MEMBERS = {"metadata.json", _SPEC, f"{METADATA_KEY}.training.json"}


class TensorflowBackend:
    """Runs `.keras` files that hold a spec beside the weights. Code in a file (a Lambda) is never run."""

    name: ClassVar[str] = "tensorflow"
    suffixes: ClassVar[tuple[str, ...]] = (".keras",)

    def __init__(self, path: Path, *, device: str, threads: int | None) -> None:
        if threads:
            _bound_threads(threads)
        gpus = tf.config.list_physical_devices("GPU") if device != "cpu" else []
        if device == "cuda" and not gpus:
            raise MissingDependency(
                'CUDA was asked for, but TensorFlow sees no GPU: pip install "tensorflow[and-cuda]"'
            )
        self.device = "cuda" if gpus else "cpu"
        self.spec = _checked(path)
        try:
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
            named = model.output if isinstance(model.output, dict) else {"frames": model.output}
            outputs = {name: tuple(tensor.shape) for name, tensor in named.items()}
            check_tensors(path, self.spec, {"context": model.input_shape}, outputs)
            with tf.device("/GPU:0" if gpus else "/CPU:0"):
                self._predict = _traced(model, self.spec)
        except UnusableModel:
            raise
        except Exception as error:  # Keras raises whatever the damaged part raises
            raise UnusableModel(f"{path}: Keras cannot load it: {first_line(error)}") from None
        self._path = path

    def run(self, context: Frames) -> Mapping[str, NDArray[np.float32]]:
        check_context(self.spec, context)
        with failing_model(self._path):
            outputs = {name: output.numpy() for name, output in self._predict(tf.constant(context)).items()}
        check_outputs(self._path, self.spec, outputs, batch=len(context))
        return outputs


def _traced(model: keras.Model, spec: ModelSpec) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    def predict(context: tf.Tensor) -> dict[str, tf.Tensor]:
        answer = model(context, training=False)
        return answer if isinstance(answer, dict) else {"frames": answer}

    signature = [tf.TensorSpec((None, *spec.context_shape), tf.float32)]
    traced: Callable[[tf.Tensor], dict[str, tf.Tensor]] = tf.function(predict, signature).get_concrete_function()
    return traced


def _bound_threads(threads: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            raise ValueError("TensorFlow is running already; threads can only be set before") from None


def _checked(path: Path) -> ModelSpec:
    """The spec of a file that is safe to load."""
    try:
        check_keras_file(path, _MEMBERS)
        with zipfile.ZipFile(path) as archive:
            text = archive.read(_SPEC).decode() if _SPEC in archive.namelist() else None
    except UnusableModel:
        raise
    except Exception as error:  # zipfile, zlib and h5py raise whatever the damaged part raises
        raise UnusableModel(f"{path}: not a Keras model: {first_line(error)}") from None
    if text is None:
        raise UnusableModel(f"{path}: holds no extrap spec; make it with extrap export")
    try:
        return ModelSpec.from_json(text)
    except UnusableModel as error:
        raise UnusableModel(f"{path}: {error}") from None
