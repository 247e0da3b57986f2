"""A recipe: everything that decides what a training run makes, in one TOML file."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, ValidationError

from extrapcli.errors import UsageError
from extrapcli.networks.recall import RecallSettings
from extrapcli.networks.seq2seq import Seq2seqSettings


class Data(BaseModel, frozen=True, extra="forbid"):
    """Which songs, and which clips of them.

    `train` and `validation` name subfolders of the corpus. In each epoch every training song gives
    `clips_per_song` clips from random places; every validation song gives as many, evenly spaced and
    always the same. A clip is as long as the network's context and horizon together.
    """

    train: tuple[str, ...] = ("train",)
    validation: tuple[str, ...] = ("validation",)
    clips_per_song: PositiveInt = 1


class Fit(BaseModel, frozen=True, extra="forbid"):
    """Adam; `patience` epochs without a better validation loss end the run.

    The `cosine` schedule warms up for a hundred steps and falls to 2 % at the end. `averaging` is the momentum
    of a moving average of the weights, which is what is measured and kept.
    """

    epochs: PositiveInt
    batch_size: PositiveInt = 20
    learning_rate: PositiveFloat = 0.001
    schedule: Literal["constant", "cosine"] = "constant"
    weight_decay: NonNegativeFloat = 0.0
    clip_norm: PositiveFloat | None = None
    averaging: Annotated[float, Field(gt=0, lt=1)] | None = None
    patience: PositiveInt | None = None


class Ranking(BaseModel, frozen=True, extra="forbid"):
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


class Recipe(BaseModel, frozen=True, extra="forbid"):
    """`seq2seq` and `recall` are the settings of the networks of these names, `ranking` is for recall alone."""

    network: Literal["seq2seq", "recall"]
    seed: NonNegativeInt = 0
    seq2seq: Seq2seqSettings = Seq2seqSettings()
    recall: RecallSettings = RecallSettings()
    ranking: Ranking = Ranking()
    data: Data = Data()
    fit: Fit


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
        return Recipe.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise UsageError(f"{path}: cannot read the recipe: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg']}") from None
