"""The tables of recipes that are not the sizes of a network: what is unknown or out of range is refused.

This needs no Keras, so a recipe is checked before that is loaded.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from extrapcli.networks.settings import Table

BatchSize = Annotated[int, Field(ge=1, le=4096)]
Scaling = Literal["clip", "context", "peak", "none"]
Splits = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1, max_length=100)]
SampleCount = Annotated[int, Field(ge=1, le=10**7)]


class DataSettings(Table, frozen=True):
    """The splits of the corpus to train on and to validate with."""

    train: Splits = ("train",)
    validation: Splits = ("validation",)

    @model_validator(mode="after")
    def _check_splits_differ(self) -> "DataSettings":
        names = [*self.train, *self.validation]
        if len(set(names)) < len(names):
            raise ValueError("a split is named twice; training and validation need different songs")
        return self


class FitSettings(Table, frozen=True):
    """How the network is trained, with Adam.

    The `cosine` schedule warms up for 100 steps, or a tenth of all, then decays to 2 % of `learning_rate`.
    `averaging` is the momentum of an exponential moving average of the weights, which is then what is validated and
    kept. Early stopping ends a run after `patience` epochs without a lower validation loss. With
    `precision = "bfloat16"` layers compute in bfloat16, with float32 weights.
    """

    epochs: Annotated[int, Field(ge=1, le=100_000)]
    batch_size: BatchSize = 20
    validation_batch_size: BatchSize | None = None
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    schedule: Literal["constant", "cosine"] = "constant"
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    clip_norm: Annotated[float, Field(gt=0, le=1e6)] | None = None
    averaging: Annotated[float, Field(gt=0, lt=1)] | None = None
    patience: Annotated[int, Field(ge=1, le=100_000)] | None = None
    precision: Literal["float32", "bfloat16"] = "float32"

    @property
    def batch_sizes(self) -> tuple[int, int]:
        """The batch sizes of training and of validation."""
        return self.batch_size, self.validation_batch_size or self.batch_size

    @model_validator(mode="after")
    def _check_patience(self) -> "FitSettings":
        if self.patience and self.patience >= self.epochs:
            raise ValueError(f"patience of {self.patience} can never end a run of {self.epochs} epochs")
        return self


class ClipSettings(Table, frozen=True):
    """Which clips of a song the network learns from, and how their samples are scaled.

    A clip is as long as the network's context and horizon together. With `start = "anywhere"`, a training song gives
    `per_song` clips from random positions in each epoch, and a validation song as many, evenly spaced and always the
    same. `mel_weight` is the weight of the spectral distance in the loss (see `WaveformLoss`).
    """

    per_song: Annotated[int, Field(ge=1, le=10_000)] = 1
    start: Literal["anywhere", "beginning"] = "anywhere"
    scaling: Scaling = "clip"
    mel_weight: Annotated[float, Field(ge=0, le=1000)] = 0.0

    @model_validator(mode="after")
    def _check_beginning(self) -> "ClipSettings":
        if self.start == "beginning" and self.per_song > 1:
            raise ValueError("a song has one beginning; per_song must be 1")
        return self

    @model_validator(mode="after")
    def _check_scaling(self) -> "ClipSettings":
        if self.mel_weight and self.scaling not in ("clip", "context"):
            raise ValueError("mel_weight needs standardised samples: scaling clip or context")
        return self


class RankingSettings(Table, frozen=True):
    """How `recall` learns to rank: the length of clips, the queries in each, and the weight of the next two seconds.

    `backward` is the share of queries that only earlier positions may answer, as at the end of a song. `temperature`
    is the difference in cost that makes an answer less wanted by a factor of e.
    """

    clip_seconds: Annotated[int, Field(ge=30, le=600)] = 140
    queries: Annotated[int, Field(ge=1, le=8192)] = 512
    backward: Annotated[float, Field(ge=0, le=1)] = 0.5
    soon_weight: Annotated[float, Field(ge=0, le=100)] = 0.1
    temperature: Annotated[float, Field(gt=0, le=100)] = 0.04
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1


class PlanSettings(Table, frozen=True):
    """How `compose` learns: `per_song` clips of each song, with a head of so many slots and others that follow.

    `walked` is the share of stretches after the head that are not the truth but a walk over the head's slots. The
    nearer candidates are, the more they are wanted: `temperature` is the distance, as a share of the mean, that makes
    one less wanted by a factor of e.
    """

    per_song: Annotated[int, Field(ge=1, le=1000)] = 8
    head: tuple[Annotated[int, Field(ge=32, le=4096)], Annotated[int, Field(ge=32, le=4096)]] = (64, 144)
    ahead: Annotated[int, Field(ge=1, le=4096)] = 64
    walked: Annotated[float, Field(ge=0, le=1)] = 0.65
    temperature: Annotated[float, Field(gt=0, le=10)] = 0.08

    @model_validator(mode="after")
    def _check_head(self) -> "PlanSettings":
        if self.head[0] > self.head[1]:
            raise ValueError(f"head goes from {self.head[0]} to {self.head[1]}; the second must not be smaller")
        return self

    @property
    def slots(self) -> int:
        """The length of the longest clip: a head, what follows, and one slot more."""
        return self.head[1] + self.ahead + 1


class MixtureSettings(Table, frozen=True):
    """How `voice` learns: which splits hold voices and leads, and how they are mixed into `per_song` clips of a song.

    `voiced` and `leads` are the shares of clips with a voice and with a leading instrument. `levels_db` bounds the
    level of either, relative to the music that it sounds with.
    """

    voice_splits: Splits = ("voices",)
    lead_splits: Splits = ("leads",)
    validation_voices: Splits = ("voices-validation",)
    validation_leads: Splits = ("leads-validation",)
    clip_seconds: Annotated[int, Field(ge=2, le=60)] = 10
    per_song: Annotated[int, Field(ge=1, le=1000)] = 8
    voiced: Annotated[float, Field(ge=0, le=1)] = 0.6
    leads: Annotated[float, Field(ge=0, le=1)] = 0.4
    levels_db: tuple[float, float] = (-12.0, 9.0)
    smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.02
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class SampleSettings(Table, frozen=True):
    """Which samples `amplitude` learns to predict: `per_song` from the middle of each song, each channel by itself.

    `songs` are names of files in the training splits, without their suffix; empty means all. Validation songs give
    `validation_samples` each. Channels are brought to unit deviation. With `every_step` the network learns from every
    step of excerpts of `look_back` samples, without from the last step of an excerpt at every position.
    """

    songs: tuple[str, ...] = ()
    per_song: SampleCount = 160_000
    validation_samples: SampleCount = 2_000
    every_step: bool = False


class TuneSettings(Table, frozen=True):
    """How `melody` learns: the length of excerpts in steps, and the share of the tunes to validate with."""

    context_steps: Annotated[int, Field(ge=1, le=4096)] = 64
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1


class ExcerptSettings(Table, frozen=True):
    """How `beats` learns: the length of excerpts, and how many of each piece there are in an epoch.

    Half of the excerpts are faster or slower, by a factor of up to e to the `stretch`.
    """

    seconds: Annotated[int, Field(ge=1, le=600)] = 30
    per_piece: Annotated[int, Field(ge=1, le=1000)] = 2
    stretch: Annotated[float, Field(ge=0, le=0.5)] = 0.25
