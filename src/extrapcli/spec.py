"""ModelSpec: what a model takes and gives. It travels inside every model file."""

import json
from dataclasses import asdict, dataclass, field, fields

from extrapcli.errors import UnusableModel

METADATA_KEY = "extrap"
"""Name of the ONNX metadata entry and of the member of a `.keras` archive that hold a spec."""

_OPTIONAL = {"outputs", "symbols", "step_size", "look_back"}

Shape = tuple[int | None, ...]
"""The axes of a tensor; None for one of any length."""


@dataclass(frozen=True)
class ModelSpec:
    """The interface of a model: frames in, frames or other `outputs` out.

    A model takes `context`, float32 `(batch, context_frames, frame_size)`, mono and standardised to unit
    deviation, and gives float32 `outputs` by name, their batch axis left out. Where a spec has none, the
    model gives `frames`, `(batch, horizon_frames, frame_size)`, standardised like the context.

    A model of tunes takes a step as its frame, whose numbers are the place in `symbols` of what sounds, the place in
    its bar of the next step (`melody.encoding.beat`), and the model's state. It gives the chances of each symbol to
    come `next`, and the `state` after it. So what it remembers travels through the interface that all models have,
    and a backend need know nothing of it. Its `sample_rate` is 1 and says nothing.

    A model that predicts samples one by one takes a sample as its frame. A context is as many samples as it shall
    predict from, `look_back` of them as a rule, and then NaN in the place of each that it shall go on with; it gives
    the `next` one and those in the places of NaN, each predicted from what is before it.
    """

    name: str
    extrapolator: str  # what turns the output into sound: a module of extrapcli.extrapolators
    sample_rate: int  # Hz
    context_frames: int | None  # None: any number
    horizon_frames: int  # how much a block adds to the track
    outputs: dict[str, Shape] = field(default_factory=dict)
    symbols: tuple[str, ...] = ()  # the vocabulary of a model of tunes
    step_size: int | None = None  # numbers in a frame that is a step; None: a frame is a second of samples
    look_back: int | None = None  # samples from which each of those is predicted that come one by one

    def __post_init__(self) -> None:
        for key in ("name", "extrapolator"):
            if type(getattr(self, key)) is not str or not getattr(self, key):
                raise UnusableModel(f"model spec: {key} must be a name, not {getattr(self, key)!r}")
        for key in ("sample_rate", "horizon_frames", "context_frames", "step_size", "look_back"):
            value = getattr(self, key)
            if not _is_size(value) or (value is None and key in ("sample_rate", "horizon_frames")):
                raise UnusableModel(f"model spec: {key} must be a positive integer, not {value!r}")
        if not isinstance(self.outputs, dict):
            raise UnusableModel(f"model spec: outputs must map names to shapes, not {self.outputs!r}")
        for name, shape in self.outputs.items():
            if not isinstance(shape, list | tuple) or not all(map(_is_size, shape)):
                raise UnusableModel(f"model spec: {name} must have a shape of positive sizes or nulls, not {shape!r}")
        object.__setattr__(self, "outputs", {name: tuple(shape) for name, shape in self.outputs.items()})
        words = self.symbols
        if (
            not isinstance(words, list | tuple)
            or not all(type(w) is str for w in words)
            or len(set(words)) < len(words)
        ):
            raise UnusableModel(f"model spec: symbols must be different texts, not {words!r}")
        object.__setattr__(self, "symbols", tuple(words))

    @property
    def frame_size(self) -> int:
        """Numbers in a frame."""
        return self.step_size or self.sample_rate

    @property
    def context_shape(self) -> Shape:
        return (self.context_frames, self.frame_size)

    @property
    def output_shapes(self) -> dict[str, Shape]:
        return self.outputs or {"frames": (self.horizon_frames, self.frame_size)}

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
        if not isinstance(values, dict) or not known - _OPTIONAL <= set(values) <= known:
            raise UnusableModel(f"model spec: keys must be {', '.join(sorted(known))}; got {text[:200]}")
        return cls(**values)


def _is_size(value: object) -> bool:
    return value is None or (type(value) is int and value >= 1)
