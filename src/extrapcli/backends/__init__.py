"""Backends: ONNX Runtime, TensorFlow, and whatever else is registered under `extrap.backends`."""

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from extrapcli.backends.base import Backend
from extrapcli.errors import MissingDependency, UnusableModel, UsageError

GROUP = "extrap.backends"
_NEEDS = {"tensorflow": "extrapcli[tensorflow]", "onnx": "onnxruntime"}


def registered() -> dict[str, EntryPoint]:
    """The backends by name, ONNX Runtime first: the order in which `auto` looks for a model file."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    return dict(sorted(found.items(), key=lambda item: (item[0] != "onnx", item[0])))


def backend_class(name: str) -> type[Backend]:
    """Import a backend; raise UsageError for an unknown name, MissingDependency for an absent package."""
    entry = registered().get(name)
    if entry is None:
        raise UsageError(f"no backend called {name}; there are {', '.join(registered())}")
    try:
        backend: type[Backend] = entry.load()
    except ModuleNotFoundError as error:
        package = _NEEDS.get(name, error.name)
        raise MissingDependency(f'the {name} backend needs {error.name}: pip install "{package}"') from None
    return backend


def open_model(path: Path, *, backend: str = "auto", device: str = "auto", threads: int | None = None) -> Backend:
    """Load a model: a file, or a folder that holds `model` + a suffix for one or several backends.

    `auto` takes the first registered backend whose suffix fits.
    """
    names = list(registered()) if backend == "auto" else [backend]
    if not path.exists():
        raise UnusableModel(f"{path}: there is no such model")
    absent: MissingDependency | None = None
    for name in names:
        try:
            found = backend_class(name)
        except MissingDependency as error:
            if backend != "auto":
                raise
            absent = error
            continue
        for suffix in found.suffixes:
            file = path / f"model{suffix}" if path.is_dir() else path
            if file.is_file() and file.suffix == suffix:
                return found(file, device=device, threads=threads)
    if absent:
        raise MissingDependency(f"{path}: no backend here runs it, and {absent}")
    raise UnusableModel(f"{path}: not a model for {' or '.join(names)}")
