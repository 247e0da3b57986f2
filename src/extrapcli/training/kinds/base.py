"""The base class of recipes, and the tables that all recipes share."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import BaseModel, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from extrapcli.backends.base import Backend
from extrapcli.spec import ModelSpec
from extrapcli.training.batches import Batches
from extrapcli.training.corpus import Corpus
from extrapcli.training.device import Worker
from extrapcli.training.progress import Progress

Figures = dict[str, float | int | str]
"""Measurements for a model's card, by name."""

BatchSize = Annotated[int, Field(ge=1, le=4096)]


class Table(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """A table of a recipe. Unknown keys, infinities and NaN are refused."""


class DataSettings(Table, frozen=True):
    """The splits of the corpus to train on and to validate with."""

    train: Annotated[tuple[str, ...], Field(min_length=1)] = ("train",)
    validation: Annotated[tuple[str, ...], Field(min_length=1)] = ("validation",)

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

    epochs: PositiveInt
    batch_size: BatchSize = 20
    validation_batch_size: BatchSize | None = None
    learning_rate: PositiveFloat = 0.001
    schedule: Literal["constant", "cosine"] = "constant"
    weight_decay: NonNegativeFloat = 0.0
    clip_norm: PositiveFloat | None = None
    averaging: Annotated[float, Field(gt=0, lt=1)] | None = None
    patience: PositiveInt | None = None
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


@dataclass(frozen=True)
class TrainingSetup:
    """What a recipe makes of a corpus: the network and its loss, the data sets, and the hash of the songs."""

    model: keras.Model
    loss: keras.losses.Loss
    training: Batches
    validation: Batches
    corpus_sha256: str


class Recipe(Table, ABC, frozen=True):
    """Everything that decides what a training run makes; how to train that, and how to release it.

    There is a subclass for each network, listed in `kinds.RECIPES`. It adds the network's tables, of which the one
    with the network's name holds its sizes.
    """

    title: ClassVar[str]
    """What the model does, in about 40 characters. It may name sizes of the network in braces, as `{look_back}`."""
    summary: ClassVar[str]
    """What the model does and what to expect of it, in a sentence or two; with sizes in braces too."""
    research: ClassVar[bool] = False
    """Whether the model is for comparison only."""

    network: str
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    fit: FitSettings

    def open_corpus(self, path: Path, progress: Progress) -> Corpus:
        """Open the corpus at a path; raise UsageError where there is none."""
        return Corpus.open(path)

    @abstractmethod
    def data_sets(self, corpus: Corpus, progress: Progress, worker: Worker) -> tuple[Batches, Batches, str]:
        """Prepare the songs; return the data sets of training and of validation, and the hash of the songs."""

    @abstractmethod
    def loss(self) -> keras.losses.Loss:
        """Make the loss that the network is trained with."""

    @abstractmethod
    def build(self, training: Batches) -> keras.Model:
        """Build the network in the form that is trained; `training` may decide its first weights."""

    def memory_bytes(self, processes: int) -> int:
        """Estimate the memory that training takes, where a recipe's sizes can make that too much for a machine."""
        return 0

    @abstractmethod
    def data_summary(self, songs: int, corpus: Path) -> str:
        """Say what the model was trained on: so many songs of a corpus."""

    @abstractmethod
    def spec(self, name: str) -> ModelSpec:
        """Describe the inputs and outputs of the model."""

    @abstractmethod
    def released(self, weights: Path) -> keras.Model:
        """Build the network in the form that is released, with the weights of a run."""

    def onnx_graph(self, released: keras.Model, opset: int) -> onnx.ModelProto | None:
        """Write the ONNX form of a released network, where what tf2onnx makes is not good enough."""
        return None

    @abstractmethod
    def measure(
        self, released: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        """Measure an exported model on the validation songs.

        Returns figures for the card, and the largest difference between the backends, relative to the largest
        output. Raises UnusableModel where storing the weights in a smaller type costs too much.
        """

    def filled(self, text: str) -> str:
        """Fill the network's sizes into a title or a summary."""
        return text.format(**dict(getattr(self, self.network)))

    def batching(self, worker: Worker, *, random: bool) -> dict[str, Any]:
        """Return the arguments of `Batches` that all data sets have: random ones for training, else validation."""
        training, validation = self.fit.batch_sizes
        size = training if random else validation
        return {"batch_size": size, "random": random, "seed": self.seed, "worker": worker}

    def prepare(self, corpus: Corpus, progress: Progress, worker: Worker) -> TrainingSetup:
        """Prepare the songs and build the network, its first weights drawn from the recipe's seed.

        Data and loss are float32 whatever the recipe's precision.
        """
        training, validation, sha256 = self.data_sets(corpus, progress, worker)
        loss = self.loss()
        keras.utils.set_random_seed(self.seed)
        with _precision("mixed_bfloat16" if self.fit.precision == "bfloat16" else "float32"):
            model = self.build(training)
        return TrainingSetup(model, loss, training, validation, sha256)

    def to_json(self) -> str:
        """Return the recipe with all defaults written out."""
        return self.model_dump_json(indent=2)


def relative_difference(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Return the largest difference between two arrays, relative to the largest magnitude in the second."""
    return float(np.abs(one - other).max() / max(np.abs(other).max(), np.finfo(np.float32).tiny))


@contextmanager
def _precision(policy: str) -> Iterator[None]:
    """Make layers that are built in this block compute with a dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
