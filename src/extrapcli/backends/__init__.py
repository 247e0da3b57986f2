"""Backends: ONNX Runtime, TensorFlow, and whatever other packages register under `extrap.backends`."""

from importlib.metadata import EntryPoint
from inspect import isabstract
from pathlib import Path

from extrapcli import plugins
from extrapcli.backends.base import Backend, first_line
from extrapcli.errors import ExtrapError, MissingDependency, UnusableModel, UsageError
from extrapcli.ranges import check_threads
from extrapcli.signals import signals_postponed

GROUP = "extrap.backends"
_SUFFIXES = {"onnx": ".onnx", "tensorflow": ".keras"}  # those of ours are known before they are imported
_PACKAGES = {"tensorflow": "extrapcli[tensorflow]", "onnx": "onnxruntime"}


def registered() -> dict[str, EntryPoint]:
    """The backends by name, ONNX Runtime first: the order in which `auto` tries them."""
    return dict(sorted(plugins.registered(GROUP).items(), key=lambda item: (item[0] != "onnx", item[0])))


def backend_class(name: str) -> type[Backend]:
    """Import a backend.

    Raises UsageError for an unknown name, MissingDependency where the package is not installed, and UnusableModel
    where it does not load or is no backend.
    """
    entry = registered().get(name)
    if entry is None:
        raise UsageError(f"no backend called {name}; there are {', '.join(registered())}")
    package = plugins.package_of(entry)
    try:
        with signals_postponed():  # native code may turn an interruption of its import into an error
            backend: type[Backend] = entry.load()
    except ModuleNotFoundError as error:
        needed = _PACKAGES.get(name, error.name)
        raise MissingDependency(f'the {name} backend needs {error.name}: pip install "{needed}"') from None
    except plugins.FAULTS as error:
        raise UnusableModel(
            f"the {name} backend does not load: {first_line(error)}; install {package} again"
        ) from None
    if fault := _fault(backend):
        raise UnusableModel(f"the {name} backend {fault}; tell the authors of {package}")
    return backend


def _fault(backend: type[Backend]) -> str | None:
    """Say what keeps a class from being a backend."""
    if not (isinstance(backend, type) and issubclass(backend, Backend)):
        return "is no class derived from Backend"
    if isabstract(backend):
        return "has no method load"
    for name in ("suffixes", "devices"):
        texts = getattr(backend, name, None)
        if not isinstance(texts, tuple) or not texts or not all(type(text) is str for text in texts):
            return f"must have a tuple of texts as its {name}"
    return None


def open_model(path: Path, *, backend: str = "auto", device: str = "auto", threads: int | None = None) -> Backend:
    """Load a model: a file, or a folder that holds `model` + a suffix for one or several backends.

    `auto` takes the first registered backend that has the suffix and the device. Raises UsageError for too many
    threads and for a device that the backend does not have, UnusableModel where the model is missing or no backend
    runs it, MissingDependency where the one that does is not installed.
    """
    check_threads(threads)
    if not path.exists():
        raise UnusableModel(f"{path}: there is no such model")
    names = _candidates(path) if backend == "auto" else [backend]
    failure: ExtrapError | None = None
    for name in names:
        try:
            found = backend_class(name)
        except MissingDependency as error:
            if backend != "auto":
                raise
            failure = failure or MissingDependency(f"{path}: no backend here runs it, and {error}")
            continue
        for suffix in found.suffixes:
            file = _file(path, suffix)
            if not file.is_file() or file.suffix.lower() != suffix:
                continue
            if device in ("auto", *found.devices):
                return found(file, device=device, threads=threads)
            devices = ", ".join(("auto", *found.devices))
            failure = failure or UsageError(
                f"the {name} backend has no device {device}; it has {devices}", hint="device"
            )
    raise failure or UnusableModel(f"{path}: {_missing(path, backend)}")


def _missing(path: Path, backend: str) -> str:
    """Say what keeps a path from being a model for a backend."""
    if not path.is_dir():
        asked = " or ".join(registered()) if backend == "auto" else backend
        return f"not a model for {asked}; give a model's file or folder, or a name from extrap models"
    suffixes = _SUFFIXES.values() if backend == "auto" else backend_class(backend).suffixes
    return (
        f"this folder holds no {' or '.join(f'model{suffix}' for suffix in suffixes)}; copy or export the model again"
    )


def _candidates(path: Path) -> list[str]:
    """Return the backends that may run a model: ours where the suffix is theirs, then those of other packages."""
    files = {name: _file(path, suffix) for name, suffix in _SUFFIXES.items()}
    ours = [name for name, file in files.items() if file.suffix.lower() == _SUFFIXES[name] and file.is_file()]
    return [*ours, *(name for name in registered() if name not in _SUFFIXES)]


def _file(path: Path, suffix: str) -> Path:
    """Return the file of a model for backends of a suffix: itself, or the one in its folder."""
    return path / f"model{suffix}" if path.is_dir() else path
