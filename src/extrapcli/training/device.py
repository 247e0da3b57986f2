"""Where training runs: TensorFlow on the CPU, JAX on a GPU or TPU. To be called before Keras is imported."""

import os

from extrapcli.errors import MissingDependency

_INSTALL = {"gpu": 'pip install "jax[cuda12]"', "tpu": 'pip install "jax[tpu]"'}


def use_device(device: str) -> None:
    """Choose the Keras backend for `cpu`, `gpu` or `tpu`, and spread batches over all such devices.

    Raises MissingDependency, with the pip command, where the packages or the device are absent.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow" if device == "cpu" else "jax"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
    except ModuleNotFoundError as error:
        if device == "cpu" or error.name == "keras":
            raise MissingDependency(f'training needs {error.name}: pip install "extrapcli[train]"') from None
        raise MissingDependency(f"training on a {device} needs JAX: {_INSTALL[device]}") from None
    if device == "cpu":
        return
    import jax

    try:
        found = jax.devices(device)
    except RuntimeError as error:
        raise MissingDependency(
            f"JAX sees no {device}: {_INSTALL[device]}, and check that the device is attached ({error})"
        ) from None
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=[str(d) for d in found]))
