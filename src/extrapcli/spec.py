"""ModelSpec: what a model takes and gives. It travels inside every model file."""

import json
from dataclasses import asdict, dataclass, fields

from extrapcli.errors import UnusableModel

METADATA_KEY = "extrap"
"""Name of the ONNX metadata entry and of the member of a `.keras` archive that hold a spec."""


@dataclass(frozen=True)
class ModelSpec:
    """The interface of a model, in frames of one second.

    A model takes `context`, float32 `(batch, context_frames, sample_rate)`, and gives `frames`, float32
    `(batch, horizon_frames, sample_rate)`, both mono and standardised to unit deviation.
    """

    name: str
    extrapolator: str  # what turns the output into sound: a module of extrapcli.extrapolators
    sample_rate: int  # Hz, and so the samples in a frame
    context_frames: int
    horizon_frames: int

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not field.type or not value or (field.type is int and value < 1):
                raise UnusableModel(f"model spec: {field.name} must be a positive {field.type}, not {value!r}")

    @property
    def context_shape(self) -> tuple[int, int]:
        return (self.context_frames, self.sample_rate)

    @property
    def horizon_shape(self) -> tuple[int, int]:
        return (self.horizon_frames, self.sample_rate)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ModelSpec":
        """Read a spec; raise UnusableModel where keys are missing, unknown or of the wrong type."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise UnusableModel(f"model spec: not JSON ({error})") from None
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != known:
            raise UnusableModel(f"model spec: keys must be {', '.join(sorted(known))}; got {text[:200]}")
        return cls(**values)
