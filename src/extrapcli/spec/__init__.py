"""Specs: what a model takes and gives. A spec travels inside every model file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import ClassVar, TypeVar

from extrapcli.errors import UnusableModel
from extrapcli.ranges import MOST_LOOK_BACK

METADATA_KEY = "extrap"
"""Name of the ONNX metadata entry, and of the member of a `.keras` archive, that holds a spec."""

MOST_NUMBERS = 2**26
"""Limit on the numbers in one tensor, counting the axes of known size: a declared size alone must not fill memory."""

MOST_RATE = 768_000  # Hz

MOST_HOPS = 10_000  # that a model of beats looks behind or ahead

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
        _check_name("name", self.name)
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
        _check_name("extrapolator", self.extrapolator)
        _check_sizes(sample_rate=self.sample_rate)
        super().__post_init__()
        if self.sample_rate > MOST_RATE:
            raise UnusableModel(f"model spec: sample_rate must be {MOST_RATE} Hz at most, not {self.sample_rate}")


@dataclass(frozen=True)
class WaveformSpec(AudioSpec):
    """Frames in, frames out.

    Takes `context`, `(batch, context_frames, sample_rate)`, and gives the `frames` that follow,
    `(batch, horizon_frames, sample_rate)`, scaled like the context.
    """

    kind = "waveform"
    does = "predicts seconds of sound"

    context_frames: int
    horizon_frames: int

    def __post_init__(self) -> None:
        _check_sizes(context_frames=self.context_frames, horizon_frames=self.horizon_frames)
        super().__post_init__()

    @property
    def input_shapes(self) -> dict[str, Shape]:
        return {"context": (self.context_frames, self.sample_rate)}

    @property
    def output_shapes(self) -> dict[str, Shape]:
        return {"frames": (self.horizon_frames, self.sample_rate)}


@dataclass(frozen=True)
class EncoderSpec(AudioSpec):
    """Any number of frames in, named outputs of any shape out.

    Takes `context`, `(batch, n, sample_rate)` for any n, and gives `outputs`.
    """

    kind = "encoder"
    does = "compares positions of a song"

    outputs: Mapping[str, Shape]

    def __post_init__(self) -> None:
        if not isinstance(self.outputs, dict) or not self.outputs:
            raise UnusableModel(f"model spec: outputs must map names to shapes, not {self.outputs!r}")
        for name, shape in self.outputs.items():
            if not isinstance(shape, list | tuple) or not all(size is None or _is_size(size) for size in shape):
                raise UnusableModel(f"model spec: {name} must have a shape of positive sizes or nulls, not {shape!r}")
        object.__setattr__(self, "outputs", {name: tuple(shape) for name, shape in self.outputs.items()})
        super().__post_init__()

    @property
    def input_shapes(self) -> dict[str, Shape]:
        return {"context": (None, self.sample_rate)}

    @property
    def output_shapes(self) -> dict[str, Shape]:
        return dict(self.outputs)


@dataclass(frozen=True)
class SampleSpec(AudioSpec):
    """Predicts a sound sample by sample, each from the `look_back` samples before it.

    Takes `context`, `(batch, n, 1)`: known samples, then NaN in the place of each that is to be predicted. Gives
    `next`, `(batch, unknown + 1, 1)`: the sample after the known ones and those in the places of NaN, each predicted
    from what comes before it, earlier predictions included.
    """

    kind = "sample"
    does = "predicts samples one by one"
    finite = False

    look_back: int

    def __post_init__(self) -> None:
        _check_sizes(look_back=self.look_back)
        if self.look_back > MOST_LOOK_BACK:
            raise UnusableModel(f"model spec: look_back must be {MOST_LOOK_BACK} at most, not {self.look_back}")
        super().__post_init__()

    @property
    def input_shapes(self) -> dict[str, Shape]:
        return {"context": (None, 1)}

    @property
    def output_shapes(self) -> dict[str, Shape]:
        return {"next": (None, 1)}


@dataclass(frozen=True)
class BeatsSpec(ModelSpec):
    """Finds beats and bars.

    Takes `context`, `(batch, n + before + after, hop_samples)` for any n, mono sound at `sample_rate` Hz whose root
    mean square is `level`, and `state`, `(batch, state)`. Gives the probabilities of a beat that is no downbeat,
    `beat`, and of a downbeat, `downbeat`, both `(batch, n)`, at the beginning of each hop but the first `before`
    and the last `after`, and `next_state`, the state for the n hops that come next; at the beginning of a song it
    is zero.

    A model that looks ahead answers `delay` hops late: what it gives is for the hops that came so much earlier.
    """

    kind = "beats"
    does = "finds beats and bars"

    sample_rate: int
    hop_samples: int
    before: int
    after: int
    level: float
    state: int
    delay: int

    def __post_init__(self) -> None:
        _check_sizes(sample_rate=self.sample_rate, hop_samples=self.hop_samples, state=self.state)
        for name in ("before", "after", "delay"):
            if type(hops := getattr(self, name)) is not int or not 0 <= hops <= MOST_HOPS:
                raise UnusableModel(f"model spec: {name} must be 0 to {MOST_HOPS} hops, not {hops!r}")
        if type(self.level) is not float or not 0 < self.level <= 1:
            raise UnusableModel(f"model spec: level must be above 0 and at most 1, not {self.level!r}")
        super().__post_init__()

    @property
    def input_shapes(self) -> dict[str, Shape]:
        return {"context": (None, self.hop_samples), "state": (self.state,)}

    @property
    def output_shapes(self) -> dict[str, Shape]:
        return {"beat": (None,), "downbeat": (None,), "next_state": (self.state,)}


@dataclass(frozen=True)
class TuneSpec(ModelSpec):
    """Writes tunes, a step at a time.

    Takes `context`, `(batch, 1, 2 + state)`: the index in `symbols` of what sounds, the position in its bar of the
    next step (`melody.encoding.bar_position`), and the state before. Gives `next`, `(batch, symbols)`, the
    probability of each symbol to come, and the new `state`, `(batch, state)`. Carrying the state this way gives
    models with a memory the same interface as all others, so backends need not know of it.
    """

    kind = "tune"
    does = "writes tunes, for extrap melody"

    symbols: tuple[str, ...]
    state: int

    def __post_init__(self) -> None:
        words = self.symbols
        if not isinstance(words, list | tuple) or not words or not all(type(word) is str for word in words):
            raise UnusableModel(f"model spec: symbols must be texts, not {words!r}")
        if len(set(words)) < len(words):
            raise UnusableModel(f"model spec: symbols must differ from each other, not {words!r}")
        object.__setattr__(self, "symbols", tuple(words))
        _check_sizes(state=self.state)
        super().__post_init__()

    @property
    def input_shapes(self) -> dict[str, Shape]:
        return {"context": (1, 2 + self.state)}

    @property
    def output_shapes(self) -> dict[str, Shape]:
        return {"next": (len(self.symbols),), "state": (self.state,)}


@dataclass(frozen=True)
class VoiceSpec(ModelSpec):
    """Hears where a voice sounds.

    Takes `context`, `(batch, n, sample_rate)` for any n: seconds of mono sound at unit level. Gives `voice`,
    `(batch, 25 * n)`: the probability that a voice sounds, for each hop of 1/25 s.
    """

    kind = "voice"
    does = "hears where a voice sounds"

    sample_rate: int

    def __post_init__(self) -> None:
        _check_sizes(sample_rate=self.sample_rate)
        super().__post_init__()

    @property
    def input_shapes(self) -> dict[str, Shape]:
        return {"context": (None, self.sample_rate)}

    @property
    def output_shapes(self) -> dict[str, Shape]:
        return {"voice": (None,)}


def expect(spec: ModelSpec, kind: type[Spec]) -> Spec:
    """Return a spec that is of a kind; raise UnusableModel where it is of another."""
    if not isinstance(spec, kind):
        raise UnusableModel(f"model {spec.name} {spec.does}; choose one that {kind.does}")
    return spec


def _check_name(key: str, value: object) -> None:
    if type(value) is not str or not value:
        raise UnusableModel(f"model spec: {key} must be a name, not {value!r}")


def _check_sizes(**sizes: object) -> None:
    for key, value in sizes.items():
        if not _is_size(value):
            raise UnusableModel(f"model spec: {key} must be a positive integer, not {value!r}")


def _is_size(value: object) -> bool:
    return type(value) is int and value >= 1
