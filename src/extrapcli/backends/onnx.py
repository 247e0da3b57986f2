"""The ONNX Runtime backend, on CPU and CUDA."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from extrapcli.backends.base import check_context, check_tensors
from extrapcli.errors import MissingDependency, UnusableModel
from extrapcli.frames import Frames
from extrapcli.spec import METADATA_KEY, ModelSpec, Shape

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
SILENT = 4  # ONNX Runtime's severity "fatal": everything else reaches the user as an exception


class OnnxBackend:
    """Runs `.onnx` files whose metadata hold a spec. ONNX Runtime refuses external data outside their folder."""

    name: ClassVar[str] = "onnx"
    suffixes: ClassVar[tuple[str, ...]] = (".onnx",)

    def __init__(self, path: Path, *, device: str, threads: int | None) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = SILENT
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = threads or 0
        options.enable_mem_pattern = False  # a plan of the memory for each shape takes a third more of it
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other work runs between calls
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=_providers(device))
        except MissingDependency:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no other base
            reason = str(error).splitlines()[0][:300]
            raise UnusableModel(f"{path}: not an ONNX model that can be run: {reason}") from None
        self.device = "cuda" if CUDA in self._session.get_providers() else "cpu"
        if device == "cuda" and self.device == "cpu":
            raise MissingDependency(_NO_CUDA)
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            raise UnusableModel(f"{path}: holds no extrap spec; make it with extrap export")
        try:
            self.spec = ModelSpec.from_json(text)
        except UnusableModel as error:
            raise UnusableModel(f"{path}: {error}") from None
        check_tensors(path, self.spec, _shapes(self._session.get_inputs()), _shapes(self._session.get_outputs()))

    def run(self, context: Frames) -> Mapping[str, NDArray[np.float32]]:
        check_context(self.spec, context)
        names = list(self.spec.output_shapes)
        return dict(zip(names, self._session.run(names, {"context": context}), strict=True))


_NO_CUDA = (
    "CUDA was asked for, but this ONNX Runtime cannot use it: "
    "pip uninstall onnxruntime, pip install onnxruntime-gpu, and see extrap doctor"
)


def _providers(device: str) -> list[str]:
    here = onnxruntime.get_available_providers()
    if device == "cuda" and CUDA not in here:
        raise MissingDependency(_NO_CUDA)
    return [CPU] if device == "cpu" else [name for name in (CUDA, CPU) if name in here]


def _shapes(tensors: list[onnxruntime.NodeArg]) -> dict[str, Shape]:
    return {t.name: tuple(n if isinstance(n, int) else None for n in t.shape) for t in tensors}
