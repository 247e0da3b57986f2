"""Where training runs: TensorFlow on the CPU, JAX on a GPU or TPU. Call this before Keras is imported."""

import os
from dataclasses import dataclass
from importlib.util import find_spec

from extrapcli.errors import MissingDependency, UsageError

_INSTALL = {"cpu": "pip install jax", "gpu": 'pip install "jax[cuda12]"', "tpu": 'pip install "jax[tpu]"'}
_NEEDED = ("keras", "pydantic", "h5py", "scipy", "matplotlib", "onnx", "tf2onnx")
_PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"


@dataclass(frozen=True)
class Worker:
    """One of `count` processes that train together, on `devices` devices in all."""

    index: int = 0
    count: int = 1
    devices: int = 1


ALONE = Worker()


def check_installed(*also: str) -> None:
    """Raise MissingDependency where a package that training needs, or one of `also`, is not installed; load none."""
    if missing := [package for package in (*_NEEDED, *also) if not find_spec(package)]:
        raise MissingDependency(f'training needs {missing[0]}: pip install "extrapcli[train]"')


def use_tensorflow() -> None:
    """Make Keras use TensorFlow; raise MissingDependency where a package that training needs is not installed."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    check_installed("tensorflow")


def use_device(device: str) -> Worker:
    """Choose the Keras backend for `cpu`, `gpu` or `tpu`; on JAX, spread batches over all such devices.

    `KERAS_BACKEND=jax` in the environment trains on JAX on the CPU too. Where KERAS_DISTRIBUTION_NUM_PROCESSES is
    set, this process joins that many others (see `keras.distribution.initialize`), on JAX only. Raises UsageError
    where it is set for TensorFlow, MissingDependency where a package or the device is missing.
    """
    several = _PROCESSES in os.environ
    if device == "cpu" and os.environ.get("KERAS_BACKEND") != "jax":
        if several:
            raise UsageError(f"{_PROCESSES} is set, which is for JAX; the CPU trains with TensorFlow", hint="device")
        use_tensorflow()
        return ALONE
    os.environ["KERAS_BACKEND"] = "jax"
    check_installed()
    if not find_spec("jax"):
        raise MissingDependency(f"training on a {device} needs JAX: {_INSTALL[device]}")
    import jax
    import keras

    if several:
        keras.utils.set_random_seed(0)  # else Keras draws one from the processes' CPUs; the recipe's seed follows
        try:
            keras.distribution.initialize()
        except (ValueError, RuntimeError) as error:
            raise UsageError(f"the processes of KERAS_DISTRIBUTION_* do not come together: {error}") from None
    try:
        found = keras.distribution.list_devices(device)
    except RuntimeError as error:
        raise MissingDependency(
            f"JAX sees no {device}: {_INSTALL[device]}, and check that the device is attached ({error})"
        ) from None
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=found))
    return Worker(jax.process_index(), jax.process_count(), len(found))
