"""Runs the jobs of a batch in worker processes: `LocalEngine` on this machine, `cluster.RayEngine` on others."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any, cast

from extrapcli.batch.manifest import Record
from extrapcli.batch.processes import WorkerDied, WorkerProcess
from extrapcli.batch.worker import Assignment, Worker
from extrapcli.pipeline import Options


class Engine(ABC):
    """Worker processes, each with its own model and one song at a time.

    A worker that dies takes only its song with it, and one that needs more than `timeout_minutes` for a song is
    stopped; another takes its place. (`concurrent.futures` loses all workers when one dies, and has no time limit.)

    Subclasses define the workers, and for each assignment a handle to wait for.
    """

    def __init__(self, timeout_minutes: float) -> None:
        self._timeout_minutes = timeout_minutes
        self._idle: list[Any] = []  # workers
        self._busy: dict[Any, tuple[Any, Assignment, float]] = {}  # by handle: the worker, its song and its deadline

    @property
    @abstractmethod
    def free(self) -> bool:
        """Whether another assignment can be submitted; where nothing is in progress, wait until one can."""

    @abstractmethod
    def close(self) -> None:
        """Stop all workers, whatever they are doing."""

    @abstractmethod
    def _begin(self, assignment: Assignment) -> tuple[Any, Any]:
        """Give an assignment to a worker; return the worker and a handle."""

    @abstractmethod
    def _wait(self, seconds: float | None) -> list[Any]:
        """Wait until a worker answers or becomes ready, but no longer; return the handles of the answers."""

    @abstractmethod
    def _answer(self, worker: Any, handle: Any) -> Record:
        """Return a worker's answer. Raises WorkerDied where it has died instead."""

    @abstractmethod
    def _discard(self, worker: Any) -> None:
        """Stop a worker that hangs or has died."""

    def submit(self, assignment: Assignment) -> None:
        worker, handle = self._begin(assignment)
        self._busy[handle] = worker, assignment, monotonic() + self._timeout_minutes * 60

    def finished(self) -> list[tuple[Assignment, Record]]:
        """Wait until an assignment ends or runs out of time; return those that did, which may be none."""
        first = min((deadline for _, _, deadline in self._busy.values()), default=None)
        if answered := self._wait(None if first is None else max(0.0, first - monotonic())):
            return [self._end(handle) for handle in answered]
        late = [handle for handle, (_, _, deadline) in self._busy.items() if deadline <= monotonic()]
        return [self._end(handle, late=True) for handle in late]

    def _end(self, handle: Any, *, late: bool = False) -> tuple[Assignment, Record]:
        worker, assignment, _ = self._busy.pop(handle)
        try:
            if late:
                raise WorkerDied(f"took more than {self._timeout_minutes:g} minutes", hint="timeout_minutes")
            record = self._answer(worker, handle)
        except WorkerDied as error:
            self._discard(worker)
            failure = WorkerDied(f"{assignment.job.source}: {error}", hint=error.hint)
            return assignment, assignment.started.failed(failure)
        self._idle.append(worker)
        return assignment, record


class LocalEngine(Engine):
    """Up to `workers` processes on this machine, each started when there is a song for it."""

    def __init__(self, options: Options, workers: int, *, timeout_minutes: float = 60) -> None:
        super().__init__(timeout_minutes)
        self._options, self._workers = options, workers

    @property
    def free(self) -> bool:
        return len(self._busy) < self._workers

    def _begin(self, assignment: Assignment) -> tuple[WorkerProcess, Connection]:
        make = partial(_runs, self._options)
        process = self._idle.pop() if self._idle else WorkerProcess(make)
        if not process.is_alive():
            process.end()
            process = WorkerProcess(make)
        with suppress(OSError):  # a worker that has died is noticed when its answer is waited for
            process.pipe.send(assignment)
        return process, process.pipe

    def _wait(self, seconds: float | None) -> list[Any]:
        return wait(list(self._busy), seconds)

    def _answer(self, worker: WorkerProcess, handle: Connection) -> Record:
        try:
            return cast(Record, worker.answer())
        except WorkerDied as error:
            raise WorkerDied(f"{error}; try it alone") from None

    def _discard(self, worker: WorkerProcess) -> None:
        worker.ask_to_end()
        worker.end()

    def close(self) -> None:
        processes = self._idle + [process for process, _, _ in self._busy.values()]
        for process in processes:
            process.ask_to_end()
        for process in processes:
            process.end()


def _runs(options: Options) -> Callable[[Assignment], Record]:
    return Worker(options).run
