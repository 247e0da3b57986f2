"""What runs a model file."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import UnusableModel
from extrapcli.frames import Frames
from extrapcli.spec import ModelSpec


class Backend(Protocol):
    """A runtime for model files. Register a class of this shape under the entry point `extrap.backends`.

    The class is made with the path of a model file, the device asked for (`auto`, `cpu` or `cuda`) and the
    number of threads it may use (None: its own choice). It raises UnusableModel where the file is none of
    its models or contradicts the spec it carries, MissingDependency where its package or device is absent.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    spec: ModelSpec
    device: str  # the device in use

    def __init__(self, path: Path, *, device: str, threads: int | None) -> None: ...

    def run(self, context: Frames) -> Mapping[str, NDArray[np.float32]]:
        """Map `context`, float32 `(batch, *spec.context_shape)`, to the model's outputs by name.

        Raises ValueError for any other shape.
        """
        ...


Shape = tuple[int | None, ...]


def check_tensors(path: Path, spec: ModelSpec, inputs: dict[str, Shape], outputs: dict[str, Shape]) -> None:
    """Hold the tensors a model file declares against its spec; raise UnusableModel where they differ."""
    for kind, tensors, name, shape in (
        ("takes", inputs, "context", spec.context_shape),
        ("gives", outputs, "frames", spec.horizon_shape),
    ):
        if tensors.get(name) != (None, *shape):
            raise UnusableModel(
                f"{path}: its spec says it {kind} {name} (batch, {shape[0]}, {shape[1]}), but its tensors are "
                f"{tensors}; export it again"
            )


def check_context(spec: ModelSpec, context: Frames) -> None:
    """Raise ValueError where a context is not `(batch, *spec.context_shape)`."""
    if context.ndim != 3 or context.shape[1:] != spec.context_shape:
        raise ValueError(f"context must be (batch, *{spec.context_shape}), not {context.shape}")
