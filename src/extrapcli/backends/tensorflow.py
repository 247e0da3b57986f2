"""The TensorFlow backend: runs what Keras saved."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # on some processors it changes the sums, and says so on stderr

import keras
import tensorflow as tf

from extrapcli.backends.base import check_context, check_tensors
from extrapcli.errors import MissingDependency, UnusableModel
from extrapcli.frames import Frames
from extrapcli.networks import roll as roll  # registered, so that files that have it can be loaded
from extrapcli.spec import METADATA_KEY, ModelSpec


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
        self.spec = _spec(path)
        try:
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises whatever the damaged part raises
            reason = str(error).strip().splitlines()[0][:300]
            raise UnusableModel(f"{path}: Keras cannot load it: {reason}") from None
        named = model.output if isinstance(model.output, dict) else {"frames": model.output}
        outputs = {name: tuple(tensor.shape) for name, tensor in named.items()}
        check_tensors(path, self.spec, {"context": model.input_shape}, outputs)

        def predict(context: tf.Tensor) -> dict[str, tf.Tensor]:
            answer = model(context, training=False)
            return answer if isinstance(answer, dict) else {"frames": answer}

        with tf.device("/GPU:0" if gpus else "/CPU:0"):
            self._predict = tf.function(
                predict, input_signature=[tf.TensorSpec((None, *self.spec.context_shape), tf.float32)]
            )

    def run(self, context: Frames) -> Mapping[str, NDArray[np.float32]]:
        check_context(self.spec, context)
        return {name: output.numpy() for name, output in self._predict(tf.constant(context)).items()}


def _bound_threads(threads: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            raise ValueError("TensorFlow is running already; threads can only be set before") from None


def _spec(path: Path) -> ModelSpec:
    try:
        with zipfile.ZipFile(path) as archive:
            return ModelSpec.from_json(archive.read(f"{METADATA_KEY}.json").decode())
    except KeyError:
        raise UnusableModel(f"{path}: holds no extrap spec; make it with extrap export") from None
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise UnusableModel(f"{path}: not a Keras model: {error}") from None
    except UnusableModel as error:
        raise UnusableModel(f"{path}: {error}") from None
