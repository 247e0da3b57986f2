"""Backends: ONNX Runtime, TensorFlow, and whatever other packages register under `extrap.backends`."""

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from extrapcli.backends.base import Backend, first_line
from extrapcli.errors import MissingDependency, UnusableModel, UsageError
from extrapcli.signals import signals_postponed

GROUP = "extrap.backends"
_SUFFIXES = {"tensorflow": ".keras", "onnx": ".onnx"}  # those of ours are known before they are imported
_PACKAGES = {"tensorflow": "extrapcli[tensorflow]", "onnx": "onnxruntime"}


def registered() -> dict[str, EntryPoint]:
    """The backends by name, ONNX Runtime first: the order in which `auto` tries them."""
    entries = sorted(entry_points(group=GROUP), key=lambda entry: entry.module.startswith("extrapcli."))  # ours win
    found = {entry.name: entry for entry in entries}
    return dict(sorted(found.items(), key=lambda item: (item[0] != "onnx", item[0])))


def backend_class(name: str) -> type[Backend]:
    """Import a backend.

    Raises UsageError for an unknown name, MissingDependency where the package is not installed, and UnusableModel
    where it does not load.
    """
    entry = registered().get(name)
    if entry is None:
        raise UsageError(f"no backend called {name}; there are {', '.join(registered())}")
    try:
        with signals_postponed():  # native code may turn an interruption of its import into an error
            backend: type[Backend] = entry.load()
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(name, error.name)
        raise MissingDependency(f'the {name} backend needs {error.name}: pip install "{package}"') from None
    except Exception as error:  # another package's code
        raise UnusableModel(f"the {name} backend does not load: {first_line(error)}; install it again") from None
    if not (isinstance(backend, type) and issubclass(backend, Backend)):
        raise UnusableModel(f"the {name} backend is no class derived from Backend; tell its authors")
    return backend


def open_model(path: Path, *, backend: str = "auto", device: str = "auto", threads: int | None = None) -> Backend:
    """Load a model: a file, or a folder that holds `model` + a suffix for one or several backends.

    `auto` takes the first registered backend that has the suffix and the device. Raises UsageError for a device that
    the backend does not have, UnusableModel where the model is missing or no backend runs it, MissingDependency where
    the one that does is not installed.
    """
    if not path.exists():
        raise UnusableModel(f"{path}: there is no such model")
    names = list(registered()) if backend == "auto" else [backend]
    failure: MissingDependency | UsageError | None = None
    for name in names:
        try:
            found = backend_class(name)
        except MissingDependency as error:
            if backend != "auto":
                raise
            if path.is_dir() or path.suffix == _SUFFIXES.get(name, path.suffix):
                failure = failure or MissingDependency(f"{path}: no backend here runs it, and {error}")
            continue
        for suffix in found.suffixes:
            file = path / f"model{suffix}" if path.is_dir() else path
            if not file.is_file() or file.suffix != suffix:
                continue
            if device in ("auto", *found.devices):
                return found(file, device=device, threads=threads)
            devices = ", ".join(("auto", *found.devices))
            failure = failure or UsageError(
                f"the {name} backend has no device {device}; it has {devices}", hint="device"
            )
    raise failure or UnusableModel(
        f"{path}: not a model for {' or '.join(names)}; give a model's file or folder, or a name from extrap models"
    )
