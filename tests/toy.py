"""Backends whose model is a Python function, for tests of what is done with a model's outputs."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend, LoadedModel
from extrapcli.spec import ModelSpec


class ToyBackend(Backend):
    """Computes outputs with `compute`; inputs and outputs are checked as those of any backend."""

    name: ClassVar[str] = "toy"
    suffixes: ClassVar[tuple[str, ...]] = ()
    model: ModelSpec

    def __init__(self) -> None:
        super().__init__(Path("toy"))

    def load(self, path: Path, *, device: str, threads: int | None) -> LoadedModel:
        return LoadedModel(self.model.to_json(), lambda inputs: self.compute(inputs["context"]))

    @abstractmethod
    def compute(self, context: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]: ...
