"""The base class of recipes. It needs no Keras until a recipe is used."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from extrapcli.backends.base import Backend
from extrapcli.networks.settings import Table
from extrapcli.spec import ModelSpec
from extrapcli.training.corpus import Corpus
from extrapcli.training.device import Worker
from extrapcli.training.progress import Progress
from extrapcli.training.tables import FitSettings

if TYPE_CHECKING:
    import keras
    import onnx

    from extrapcli.training.batches import Batches

Figures = dict[str, float | int | str]
"""Measurements for a model's card, by name."""


TENSORS = 8
"""About how many tensors of the size of a layer's output a step of training holds, for estimates of memory."""


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
    def sources(self, corpus: Corpus, progress: Progress) -> tuple[Any, Any, str]:
        """Prepare what the data sets of training and of validation are made from; return both and the songs' hash."""

    @abstractmethod
    def data_set(self, source: Any, **options: Any) -> Batches:
        """Make a data set from a source; `options` are those that all `Batches` have."""

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

    def prepare(self, corpus: Corpus, progress: Progress, worker: Worker) -> TrainingSetup:
        """Prepare the songs and build the network, its first weights drawn from the recipe's seed.

        Data and loss are float32 whatever the recipe's precision.
        """
        import keras

        *sources, sha256 = self.sources(corpus, progress)
        training, validation = (
            self.data_set(source, batch_size=size, random=random, seed=self.seed, worker=worker)
            for source, size, random in zip(sources, self.fit.batch_sizes, (True, False), strict=True)
        )
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
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
