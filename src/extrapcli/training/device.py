"""Where training runs: TensorFlow on the CPU, JAX on a GPU or TPU. To be called before Keras is imported."""

import os
from typing import NamedTuple

from extrapcli.errors import MissingDependency

_INSTALL = {"cpu": "pip install jax", "gpu": 'pip install "jax[cuda12]"', "tpu": 'pip install "jax[tpu]"'}


class Share(NamedTuple):
    """Which of the processes that train together this one is, and on how many devices they do."""

    process: int = 0
    processes: int = 1
    devices: int = 1


ALONE = Share()


def use_device(device: str) -> Share:
    """Choose the Keras backend for `cpu`, `gpu` or `tpu`; on JAX, spread batches over all such devices.

    `KERAS_BACKEND=jax` trains on JAX on the CPU too. Where KERAS_DISTRIBUTION_NUM_PROCESSES is set, this process
    joins as many others (see `keras.distribution.initialize`). Raises MissingDependency, with the pip command,
    where the packages or the device are absent.
    """
    if device != "cpu" or os.environ.get("KERAS_BACKEND") != "jax":
        os.environ["KERAS_BACKEND"] = "tensorflow" if device == "cpu" else "jax"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
    except ModuleNotFoundError as error:
        if os.environ["KERAS_BACKEND"] == "tensorflow" or error.name == "keras":
            raise MissingDependency(f'training needs {error.name}: pip install "extrapcli[train]"') from None
        raise MissingDependency(f"training on a {device} needs JAX: {_INSTALL[device]}") from None
    if keras.backend.backend() == "tensorflow":
        return ALONE
    import jax

    if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ:
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
