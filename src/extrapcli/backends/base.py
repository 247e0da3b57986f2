"""The base class of what runs a model file."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import ExtrapError, UnusableModel
from extrapcli.plugins import FAULTS
from extrapcli.spec import Shape
from extrapcli.spec.reading import read_spec

Tensors = Mapping[str, NDArray[np.float32]]
"""Inputs or outputs of a model by name, each `(batch, ...)`."""


@dataclass(frozen=True)
class LoadedModel:
    """What a runtime makes of a model file.

    `spec` is the JSON of the spec that the file carries, None where it has none. `run` computes the outputs.
    `inputs` and `outputs` are the shapes that the file declares, with the batch axis first; None where it declares
    none. `device` is the one in use.
    """

    spec: str | None
    run: Callable[[Tensors], Tensors]
    inputs: dict[str, Shape] | None = None
    outputs: dict[str, Shape] | None = None
    device: str = "cpu"


_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class Backend(ABC):
    """A runtime for model files.

    To add one, write `load` and register the class under the entry point `extrap.backends`. The base class holds the
    file against its spec, and every call's inputs and outputs too.

    Raises UnusableModel where the file is no model for this runtime, holds no spec or contradicts it, and
    MissingDependency where the runtime's package or device is absent.

    Attributes:
        name: what `--backend` calls it.
        suffixes: those of its model files, as `.onnx`.
        devices: the devices that it can be asked for.
        spec: that of the model.
        device: the one in use.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    devices: ClassVar[tuple[str, ...]] = ("cpu",)

    def __init__(self, path: Path, *, device: str = "auto", threads: int | None = None) -> None:
        self._path = path
        try:
            loaded = self.load(path, device=device, threads=threads)
        except (ExtrapError, MemoryError):
            raise
        except FAULTS as error:  # runtimes raise whatever the damaged part raises
            if _is_lfs_pointer(path):
                raise UnusableModel(f"{path}: only points to the model; fetch the file with git lfs pull") from None
            raise UnusableModel(f"{path}: not a model that {self.name} can run: {first_line(error)}") from None
        if not isinstance(loaded, LoadedModel) or not isinstance(loaded.spec, str | None):
            raise UnusableModel(
                f"{path}: the backend {self.name} loads it, but gives no LoadedModel; tell its authors"
            )
        if loaded.spec is None:
            raise UnusableModel(f"{path}: holds no extrap spec; make it with extrap export")
        try:
            self.spec = read_spec(loaded.spec)
        except UnusableModel as error:
            raise UnusableModel(f"{path}: {error}") from None
        for verb, declared, shapes in (
            ("takes", loaded.inputs, self.spec.input_shapes),
            ("gives", loaded.outputs, self.spec.output_shapes),
        ):
            expected = {name: (None, *shape) for name, shape in shapes.items()}
            if declared is not None and declared != expected:
                raise UnusableModel(
                    f"{path}: its spec says it {verb} {_told(expected)}, but it {verb} {_told(declared)}; "
                    "export it again"
                )
        self.device = loaded.device
        self._run = loaded.run

    @abstractmethod
    def load(self, path: Path, *, device: str, threads: int | None) -> LoadedModel:
        """Load a model file.

        `device` is `auto` or one of `devices`. `threads` bounds the threads of the CPU; None leaves it to the
        runtime. Whatever it raises for a damaged file becomes UnusableModel.
        """

    def run(self, inputs: Tensors) -> Tensors:
        """Compute the outputs of the model, float32 `(batch, *shape)` for each of `spec.output_shapes`.

        `inputs` has float32 `(batch, *shape)` for each of `spec.input_shapes`. Raises ValueError for other inputs,
        UnusableModel where the model fails or breaks its spec.
        """
        batch = self._check_inputs(inputs)
        try:
            outputs = self._run(inputs)
        except MemoryError:
            raise
        except FAULTS as error:
            raise UnusableModel(f"{self._path}: fails when it is run: {first_line(error)}") from None
        self._check_outputs(outputs, batch)
        return outputs

    def _check_inputs(self, inputs: Tensors) -> int:
        shapes = self.spec.input_shapes
        if inputs.keys() != shapes.keys():
            raise ValueError(f"inputs must be {', '.join(shapes)}, not {', '.join(inputs)}")
        batch = len(next(iter(inputs.values())))
        for name, shape in shapes.items():
            if 0 in inputs[name].shape or not _fits(inputs[name].shape, (batch, *shape)):
                raise ValueError(f"{name} must be (batch, *{shape}), not {inputs[name].shape}")
        return batch

    def _check_outputs(self, outputs: Tensors, batch: int) -> None:
        for name, shape in self.spec.output_shapes.items():
            expected = (batch, *shape)
            values = outputs.get(name) if isinstance(outputs, Mapping) else None
            if not isinstance(values, np.ndarray):
                raise UnusableModel(f"{self._path}: gave no array for {name}, which its spec has")
            if values.dtype != np.float32:
                raise UnusableModel(f"{self._path}: gave {values.dtype} for {name}, not float32")
            if not _fits(values.shape, expected):
                raise UnusableModel(
                    f"{self._path}: its spec says that {name} has the shape {expected}, but it gave {values.shape}"
                )
            if self.spec.finite and not np.isfinite(values).all():
                raise UnusableModel(f"{self._path}: gave values for {name} that are infinite or not a number")


def _told(shapes: dict[str, Shape]) -> str:
    """Write names and shapes as `('context' any x 4 x 22050)`."""
    sizes = {name: " x ".join("any" if n is None else str(n) for n in shape) for name, shape in shapes.items()}
    return f"({', '.join(f'{name!r} {size}' for name, size in sizes.items())})"


def _fits(shape: tuple[int, ...], expected: Shape) -> bool:
    return len(shape) == len(expected) and all(n in (None, m) for n, m in zip(expected, shape, strict=True))


_SOURCES = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from .*? failed:|\S+\.(cc|h):\d+ (.*\) (?=[A-Z])|\w+ )"
)
"""What ONNX Runtime says of itself, the path and its own source before it says what is wrong."""


def first_line(error: BaseException) -> str:
    """The first line of what a library says went wrong, short enough for a sentence."""
    lines = _SOURCES.sub("", str(error)).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _is_lfs_pointer(path: Path) -> bool:
    """Tell whether a file is the text that Git has in place of a large file that was not fetched."""
    try:
        with path.open("rb") as file:
            return file.read(len(_LFS_POINTER)) == _LFS_POINTER
    except OSError:
        return False
