"""Make models/beats from the weights that the package BeatNet ships.

Usage, in an environment with the extra `train`:

    pip download --no-deps BeatNet==1.1.3
    python training/beats/import_beatnet.py BeatNet-1.1.3-py3-none-any.whl models/beats

BeatNet's weights are by Mojtaba Heydari, Frank Cwitkowitz and Zhiyao Duan, and their licence is CC BY 4.0; it is
written beside the model. Nothing of the package is run: PyTorch's files are archives of a pickle and of plain
numbers, and the pickle is read by a reader that knows only what such a file needs.
"""

import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.models import Card, sha256, write_card
from extrapcli.networks.beat_head import NETWORKS
from extrapcli.networks.beats import (
    HOP_SAMPLES,
    LEVEL,
    MARGINS,
    SAMPLE_RATE,
    beats,
    load_beatnet,
    state_size,
)
from extrapcli.spec import BeatsSpec
from extrapcli.training.export import OPSET, write_keras, write_onnx

WHEEL_SHA256 = "1ecfa17bdcbe899975a88bdb6efebd6970d846a4f3b6cfd5c6f320647c641c7e"
LICENCE = "BeatNet-1.1.3.dist-info/LICENSE"
SPEC = BeatsSpec("beats", SAMPLE_RATE, HOP_SAMPLES, *MARGINS, LEVEL, state_size(), 0)


class TensorReader(pickle.Unpickler):
    """Reads a PyTorch state of float32 tensors, `data.pkl`, with a function that reads its storages by name."""

    def __init__(self, file: Any, storage: Callable[[str], bytes]) -> None:
        super().__init__(file)
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        known = {"OrderedDict": OrderedDict, "FloatStorage": np.float32, "_rebuild_tensor_v2": _tensor}
        if name not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a state of float32 tensors")
        return known[name]

    def persistent_load(self, pid: tuple[Any, ...]) -> np.ndarray:
        return np.frombuffer(self._storage(pid[2]), np.float32)


def _tensor(storage: np.ndarray, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> np.ndarray:
    strides = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, strides).copy()


def read_states(wheel: Path) -> list[dict[str, np.ndarray]]:
    """Read the weights of the three networks, by PyTorch's names."""
    states = []
    with zipfile.ZipFile(wheel) as archive:
        for number in range(1, NETWORKS + 1):
            with archive.open(f"BeatNet/models/model_{number}_weights.pt") as file, zipfile.ZipFile(file) as state:
                pickled = next(name for name in state.namelist() if name.endswith("/data.pkl"))
                folder = pickled.removesuffix(".pkl")
                with state.open(pickled) as stream:
                    states.append(TensorReader(stream, lambda key: state.read(f"{folder}/{key}")).load())  # noqa: B023
    return states


def difference(backends: list[Backend]) -> float:
    """Return by how much the activations of two backends differ at most, on half a minute of clicks and noise."""
    rng = np.random.default_rng(0)
    context = rng.normal(scale=LEVEL, size=(1, 1500, HOP_SAMPLES)).astype(np.float32)
    context *= (np.arange(1500) % 25 < 3)[None, :, None]
    state = np.zeros((1, SPEC.state), np.float32)
    one, other = (backend.run({"context": context, "state": state}) for backend in backends)
    return max(float(np.abs(one[name] - other[name]).max()) for name in ("beat", "downbeat"))


def main(wheel: Path, out: Path) -> None:
    """Write the model, its card and its licence."""
    digest = sha256(wheel)
    if digest != WHEEL_SHA256:
        sys.exit(f"{wheel}: is not the file that this was written for; take BeatNet 1.1.3")
    out.mkdir(parents=True, exist_ok=True)
    model = beats()
    load_beatnet(model, read_states(wheel))
    facts = {"weights": f"BeatNet 1.1.3, SHA-256 {digest}"}
    write_keras(model, out / "model.keras", spec=SPEC, facts=facts, half=True)
    stored = keras.saving.load_model(out / "model.keras", compile=False)
    write_onnx(stored, out / "model.onnx", spec=SPEC, facts=facts, weights="float16")
    apart = difference([open_model(out, backend=name, device="cpu") for name in ("onnx", "tensorflow")])
    card = Card(
        name=SPEC.name,
        title="finds beats and bars",
        continues=False,
        summary="Says where beats and bar lines fall in a song; the analysis uses it. The mean of BeatNet's three "
        "networks (Heydari, Cwitkowitz and Duan, ISMIR 2021), rebuilt in Keras with their features inside.",
        licence="CC BY 4.0 (weights by Mojtaba Heydari, Frank Cwitkowitz and Zhiyao Duan; changed: in float16)",
        data="trained by BeatNet's authors on Ballroom, GTZAN, RWC, Rock Corpus and others, each network without one "
        "of these; weights from the package BeatNet 1.1.3",
        made_by=f"python training/beats/import_beatnet.py {wheel.name} {out}",
        figures={
            "frames_per_second": SAMPLE_RATE // HOP_SAMPLES,
            "parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
            "onnx_keras_difference": float(f"{apart:.1e}"),
            "onnx_opset": OPSET,
            "onnx_weights": "float16",
        },
        files={name: sha256(out / name) for name in ("model.onnx", "model.keras")},
    )
    write_card(out, card)
    with zipfile.ZipFile(wheel) as archive:
        (out / "LICENSE").write_text(archive.read(LICENCE).decode().replace("\r\n", "\n"), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
