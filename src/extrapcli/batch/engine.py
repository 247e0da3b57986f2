"""What runs the work of a batch: worker processes of this machine, or another engine of this shape."""

from concurrent.futures import FIRST_COMPLETED, Future, wait
from multiprocessing import get_context
from types import TracebackType
from typing import Protocol, Self

from pebble import ProcessExpired, ProcessPool

from extrapcli.batch.manifest import Record, failed
from extrapcli.batch.worker import Task, Worker
from extrapcli.errors import ExtrapError
from extrapcli.maker import Options


class WorkerDied(ExtrapError):
    """A process died at its work: something in a library crashed, or the system ended it."""


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
    """`jobs` processes, each with the model of `options`. One that crashes is replaced."""

    def __init__(self, options: Options, jobs: int) -> None:
        self._jobs = jobs
        self._pool = ProcessPool(
            max_workers=jobs, initializer=_open_worker, initargs=(options,), context=get_context("spawn")
        )
        self._running: dict[Future[Record], Task] = {}

    @property
    def free(self) -> bool:
        return len(self._running) <= self._jobs  # one waits, so that no worker does

    def submit(self, task: Task) -> None:
        self._running[self._pool.schedule(_work, args=(task,))] = task

    def finished(self) -> list[tuple[Task, Record]]:
        ended = []
        for future in wait(self._running, return_when=FIRST_COMPLETED).done:
            task = self._running.pop(future)
            try:
                record = future.result()
            except ProcessExpired as error:
                how = f"signal {-error.exitcode}" if error.exitcode < 0 else f"exit status {error.exitcode}"
                died = WorkerDied(f"{task.work.source}: the process at work on it died ({how})")
                record = failed(task.begun, died)
            ended.append((task, record))
        return ended

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


_worker: Worker


def _open_worker(options: Options) -> None:
    global _worker
    _worker = Worker(options)


def _work(task: Task) -> Record:
    return _worker.do(task)
