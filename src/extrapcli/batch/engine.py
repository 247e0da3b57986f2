"""Runs the jobs of a batch in worker processes: `LocalEngine` on this machine, `cluster.RayEngine` on others."""

import os
import signal
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any, cast

from extrapcli.atomic import remove_unfinished
from extrapcli.batch.manifest import Record
from extrapcli.batch.worker import Assignment, Worker
from extrapcli.errors import ExtrapError
from extrapcli.pipeline import Options
from extrapcli.signals import INTERRUPTIONS, starting_a_process

_SECONDS_TO_LEAVE = 5.0
_SPAWN = get_context("spawn")


class WorkerDied(ExtrapError):
    """A worker that ended while it had a song, because a library crashed or somebody stopped it."""


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

    def _begin(self, assignment: Assignment) -> tuple["_Process", Connection]:
        process = self._idle.pop() if self._idle else _Process(self._options)
        if not process.is_alive():
            process.end()
            process = _Process(self._options)
        with suppress(OSError):  # a worker that has died is noticed when its answer is waited for
            process.pipe.send(assignment)
        return process, process.pipe

    def _wait(self, seconds: float | None) -> list[Any]:
        return wait(list(self._busy), seconds)

    def _answer(self, worker: "_Process", handle: Connection) -> Record:
        try:
            return cast(Record, handle.recv())
        except (EOFError, OSError):
            raise WorkerDied(f"the process working on it died ({worker.end()}); try it alone") from None

    def _discard(self, worker: "_Process") -> None:
        worker.ask_to_end()
        worker.end()

    def close(self) -> None:
        processes = self._idle + [process for process, _, _ in self._busy.values()]
        for process in processes:
            process.ask_to_end()
        for process in processes:
            process.end()


class _Process:
    """A worker process, and the pipe to it, which is its own: a shared one could be left locked by one that dies."""

    def __init__(self, options: Options) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs, options), daemon=True)
        try:
            with starting_a_process():
                self._process.start()
        except OSError as error:
            raise WorkerDied(f"no process can be started ({error.strerror})", hint="workers") from None
        theirs.close()

    def is_alive(self) -> bool:
        """Tell whether the process waits for work, by its pipe, which ends with it."""
        try:
            return not self.pipe.poll()
        except OSError:  # on Windows
            return False

    def ask_to_end(self) -> None:
        self._process.terminate()

    def end(self) -> str:
        """Make sure that the process has ended, and say how."""
        self.pipe.close()
        self._process.join(_SECONDS_TO_LEAVE)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        code = self._process.exitcode or 0
        names = {-number: number.name for number in signal.Signals}
        return names.get(code, f"signal {-code}" if code < 0 else f"exit status {code}")


def _serve(pipe: Connection, options: Options) -> None:
    """Work in a process of its own until the pipe is closed or the parent is gone."""
    for number in INTERRUPTIONS:  # a terminal sends these to workers too; their parent ends them
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTIONS)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    worker = Worker(options)
    with suppress(EOFError, OSError):
        while True:
            pipe.send(worker.run(pipe.recv()))


def _leave_with_parent() -> None:
    parent = parent_process()
    assert parent
    parent.join()
    _leave()


def _leave(*_: object) -> None:
    """Leave at once: an exception raised while a decoder calls back would be lost there."""
    try:
        remove_unfinished()
    finally:
        os._exit(128 + signal.SIGTERM)
