"""Runs the jobs of a batch on a Ray cluster, on whichever machine has a core free."""

import logging
import os
import signal
import socket
import threading
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from extrapcli.atomic import temporary_folder
from extrapcli.batch.engine import Engine
from extrapcli.batch.manifest import Record
from extrapcli.batch.processes import WorkerDied
from extrapcli.batch.worker import Assignment, Worker
from extrapcli.errors import MissingDependency, UsageError
from extrapcli.models import find_model
from extrapcli.pipeline import Options

try:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reads these when it is imported
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # without it, Ray warns of a future change
    import ray
    from ray.exceptions import RayActorError, RayError
except ModuleNotFoundError:
    raise MissingDependency("the engine 'ray' needs Ray: pip install 'extrapcli[ray]'") from None

PACKAGE = "extrapcli"
_SECONDS_TO_ANSWER = 10.0


class RayEngine(Engine):
    """Up to `workers` Ray actors, by default one for each core of the cluster, started when there is a first song.

    The model's files are sent to the workers through Ray; songs and tracks are not: a worker reads and writes them
    where they are.
    """

    def __init__(
        self, options: Options, workers: int | None, *, address: str | None = None, timeout_minutes: float = 60
    ) -> None:
        super().__init__(timeout_minutes)
        self._options, self._workers = options, workers
        self._starting: dict[Any, Any] = {}
        self._actor_class: Any = None
        _connect(address)

    @property
    def free(self) -> bool:
        if self._actor_class is None:
            return True
        while not (self._idle or self._busy):
            self._wait(None)
        return bool(self._idle)

    def _begin(self, assignment: Assignment) -> tuple[Any, Any]:
        if self._actor_class is None:
            self._start_workers()
        while not self._idle:
            self._wait(None)
        actor = self._idle.pop()
        return actor, actor.run.remote(assignment)

    def _wait(self, seconds: float | None) -> list[Any]:
        ready, _ = ray.wait([*self._starting, *self._busy], timeout=seconds)
        for started in [handle for handle in ready if handle in self._starting]:
            actor = self._starting.pop(started)
            try:
                ray.get(started)
            except RayActorError as error:
                if error.actor_init_failed:
                    reason = str(error).strip().splitlines()[-1]
                    advice = "install the same extrapcli[ray] on each machine"
                    raise MissingDependency(f"a worker cannot start: {reason}; {advice}") from None
                self._start_worker()
            else:
                self._idle.append(actor)
        return [handle for handle in ready if handle in self._busy]

    def _answer(self, worker: Any, handle: Any) -> Record:
        try:
            return cast(Record, ray.get(handle))
        except RayError as error:
            raise WorkerDied(f"the worker that had it died ({type(error).__name__}); try it alone") from None

    def _discard(self, worker: Any) -> None:
        ray.kill(worker)
        self._start_worker()

    def close(self) -> None:
        ray.shutdown()  # which ends the workers, too

    def _start_workers(self) -> None:
        resource, gpus = ("GPU", 1) if self._options.device == "cuda" else ("CPU", 0)
        environment = {"env_vars": {"OPENBLAS_NUM_THREADS": "1"}}  # as the command line has it
        self._actor_class = ray.remote(num_cpus=1, num_gpus=gpus, runtime_env=environment)(_Actor)
        self._model = ray.put(_file_contents(find_model(self._options.model)))
        for _ in range(self._workers or max(1, int(ray.cluster_resources().get(resource, 1)))):
            self._start_worker()

    def _start_worker(self) -> None:
        actor = self._actor_class.remote(self._options, self._model, version(PACKAGE))
        self._starting[actor.ready.remote()] = actor


class _Actor:
    """A worker in a process of the cluster. Raises RuntimeError where it runs another version of extrap."""

    def __init__(self, options: Options, model: dict[str, bytes], wanted: str) -> None:
        if version(PACKAGE) != wanted:
            raise RuntimeError(f"{PACKAGE} is {version(PACKAGE)} there, and {wanted} here")
        with temporary_folder() as folder:
            for name, content in model.items():
                file = folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            path = folder / next(iter(model)) if len(model) == 1 else folder
            self._worker = Worker(replace(options, model=str(path)))
            self._worker.open()

    def ready(self) -> None: ...

    def run(self, assignment: Assignment) -> Record:
        return self._worker.run(assignment)


def _connect(address: str | None) -> None:
    """Join the cluster at an address, or else that of $RAY_ADDRESS, or else start one on this machine's cores."""
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    host, _, port = where.rpartition(":")
    handler = signal.getsignal(signal.SIGTERM)
    try:
        if port.isdigit() and "/" not in host:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER).close()
        new: dict[str, Any] = {"include_dashboard": False} if where == "local" else {}
        ray.init(address=where, log_to_driver=False, logging_level=logging.ERROR, **new)
    except Exception as error:  # Ray's errors have no other common base
        reason = str(error).splitlines()[0]
        raise UsageError(f"{where}: no Ray cluster there ({reason}); start one with ray start --head") from None
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)  # Ray has replaced it


def _file_contents(model: Path) -> dict[str, bytes]:
    """Read a model's file, or each file in its folder, by its name there."""
    if model.is_file():
        return {model.name: model.read_bytes()}
    return {path.relative_to(model).as_posix(): path.read_bytes() for path in model.rglob("*") if path.is_file()}
