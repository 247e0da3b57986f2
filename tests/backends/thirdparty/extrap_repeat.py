"""A backend from outside: plays the last horizon of the context again. Its model file is a spec and nothing else."""

from pathlib import Path
from typing import ClassVar

from extrapcli.backends.base import Backend, LoadedModel, Tensors


class RepeatBackend(Backend):
    name: ClassVar[str] = "repeat"
    suffixes: ClassVar[tuple[str, ...]] = (".repeat",)
    devices: ClassVar[tuple[str, ...]] = ("cpu", "abacus")

    def load(self, path: Path, *, device: str, threads: int | None) -> LoadedModel:
        def run(inputs: Tensors) -> Tensors:
            horizon = self.spec.output_shapes["frames"][0] or 0
            return {"frames": inputs["context"][:, -horizon:]}

        return LoadedModel(path.read_text(), run, device="abacus" if device == "abacus" else "cpu")
