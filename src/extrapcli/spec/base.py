"""What all specs have in common."""

import json
from dataclasses import asdict, dataclass
from math import prod
from typing import ClassVar, TypeVar

from extrapcli.errors import UnusableModel

METADATA_KEY = "extrap"
"""Name of the ONNX metadata entry, and of the member of a `.keras` archive, that holds a spec."""

MOST_NUMBERS = 2**26
"""Limit on the numbers in one tensor, counting the axes of known size: a declared size alone must not fill memory."""

MOST_RATE = 768_000  # Hz

Shape = tuple[int | None, ...]
"""The axes of a tensor without its batch axis; None for an axis of any length."""


Spec = TypeVar("Spec", bound="ModelSpec")


@dataclass(frozen=True)
class ModelSpec:
    """The interface of a model: named float32 inputs and outputs, each with a batch axis first.

    There is a subclass for each kind of model; `does` says in a few words what those do. `finite` says whether every
    output must be finite; a model that is fed with its own answers may diverge, and its caller has to check.

    Raises UnusableModel for values that make no sense.
    """

    kind: ClassVar[str]
    does: ClassVar[str]
    finite: ClassVar[bool] = True

    name: str

    def __post_init__(self) -> None:
        check_name("name", self.name)
        for shape in (*self.input_shapes.values(), *self.output_shapes.values()):
            if prod(size or 1 for size in shape) > MOST_NUMBERS:
                raise UnusableModel(f"model spec: a shape of {shape} is more than {MOST_NUMBERS} numbers")

    @property
    def input_shapes(self) -> dict[str, Shape]:
        """The inputs by name, without their batch axis."""
        raise NotImplementedError

    @property
    def output_shapes(self) -> dict[str, Shape]:
        """The outputs by name, without their batch axis."""
        raise NotImplementedError

    def to_json(self) -> str:
        return json.dumps({"kind": self.kind} | asdict(self))


@dataclass(frozen=True)
class AudioSpec(ModelSpec):
    """A model that an extrapolator can make a track with.

    `extrapolator` is the name of what turns the outputs into sound. Inputs are mono sound at `sample_rate` Hz, with
    unit standard deviation.
    """

    does = "continues songs"

    extrapolator: str
    sample_rate: int

    def __post_init__(self) -> None:
        check_name("extrapolator", self.extrapolator)
        check_sizes(sample_rate=self.sample_rate)
        super().__post_init__()
        if self.sample_rate > MOST_RATE:
            raise UnusableModel(f"model spec: sample_rate must be {MOST_RATE} Hz at most, not {self.sample_rate}")


def expect(spec: ModelSpec, kind: type[Spec]) -> Spec:
    """Return a spec that is of a kind; raise UnusableModel where it is of another."""
    if not isinstance(spec, kind):
        raise UnusableModel(f"model {spec.name} {spec.does}; choose one that {kind.does}")
    return spec


def check_name(key: str, value: object) -> None:
    if type(value) is not str or not value:
        raise UnusableModel(f"model spec: {key} must be a name, not {value!r}")


def check_sizes(**sizes: object) -> None:
    for key, value in sizes.items():
        if not is_size(value):
            raise UnusableModel(f"model spec: {key} must be a positive integer, not {value!r}")


def is_size(value: object) -> bool:
    return type(value) is int and value >= 1
