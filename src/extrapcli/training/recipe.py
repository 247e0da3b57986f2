"""A recipe: everything that decides what a training run makes, in one TOML file."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from extrapcli.errors import UsageError
from extrapcli.networks.amplitude import AmplitudeSettings
from extrapcli.networks.echo import EchoSettings
from extrapcli.networks.lstm import LstmSettings
from extrapcli.networks.melody import MelodySettings
from extrapcli.networks.recall import FRAME_SAMPLES, RecallSettings
from extrapcli.networks.study import StudySettings

Network = Literal["study", "lstm", "echo", "recall", "melody", "amplitude"]
Scaling = Literal["clip", "context", "peak", "none"]
FrameSettings = StudySettings | LstmSettings | EchoSettings


class Table(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """A table of a recipe: unknown keys and numbers that are not finite are refused."""


class Data(Table, frozen=True):
    """Which songs: the names of splits of the corpus."""

    train: Annotated[tuple[str, ...], Field(min_length=1)] = ("train",)
    validation: Annotated[tuple[str, ...], Field(min_length=1)] = ("validation",)

    @model_validator(mode="after")
    def _no_split_twice(self) -> "Data":
        names = [*self.train, *self.validation]
        if len(set(names)) < len(names):
            raise ValueError("a split is named twice; what is trained on cannot validate")
        return self


class ClipSettings(Table, frozen=True):
    """Which clips of a song a network of frames is given, and how their samples are scaled.

    A clip is as long as the network's context and horizon together. With `start = "anywhere"` every training
    song gives `per_song` clips from random places in each epoch, every validation song as many, evenly spaced
    and always the same. See `clips.scaled` for the scalings. `mel_weight` is that of the distance of spectra in
    the loss, beside the squared error of samples (`loss.FrameLoss`).
    """

    per_song: PositiveInt = 1
    start: Literal["anywhere", "beginning"] = "anywhere"
    scaling: Scaling = "clip"
    mel_weight: NonNegativeFloat = 0.0

    @model_validator(mode="after")
    def _one_beginning(self) -> "ClipSettings":
        if self.start == "beginning" and self.per_song > 1:
            raise ValueError("a song has one beginning; per_song must be 1")
        return self

    @model_validator(mode="after")
    def _spectra_have_a_floor(self) -> "ClipSettings":
        if self.mel_weight and self.scaling not in ("clip", "context"):
            raise ValueError("mel_weight needs standardised samples: scaling clip or context")
        return self


class Fit(Table, frozen=True):
    """Adam; `patience` epochs without a better validation loss end the run.

    The `cosine` schedule warms up for a hundred steps, or a tenth of all, and falls to 2 % at the end. `averaging` is
    the momentum of a moving average of the weights, which is what is measured and kept. With `precision = "bfloat16"`
    layers compute in bfloat16 on float32 weights.
    """

    epochs: PositiveInt
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 20
    validation_batch_size: Annotated[int, Field(ge=1, le=4096)] | None = None
    learning_rate: PositiveFloat = 0.001
    schedule: Literal["constant", "cosine"] = "constant"
    weight_decay: NonNegativeFloat = 0.0
    clip_norm: PositiveFloat | None = None
    averaging: Annotated[float, Field(gt=0, lt=1)] | None = None
    patience: PositiveInt | None = None
    precision: Literal["float32", "bfloat16"] = "float32"

    @property
    def batch_sizes(self) -> tuple[int, int]:
        """Items in a batch of training, and of validation."""
        return self.batch_size, self.validation_batch_size or self.batch_size

    @model_validator(mode="after")
    def _patience_can_end(self) -> "Fit":
        if self.patience and self.patience >= self.epochs:
            raise ValueError(f"patience of {self.patience} can never end a run of {self.epochs} epochs")
        return self


class Ranking(Table, frozen=True):
    """How `recall` learns to rank: clips, queries asked of each, and the weight of the next two seconds.

    `backward` is the share of the queries that only earlier places may answer, as when a song has come to its
    end. `temperature` is the difference in cost that makes an answer e times less wanted.
    """

    clip_seconds: Annotated[int, Field(ge=30)] = 140
    queries: PositiveInt = 512
    backward: Annotated[float, Field(ge=0, le=1)] = 0.5
    soon_weight: NonNegativeFloat = 0.1
    temperature: PositiveFloat = 0.04
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1


class Tunes(Table, frozen=True):
    """How `melody` learns: the steps of a stretch, and the share of the tunes, by title, that it validates with."""

    context_steps: Annotated[int, Field(ge=1, le=4096)] = 64
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1


class Samples(Table, frozen=True):
    """Which samples `amplitude` learns to predict: those in the middle of songs, each channel by itself.

    `songs` are names of files in the training splits, without what follows the dot; none means all. Validation songs
    give `validation_samples` each. A channel is brought to unit deviation. With `every_step` the network learns from
    each step of stretches of `look_back` samples, else from the last of one at every place.
    """

    songs: tuple[str, ...] = ()
    per_song: PositiveInt = 160_000
    validation_samples: PositiveInt = 2_000
    every_step: bool = False


TABLES: dict[str, set[str]] = {
    "study": {"study", "clips", "data"},
    "lstm": {"lstm", "clips", "data"},
    "echo": {"echo", "clips", "data"},
    "recall": {"recall", "ranking", "data"},
    "melody": {"melody", "tunes"},
    "amplitude": {"amplitude", "samples", "data"},
}
"""The tables that each network has of its own."""


class Recipe(Table, frozen=True):
    """A network's settings are in the table of its name.

    `clips` is for networks of frames, `ranking` for recall, `tunes` for melody, `samples` for amplitude. `data` is
    for all but melody.
    """

    network: Network
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    study: StudySettings = StudySettings()
    lstm: LstmSettings = LstmSettings()
    echo: EchoSettings = EchoSettings()
    recall: RecallSettings = RecallSettings()
    melody: MelodySettings = MelodySettings()
    amplitude: AmplitudeSettings = AmplitudeSettings()
    clips: ClipSettings = ClipSettings()
    ranking: Ranking = Ranking()
    tunes: Tunes = Tunes()
    samples: Samples = Samples()
    data: Data = Data()
    fit: Fit

    @model_validator(mode="before")
    @classmethod
    def _no_foreign_tables(cls, tables: Any) -> Any:
        if isinstance(tables, dict) and tables.get("network") in TABLES:
            own = TABLES[tables["network"]]
            for name in sorted(set().union(*TABLES.values()) - own):
                if name in tables:
                    raise ValueError(f"[{name}] says nothing about a {tables['network']} network")
        return tables

    @model_validator(mode="after")
    def _spectra_have_a_rate(self) -> "Recipe":
        if self.clips.mel_weight and self.frames.frame_samples != FRAME_SAMPLES:
            raise ValueError(f"mel_weight needs frames of {FRAME_SAMPLES} samples")
        return self

    @model_validator(mode="after")
    def _samples_fill_a_window(self) -> "Recipe":
        shortest = min(self.samples.per_song, self.samples.validation_samples)
        if self.network == "amplitude" and shortest <= self.amplitude.look_back:
            raise ValueError(f"{shortest} samples are too few to predict one from {self.amplitude.look_back}")
        return self

    @model_validator(mode="after")
    def _echo_is_exact(self) -> "Recipe":
        if self.network == "echo" and self.fit.precision == "bfloat16":
            raise ValueError("echo compares samples, which bfloat16 is too coarse for")
        return self

    @property
    def frames(self) -> FrameSettings:
        """The settings of a network of frames."""
        if self.network not in ("study", "lstm", "echo"):
            raise ValueError(f"{self.network} is no network of frames")
        settings: FrameSettings = getattr(self, self.network)
        return settings

    def to_json(self) -> str:
        """The recipe with every default written out, without the tables of other networks."""
        return self.model_dump_json(indent=2, exclude=set().union(*TABLES.values()) - TABLES[self.network])


_PLACES = (Path(__file__).parents[1] / "recipes", Path(__file__).parents[3] / "training" / "recipes")


def find_recipe(name_or_path: str) -> Recipe:
    """Read the recipe of a name that extrap knows, or of a file; raise UsageError where neither is there."""
    for place in _PLACES:
        if (known := place / f"{name_or_path}.toml").is_file():
            return read_recipe(known)
    return read_recipe(Path(name_or_path))


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe; raise UsageError with the first thing that is wrong."""
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        known = ", ".join(sorted(p.stem for place in _PLACES for p in place.glob("*.toml")))
        raise UsageError(
            f"{path}: cannot read the recipe ({error.strerror}); name a file, or one of {known}"
        ) from None
    except ValidationError as error:
        raise UsageError(f"{path}: {first_fault(error)}") from None
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, numbers of thousands of digits
        raise UsageError(f"{path}: not TOML: {error}") from None


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong with a recipe, and where."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    told = first["msg"].removeprefix("Value error, ")
    return f"{where}: {told}" if where else told
