"""Where training runs: TensorFlow on the CPU, JAX on a GPU or TPU. To be called before Keras is imported."""

import os
from importlib.util import find_spec
from typing import NamedTuple

from extrapcli.errors import MissingDependency, UsageError

_INSTALL = {"cpu": "pip install jax", "gpu": 'pip install "jax[cuda12]"', "tpu": 'pip install "jax[tpu]"'}
_NEEDED = ("keras", "pydantic", "h5py", "scipy", "matplotlib", "onnx", "tf2onnx")


class Share(NamedTuple):
    """Which of the processes that train together this one is, and on how many devices they do."""

    process: int = 0
    processes: int = 1
    devices: int = 1


ALONE = Share()


def use_tensorflow() -> None:
    """Make Keras compute with TensorFlow; raises MissingDependency where what training needs is not installed."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    _look_for("tensorflow", *_NEEDED)


def use_device(device: str) -> Share:
    """Choose the Keras backend for `cpu`, `gpu` or `tpu`; on JAX, spread batches over all such devices.

    `KERAS_BACKEND=jax` trains on JAX on the CPU too. Where KERAS_DISTRIBUTION_NUM_PROCESSES is set, this process
    joins as many others (see `keras.distribution.initialize`), which is for JAX alone. Raises MissingDependency,
    with the pip command, where the packages or the device are absent.
    """
    several = "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ
    if device == "cpu" and os.environ.get("KERAS_BACKEND") != "jax":
        if several:
            raise UsageError("KERAS_DISTRIBUTION_NUM_PROCESSES is for JAX: add --tpu, or --device gpu, or unset it")
        use_tensorflow()
        return ALONE
    os.environ["KERAS_BACKEND"] = "jax"
    _look_for(*_NEEDED)
    if not find_spec("jax"):
        raise MissingDependency(f"training on a {device} needs JAX: {_INSTALL[device]}")
    import jax
    import keras

    if several:
        keras.utils.set_random_seed(0)  # or Keras draws one of all processes' CPUs; the recipe's follows
        keras.distribution.initialize()
    try:
        found = keras.distribution.list_devices(device)
    except RuntimeError as error:
        raise MissingDependency(
            f"JAX sees no {device}: {_INSTALL[device]}, and check that the device is attached ({error})"
        ) from None
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=found))
    return Share(jax.process_index(), jax.process_count(), len(found))


def _look_for(*packages: str) -> None:
    if missing := [package for package in packages if not find_spec(package)]:
        raise MissingDependency(f'training needs {missing[0]}: pip install "extrapcli[train]"')
