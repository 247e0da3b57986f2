"""The sizes of the networks, as recipes give them: what is unknown or out of range is refused.

This needs no Keras, so a recipe is checked before that is loaded.
"""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

FRAME_SAMPLES = 22050
HOPS = 25  # per frame
PATCH_HOPS = 25
BEAT_KERNEL = 5  # frames
OTHERS = ("/", "_", "r")
"""The symbols of tunes that are no pitches."""

StackWidth = Annotated[int, Field(ge=64, le=512)]
FrameCount = Annotated[int, Field(ge=1, le=600)]
FrameSamples = Annotated[int, Field(ge=1, le=192_000)]
Units = Annotated[int, Field(ge=1, le=4096)]
Width = Annotated[int, Field(ge=1, le=2048)]
Dilations = Annotated[tuple[Units, ...], Field(max_length=32)]
Pitch = Annotated[int, Field(ge=0, le=127)]


class Table(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """A table of a recipe. Unknown keys, infinities and NaN are refused."""


class StudySettings(Table, frozen=True):
    """Sizes, and the choices that the study's text leaves open.

    `reshape` decides what the neuron of a unit sums over. `"interleaved"` follows the text to the letter: a row-major
    reshape of the concatenation, so that row k holds samples `k*t .. k*t + t-1` of the vectors laid end to end. The
    neuron then weighs t *neighbouring* samples, and its output is the concatenation played t times as fast.
    `"aligned"` puts sample k of every vector into row k: the neuron mixes the vectors at equal times, and its output
    is a weighted sum of t seconds on top of each other.

    With `shared`, all time steps of a part use one hidden stack.
    """

    context_frames: FrameCount = 20
    horizon_frames: FrameCount = 10
    frame_samples: FrameSamples = 22050
    widths: tuple[StackWidth, StackWidth, StackWidth, StackWidth] = (64, 128, 256, 512)
    reshape: Literal["interleaved", "aligned"] = "interleaved"
    shared: bool = True

    @property
    def parameters(self) -> int:
        """Number of parameters; batch normalization has four for each neuron."""
        sizes: list[int] = [self.frame_samples, *self.widths, self.frame_samples]
        stack = sum((n + 1) * m for n, m in pairwise(sizes)) + 4 * sum(self.widths)
        units = self.context_frames + 1 + self.horizon_frames
        neurons: list[int] = [
            *range(1, self.context_frames + 1),
            self.context_frames,
            *range(1, self.horizon_frames + 1),
        ]
        stacks = 3 if self.shared else units
        return stacks * stack + sum(t + 1 for t in neurons)


class LstmSettings(Table, frozen=True):
    """Sizes: `projection` is what a frame is projected to, `units` the state of each LSTM."""

    context_frames: FrameCount = 20
    horizon_frames: FrameCount = 10
    frame_samples: FrameSamples = 22050
    projection: Annotated[int, Field(ge=1, le=10**6)] = 512
    units: Annotated[int, Field(ge=1, le=10**6)] = 512

    @property
    def parameters(self) -> int:
        """Number of parameters. An LSTM of u units over v inputs has 4 u (u + v + 1)."""
        project = (self.frame_samples + 1) * self.projection
        encoder = 4 * self.units * (self.units + self.projection + 1)
        decoder = 4 * self.units * (2 * self.units + 1)
        expand = (self.units + 1) * self.frame_samples
        return project + encoder + decoder + expand


class AmplitudeSettings(Table, frozen=True):
    """`look_back` is how many samples the network sees; `units` and `dense` are the sizes of its layers."""

    look_back: Units = 3
    units: Units = 100
    dense: Annotated[tuple[Units, ...], Field(max_length=16)] = (50, 25, 12)
    activation: Literal["relu", "leaky_relu"] = "leaky_relu"


class RecallSettings(Table, frozen=True):
    """Sizes: mel bands, channels of the towers (`width`), length of match and query (`vector`), dilations in hops.

    The receptive field of each tower is `1 + 2 * sum(dilations)` spectra.
    """

    bands: Annotated[int, Field(ge=1, le=128)] = 64
    width: Width = 96
    vector: Width = 96
    dilations: Dilations = (1, 2, 4, 8, 16, 32, 64, 128)

    @model_validator(mode="after")
    def _vector_fits_the_patch(self) -> "RecallSettings":
        if self.vector > PATCH_HOPS * self.bands:
            raise ValueError(f"vector can have {PATCH_HOPS * self.bands} entries at most, with {self.bands} bands")
        return self


class VoiceSettings(BaseModel, frozen=True, extra="forbid"):
    """Sizes: mel bands, channels of the convolutions over time and frequency, `width` and dilations over time alone.

    Each convolution over time and frequency is followed by a halving of the number of bands.
    """

    bands: Annotated[int, Field(ge=8, le=128)] = 96
    channels: Annotated[tuple[Units, ...], Field(min_length=1, max_length=3)] = (16, 16, 16)
    width: Width = 48
    dilations: Dilations = (1, 2, 4, 8, 16, 32)


class Seq2seqSettings(RecallSettings, frozen=True):
    """Sizes: how many positions are mixed (`places`), and those of `recall`'s scorer. A frame is 22050 samples."""

    context_frames: Annotated[int, Field(ge=6, le=22)] = 20
    horizon_frames: FrameCount = 10
    places: Annotated[int, Field(ge=1, le=50)] = 4
    width: Width = 48
    vector: Width = 48
    dilations: Dilations = (1, 2, 4, 8, 16, 32, 64)

    @property
    def frame_samples(self) -> int:
        return FRAME_SAMPLES


class BeatsSettings(Table, frozen=True):
    """Sizes of the head of `beats`: channels of its stack (`width`), dilations in frames, and dropout in training.

    `reach` is how many frames it looks at on each side of a frame.
    """

    width: Annotated[int, Field(ge=2, le=1024)] = 32
    dilations: Annotated[tuple[Units, ...], Field(min_length=1, max_length=32)] = (1, 2, 4, 8, 16, 32, 64, 128)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1

    @property
    def reach(self) -> int:
        return BEAT_KERNEL // 2 * sum(self.dilations)


class ComposeSettings(Table, frozen=True):
    """Sizes: the layers and the memory of the network (`width`), and the length of queries and keys (`vector`)."""

    width: Width = 160
    vector: Width = 48
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1


class MelodySettings(Table, frozen=True):
    """Sizes of the LSTMs and of the embeddings (`vector`), and the lowest and highest MIDI pitch of the vocabulary.

    With `beats` false the network does not see the position in the bar.
    """

    units: Units = 256
    layers: Annotated[int, Field(ge=1, le=8)] = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    vector: Units = 64
    beats: bool = True
    lowest: Pitch = 50
    highest: Pitch = 84

    @model_validator(mode="after")
    def _some_pitches(self) -> "MelodySettings":
        if self.lowest > self.highest:
            raise ValueError(f"lowest is {self.lowest}, above highest, {self.highest}")
        return self

    @property
    def symbols(self) -> tuple[str, ...]:
        """The vocabulary, in the order of the network's outputs."""
        return (*OTHERS, *map(str, range(self.lowest, self.highest + 1)))

    @property
    def state(self) -> int:
        """Size of the state that the LSTMs carry from step to step: h and c of each layer."""
        return 2 * self.units * self.layers
