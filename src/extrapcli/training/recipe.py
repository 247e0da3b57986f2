"""A recipe: everything that decides what a training run makes, in one TOML file."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, NonNegativeInt, PositiveFloat, PositiveInt, ValidationError

from extrapcli.errors import UsageError
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
    """Adam on the mean squared error; `patience` epochs without a better validation loss end the run."""

    epochs: PositiveInt
    batch_size: PositiveInt = 20
    learning_rate: PositiveFloat = 0.001
    patience: PositiveInt | None = None


class Recipe(BaseModel, frozen=True, extra="forbid"):
    network: Literal["seq2seq"]
    seed: NonNegativeInt = 0
    seq2seq: Seq2seqSettings = Seq2seqSettings()
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
