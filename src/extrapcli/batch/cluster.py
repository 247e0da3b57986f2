"""The work of a batch on a Ray cluster: workers on whichever of its machines has a core free."""

import logging
import os
import signal
import socket
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import TracebackType
from typing import Any, Self, cast

from extrapcli.batch.engine import WorkerDied
from extrapcli.batch.manifest import Record, failed
from extrapcli.batch.worker import Task, Worker
from extrapcli.errors import MissingDependency, UsageError
from extrapcli.models import find_model
from extrapcli.pipeline import Options

try:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reads it when it is loaded
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of what it will do some day
    import ray
    from ray.exceptions import RayActorError, RayError
except ModuleNotFoundError:
    raise MissingDependency("--engine ray needs Ray: pip install 'extrapcli[ray]'") from None

PACKAGE = "extrapcli"
_SECONDS_TO_ANSWER = 10.0


class RayEngine:
    """Up to `jobs` workers, by default as many as the cluster has cores, each with a core and a model of its own.

    The model's files go to the workers through Ray, songs and tracks do not: a worker reads and writes them where
    they lie. A worker that dies, with its machine or alone, or that a song takes more than `timeout_minutes`, makes
    that song fail, and another one takes its place.
    """

    def __init__(
        self, options: Options, jobs: int | None, *, address: str | None = None, timeout_minutes: float = 60
    ) -> None:
        self._options, self._timeout_minutes = options, timeout_minutes
        _connect(address)
        on_gpu = options.device == "cuda"
        self._actor: Any = ray.remote(
            num_cpus=1,
            num_gpus=int(on_gpu),
            runtime_env={"env_vars": {"OPENBLAS_NUM_THREADS": "1"}},  # as the command has it
        )(_Actor)
        self._model = ray.put(_files(find_model(options.model)))
        self._starting: dict[ray.ObjectRef[None], Any] = {}
        self._idle: list[Any] = []
        self._busy: dict[ray.ObjectRef[Record], tuple[Any, Task, float]] = {}
        for _ in range(jobs or max(1, int(ray.cluster_resources().get("GPU" if on_gpu else "CPU", 1)))):
            self._start()

    @property
    def free(self) -> bool:
        """Whether a worker is; waits for one to start where there is no work to wait for."""
        while not (self._idle or self._busy):
            self._wait()
        return bool(self._idle)

    def submit(self, task: Task) -> None:
        actor = self._idle.pop()
        self._busy[actor.do.remote(task)] = actor, task, monotonic() + self._timeout_minutes * 60

    def finished(self) -> list[tuple[Task, Record]]:
        """Wait until something submitted has come to an end, or another worker is ready for more."""
        ready = self._wait()
        late = [work for work, (_, _, deadline) in self._busy.items() if deadline <= monotonic()]
        return [self._ended(work) for work in self._busy.copy() if work in (ready or late)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ray.shutdown()  # which ends the workers, too

    def _start(self) -> None:
        actor = self._actor.remote(self._options, self._model, version(PACKAGE))
        self._starting[actor.ready.remote()] = actor

    def _wait(self) -> list[Any]:
        """Wait for whatever comes first, take in the workers that are ready, and give what of the work has ended."""
        deadline = min((deadline for _, _, deadline in self._busy.values()), default=None)
        seconds = None if deadline is None else max(0.0, deadline - monotonic())
        ready, _ = ray.wait([*self._starting, *self._busy], timeout=seconds)
        for started in [found for found in ready if found in self._starting]:
            actor = self._starting.pop(started)
            try:
                ray.get(started)
            except RayActorError as error:
                if error.actor_init_failed:
                    reason = str(error).strip().splitlines()[-1]
                    told = f"a worker cannot start: {reason}; install the same extrapcli[ray] on each machine"
                    raise MissingDependency(told) from None
                self._start()
            else:
                self._idle.append(actor)
        return [found for found in ready if found in self._busy]

    def _ended(self, work: Any) -> tuple[Task, Record]:
        actor, task, deadline = self._busy.pop(work)
        source = task.work.source
        if not ray.wait([work], timeout=0)[0] and deadline <= monotonic():
            told = f"{source}: took more than {self._timeout_minutes:g} minutes; give it more --timeout"
        else:
            try:
                record = cast(Record, ray.get(work))
                self._idle.append(actor)
                return task, record
            except RayError as error:
                reason = type(error).__name__
                told = f"{source}: the worker at work on it died ({reason}); try it alone with extrap continue"
        ray.kill(actor)
        self._start()
        return task, failed(task.begun, WorkerDied(told))


class _Actor:
    """A worker in a process of its own. Raises RuntimeError where extrap is another than the caller's."""

    def __init__(self, options: Options, model: dict[str, bytes], wanted: str) -> None:
        if version(PACKAGE) != wanted:
            raise RuntimeError(f"{PACKAGE} is {version(PACKAGE)} there, and {wanted} here")
        with TemporaryDirectory() as folder:
            for name, content in model.items():
                file = Path(folder) / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            only = Path(folder) / next(iter(model))
            self._worker = Worker(Options(**vars(options) | {"model": str(only if len(model) == 1 else folder)}))
            self._worker.open()

    def ready(self) -> None: ...

    def do(self, task: Task) -> Record:
        return self._worker.do(task)


def _connect(address: str | None) -> None:
    """Join the cluster at an address, else that of $RAY_ADDRESS, else begin one of this machine's cores."""
    which = address or os.environ.get("RAY_ADDRESS") or "local"
    host, _, port = which.rpartition(":")
    at_end = signal.getsignal(signal.SIGTERM)
    try:
        if port.isdigit() and "/" not in host:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER).close()
        new: dict[str, Any] = {"include_dashboard": False} if which == "local" else {}
        ray.init(address=which, log_to_driver=False, logging_level=logging.ERROR, **new)
    except Exception as error:  # Ray's have no other base
        reason = str(error).splitlines()[0]
        raise UsageError(f"{which}: no Ray cluster there ({reason}); begin one with ray start --head") from None
    signal.signal(signal.SIGTERM, at_end)  # Ray puts its own there


def _files(model: Path) -> dict[str, bytes]:
    """The content of a model's file, or of each file in its folder, by its name there."""
    if model.is_file():
        return {model.name: model.read_bytes()}
    return {path.relative_to(model).as_posix(): path.read_bytes() for path in model.rglob("*") if path.is_file()}
