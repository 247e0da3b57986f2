"""The ONNX Runtime backend, on CPU and CUDA. The only place that opens ONNX sessions."""

import os
from functools import cache
from pathlib import Path
from typing import ClassVar

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # or it keeps files in the user's folders, and sends what it runs

import onnxruntime

from extrapcli.backends.base import Backend, LoadedModel, Tensors
from extrapcli.errors import MissingDependency, UsageError
from extrapcli.ranges import check_threads
from extrapcli.spec import METADATA_KEY, Shape

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
SHARED_MEMORY = "session.use_env_allocators"  # among all sessions of the process
AS_REQUESTED = 1  # not twice as much each time
FATAL = 4  # the only severity that ONNX Runtime prints; everything else reaches the user as an exception


class OnnxBackend(Backend):
    """Runs `.onnx` files. ONNX Runtime itself refuses external data outside the folder of a model."""

    name: ClassVar[str] = "onnx"
    suffixes: ClassVar[tuple[str, ...]] = (".onnx",)
    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")

    def load(self, path: Path, *, device: str, threads: int | None) -> LoadedModel:
        session = open_session(path, device=device, threads=threads)
        inputs, outputs = _shapes(session.get_inputs()), _shapes(session.get_outputs())
        names = list(outputs)

        def run(given: Tensors) -> Tensors:
            return dict(zip(names, session.run(names, dict(given)), strict=True))

        spec = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        return LoadedModel(spec, run, inputs, outputs, "cuda" if CUDA in session.get_providers() else "cpu")


def open_session(path: Path, *, device: str = "auto", threads: int | None = None) -> onnxruntime.InferenceSession:
    """Open an ONNX file on `cpu`, `cuda`, or whichever is there.

    `threads` bounds the threads of one operation; None is one for each core. Raises MissingDependency where CUDA was
    asked for and can't be used, and ONNX Runtime's exceptions for a file that it can't run.
    """
    check_threads(threads)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry(SHARED_MEMORY, "1")
    _register_shared_memory()
    options.enable_mem_pattern = False  # planning memory for each shape takes a third more of it
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other work runs between calls
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"ONNX Runtime has no device {device} here; it has auto, cpu, cuda", hint="device")
    available = onnxruntime.get_available_providers()
    if device == "cuda" and CUDA not in available:
        raise MissingDependency(_NO_CUDA)
    providers = [CPU] if device == "cpu" else [name for name in (CUDA, CPU) if name in available]
    # Falling back from CUDA is announced on stdout; the CPU has nothing to fall back to.
    session = onnxruntime.InferenceSession(path, options, providers=providers, enable_fallback=int(CUDA in providers))
    if device == "cuda" and CUDA not in session.get_providers():
        raise MissingDependency(_NO_CUDA)
    return session


@cache
def _register_shared_memory() -> None:
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    growth = onnxruntime.OrtArenaCfg({"arena_extend_strategy": AS_REQUESTED})
    onnxruntime.create_and_register_allocator(memory, growth)


_NO_CUDA = (
    "the installed ONNX Runtime can't use CUDA; for an NVIDIA GPU: pip uninstall onnxruntime, "
    "then pip install onnxruntime-gpu"
)


def _shapes(tensors: list[onnxruntime.NodeArg]) -> dict[str, Shape]:
    return {t.name: tuple(n if isinstance(n, int) else None for n in t.shape) for t in tensors}
