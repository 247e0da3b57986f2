"""Specs: what a model takes and gives. A spec travels inside every model file."""

from collections.abc import Mapping
from dataclasses import dataclass

from extrapcli.errors import UnusableModel
from extrapcli.ranges import MOST_LOOK_BACK
from extrapcli.spec.base import METADATA_KEY, AudioSpec, ModelSpec, Shape, check_sizes, expect, is_size

__all__ = [
    "METADATA_KEY",
    "AudioSpec",
    "BeatsSpec",
    "EncoderSpec",
    "ModelSpec",
    "PlannerSpec",
    "SampleSpec",
    "Shape",
    "TuneSpec",
    "VoiceSpec",
    "WaveformSpec",
    "expect",
]

MOST_HOPS = 10_000  # that a model of beats looks behind or ahead


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
        check_sizes(context_frames=self.context_frames, horizon_frames=self.horizon_frames)
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
            if not isinstance(shape, list | tuple) or not all(size is None or is_size(size) for size in shape):
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
class PlannerSpec(AudioSpec):
    """Says which slot of a song should be played next, in each of `layers` layers; it is given no sound.

    Takes `context`, `(batch, n, slot)`: n slots one after another, each described by `slot` numbers, and `state`,
    `(batch, state)`, zeros at the beginning. Gives for each slot a `keys` and a `queries`, `(batch, n, layers *
    vector)`, and `weights`, `(batch, n, layers * matches)`; and `next_state`, for the slots that come next. After
    slot i, the logit of playing slot j of the song in a layer is the inner product of i's query and j's key, plus
    that of i's weights and the `matches` numbers that say how well j would follow.
    """

    kind = "planner"
    does = "writes new bars"

    slot: int
    layers: int
    vector: int
    matches: int
    state: int

    def __post_init__(self) -> None:
        sizes = {name: getattr(self, name) for name in ("slot", "layers", "vector", "matches", "state")}
        check_sizes(**sizes)
        super().__post_init__()

    @property
    def input_shapes(self) -> dict[str, Shape]:
        return {"context": (None, self.slot), "state": (self.state,)}

    @property
    def output_shapes(self) -> dict[str, Shape]:
        vectors = (None, self.layers * self.vector)
        weights = (None, self.layers * self.matches)
        return {"keys": vectors, "queries": vectors, "weights": weights, "next_state": (self.state,)}


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
        check_sizes(look_back=self.look_back)
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
        check_sizes(sample_rate=self.sample_rate, hop_samples=self.hop_samples, state=self.state)
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
        check_sizes(state=self.state)
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
        check_sizes(sample_rate=self.sample_rate)
        super().__post_init__()

    @property
    def input_shapes(self) -> dict[str, Shape]:
        return {"context": (None, self.sample_rate)}

    @property
    def output_shapes(self) -> dict[str, Shape]:
        return {"voice": (None,)}
