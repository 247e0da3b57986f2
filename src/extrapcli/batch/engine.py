"""What runs the work of a batch: worker processes of this machine, or another engine of this shape."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Protocol, Self

from extrapcli.atomic import remove_unfinished
from extrapcli.batch.manifest import Record, failed
from extrapcli.batch.worker import Task, Worker
from extrapcli.errors import ExtrapError
from extrapcli.pipeline import Options

_SECONDS_TO_LEAVE = 5.0
_SPAWN = get_context("spawn")


class WorkerDied(ExtrapError):
    """A process died at its work, because something in a library crashed, or was ended."""


class Engine(Protocol):
    """A context: left early, it stops what is being done."""

    @property
    def free(self) -> bool:
        """Whether another task would be begun soon."""
        ...

    def submit(self, task: Task) -> None: ...

    def finished(self) -> list[tuple[Task, Record]]:
        """Wait until something submitted has come to an end, its worker perhaps with it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class LocalEngine:
    """`jobs` processes, each with a model of its own.

    Each has a pipe of its own, too, so that one that dies takes nothing with it but its song; another takes its
    place, as of one that is ended because a song takes it more than `timeout_minutes`.
    """

    def __init__(self, options: Options, jobs: int, *, timeout_minutes: float = 60) -> None:
        self._options, self._jobs, self._timeout_minutes = options, jobs, timeout_minutes
        self._idle: list[_Process] = []
        self._busy: dict[Connection, tuple[_Process, Task, float]] = {}

    @property
    def free(self) -> bool:
        return len(self._busy) < self._jobs

    def submit(self, task: Task) -> None:
        process = self._idle.pop() if self._idle else _Process(self._options)
        if _is_ready(process.pipe):  # nothing was asked of it: this is its end
            process.end()
            process = _Process(self._options)
        self._busy[process.pipe] = process, task, monotonic() + self._timeout_minutes * 60
        with suppress(OSError):  # that it died is found when its answer is waited for
            process.pipe.send(task)

    def finished(self) -> list[tuple[Task, Record]]:
        deadline = min(deadline for _, _, deadline in self._busy.values())
        ready = wait(list(self._busy), max(0.0, deadline - monotonic()))
        late = [pipe for pipe, (_, _, deadline) in self._busy.items() if deadline <= monotonic()]
        return [self._ended(pipe) for pipe in self._busy.copy() if pipe in (ready or late)]

    def _ended(self, pipe: Connection) -> tuple[Task, Record]:
        process, task, _ = self._busy.pop(pipe)
        if not _is_ready(pipe):
            process.ask_to_end()
            process.end()
            taken = f"{task.work.source}: took more than {self._timeout_minutes:g} minutes; give it more --timeout"
            return task, failed(task.begun, WorkerDied(taken))
        try:
            record: Record = pipe.recv()
        except (EOFError, OSError):
            how = process.end()
            died = f"{task.work.source}: the process at work on it died ({how}); try it alone with extrap continue"
            return task, failed(task.begun, WorkerDied(died))
        self._idle.append(process)
        return task, record

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        processes = self._idle + [process for process, _, _ in self._busy.values()]
        for process in processes:
            process.ask_to_end()
        for process in processes:
            process.end()


def _is_ready(pipe: Connection) -> bool:
    """Return whether there is something to receive, or the other end is closed."""
    try:
        return pipe.poll()
    except OSError:  # closed, on Windows
        return True


class _Process:
    def __init__(self, options: Options) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs, options), daemon=True)
        try:
            with _without_interrupts():
                self._process.start()
        except OSError as error:
            raise WorkerDied(f"no process can be begun ({error.strerror}); give fewer --jobs") from None
        theirs.close()

    def ask_to_end(self) -> None:
        self._process.terminate()

    def end(self) -> str:
        """See to it that the process is gone, and say how it ended."""
        self.pipe.close()
        self._process.join(_SECONDS_TO_LEAVE)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        code = self._process.exitcode or 0
        named = {int(number): number.name for number in signal.Signals}
        return named.get(-code, f"signal {-code}") if code < 0 else f"exit status {code}"


_SIGNALS = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """What is begun here begins whole, and never sees the Ctrl-C that a terminal sends to all.

    Signals wait until then: masked for what is begun, and put off here, where any thread may be the one to get them.
    """
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _SIGNALS}
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS) if hasattr(signal, "pthread_sigmask") else None
    try:
        yield
    finally:
        if masked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def _leave(*_: object) -> None:
    """Leave at once: what is raised while a decoder calls back would be lost there."""
    remove_unfinished()
    os._exit(128 + signal.SIGTERM)


def _serve(pipe: Connection, options: Options) -> None:
    """What a worker process does, until the pipe is closed or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    Thread(target=_end_with_parent, daemon=True).start()
    worker = Worker(options)
    with suppress(EOFError, OSError):
        while True:
            pipe.send(worker.do(pipe.recv()))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    sleep(_SECONDS_TO_LEAVE)
    os._exit(1)
