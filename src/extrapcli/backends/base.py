"""What runs a model file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import UnusableModel
from extrapcli.frames import Frames
from extrapcli.spec import ModelSpec, Shape


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


def check_tensors(path: Path, spec: ModelSpec, inputs: dict[str, Shape], outputs: dict[str, Shape]) -> None:
    """Hold the tensors a model file declares against its spec; raise UnusableModel where they differ."""
    wanted_outputs = {name: (None, *shape) for name, shape in spec.output_shapes.items()}
    for kind, tensors, wanted in (
        ("takes", inputs, {"context": (None, *spec.context_shape)}),
        ("gives", outputs, wanted_outputs),
    ):
        if tensors != wanted:
            raise UnusableModel(f"{path}: its spec says it {kind} {wanted}, but it {kind} {tensors}; export it again")


def first_line(error: BaseException) -> str:
    """What a library says went wrong, short enough for a sentence."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


@contextmanager
def failing_model(path: Path) -> Iterator[None]:
    """Turn what a library raises while it runs a model into UnusableModel."""
    try:
        yield
    except Exception as error:
        raise UnusableModel(f"{path}: fails when it is run: {first_line(error)}") from None


def check_outputs(path: Path, spec: ModelSpec, outputs: Mapping[str, NDArray[np.float32]], *, batch: int) -> None:
    """Raise UnusableModel where a model gave other shapes than its spec says, or values that are no numbers.

    One that goes on from its own answers may run off into the infinite; who runs it has to look.
    """
    for name, shape in spec.output_shapes.items():
        if outputs[name].dtype != np.float32:
            raise UnusableModel(f"{path}: gave {outputs[name].dtype} for {name}, not float32")
        given, wanted = outputs[name].shape, (batch, *shape)
        if len(given) != len(wanted) or any(n not in (None, m) for n, m in zip(wanted, given, strict=True)):
            raise UnusableModel(f"{path}: its spec says that {name} has the shape {wanted}, but it gave {given}")
        if spec.look_back is None and not np.isfinite(outputs[name]).all():
            raise UnusableModel(f"{path}: gave values for {name} that are infinite or no numbers")


def check_context(spec: ModelSpec, context: Frames) -> None:
    """Raise ValueError where a context is not `(batch, *spec.context_shape)`."""
    fits = context.ndim == 3 and context.shape[2] == spec.frame_size and len(context) and context.shape[1]
    if not fits or spec.context_frames not in (None, context.shape[1]):
        raise ValueError(f"context must be (batch, *{spec.context_shape}), not {context.shape}")
