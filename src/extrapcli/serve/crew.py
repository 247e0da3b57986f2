"""The crew: worker processes that do one job after another, in turn for everybody who waits."""

import threading
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from extrapcli.batch.processes import WorkerDied, WorkerProcess
from extrapcli.errors import ExtrapError
from extrapcli.serve.jobs import SONGS, Job, Jobs, NoSuchJob, Task

Work = Callable[[Any], Any]


class Queue:
    """Jobs that wait. Owners take turns, so that nobody waits for all that somebody else wants."""

    def __init__(self) -> None:
        self._owners: deque[str] = deque()  # whose turn is next
        self._waiting: dict[str, deque[Job]] = {}
        self._songs: dict[str, str] = {}  # by job
        self._idle: list[Collection[str]] = []  # the songs that those who want a job know
        self._changed = threading.Condition()
        self.closed = False

    def put(self, job: Job, song: str = "") -> None:
        """Let a job wait; `song` is what it is made from."""
        with self._changed:
            if job.owner not in self._waiting:
                self._owners.append(job.owner)
                self._waiting[job.owner] = deque()
            self._waiting[job.owner].append(job)
            self._songs[job.id] = song
            self._changed.notify_all()

    def take(self, known: Collection[str] = ()) -> Job | None:
        """Wait for the next job, unless another who waits knows its song and this one doesn't; None at the end."""
        with self._changed:
            self._idle.append(known)
            while not self.closed and not self._suits(known):
                self._changed.wait()
            self._idle = [others for others in self._idle if others is not known]
            if self.closed:
                return None
            owner = self._owners.popleft()
            job = self._waiting[owner].popleft()
            del self._songs[job.id]
            if self._waiting[owner]:
                self._owners.append(owner)
            else:
                del self._waiting[owner]
            self._changed.notify_all()
            return job

    def _suits(self, known: Collection[str]) -> bool:
        """Tell whether somebody who knows some songs should take the next job."""
        if not self._owners:
            return False
        song = self._songs[self._waiting[self._owners[0]][0].id]
        return song in known or not any(song in others for others in self._idle)

    def remove(self, job: Job) -> None:
        with self._changed:
            self._songs.pop(job.id, None)
            left = deque(other for other in self._waiting.get(job.owner, ()) if other.id != job.id)
            if left:
                self._waiting[job.owner] = left
            elif job.owner in self._waiting:
                del self._waiting[job.owner]
                self._owners.remove(job.owner)

    def ahead(self, job: Job) -> int:
        """Count the jobs that come before one that waits."""
        with self._changed:
            own = list(self._waiting.get(job.owner, ()))
            if job not in own:
                return 0
            turns = own.index(job)
            place = self._owners.index(job.owner)
            others = (
                min(len(self._waiting[owner]), turns + (number < place))
                for number, owner in enumerate(self._owners)
                if owner != job.owner
            )
            return turns + sum(others)

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()


class Crew:
    """Does jobs in worker processes, each watched by a thread. A worker that dies takes only its job with it."""

    def __init__(self, jobs: Jobs, workers: int, make: Callable[[], Work]) -> None:
        self._jobs, self._make = jobs, make
        self._queue = Queue()
        self._busy: dict[str, WorkerProcess] = {}
        self._stopped: set[WorkerProcess] = set()
        self._lock = threading.Lock()
        processes = [self._start() for _ in range(workers)]  # in the main thread, where Ctrl-C can be held back
        self._threads = [threading.Thread(target=self._run, args=(one,), daemon=True) for one in processes]
        for job in jobs:
            if job.state == "waiting":
                self.put(job)
        for thread in self._threads:
            thread.start()

    def put(self, job: Job) -> None:
        """Let a job be done in its turn. Raises NoSuchJob for one that was deleted."""
        self._queue.put(job, self._song(job))

    def _song(self, job: Job) -> str:
        return [job, *self._jobs.ancestors(job)][-1].id

    def ahead(self, job: Job) -> int:
        """Count the jobs that come before one that waits."""
        return self._queue.ahead(job)

    def cancel(self, job: Job) -> None:
        """Let nobody work on a job any more."""
        self._queue.remove(job)
        with self._lock:
            if process := self._busy.get(job.id):
                self._stopped.add(process)
                process.ask_to_end()

    def close(self) -> None:
        """Stop all workers, whatever they are doing."""
        self._queue.close()
        with self._lock:
            for process in self._busy.values():
                process.ask_to_end()
        for thread in self._threads:
            thread.join()

    def _run(self, process: WorkerProcess | None) -> None:
        known = deque[str](maxlen=SONGS)
        while job := self._queue.take(known):
            if not process or not process.is_alive():
                process = self._start()
                known.clear()
            try:
                if not process:
                    raise WorkerDied("the server can't start a process for it; try again later")
                if (song := self._song(job)) not in known:
                    known.append(song)
                self._jobs.end(job, "done", result=self._ask(process, job))
            except NoSuchJob:
                pass  # it was deleted meanwhile
            except ExtrapError as error:
                if self._queue.closed and isinstance(error, WorkerDied):
                    break  # it is made again when the server is started again
                self._jobs.end(job, "failed", error=str(error))
            if process and not self._goes_on(process):
                process.end()
                process = None if self._queue.closed else self._start()
                known.clear()
        if process:
            process.ask_to_end()
            process.end()

    def _goes_on(self, process: WorkerProcess) -> bool:
        """Tell whether a process can be given another job: it did not die, and was not asked to."""
        with self._lock:
            if process in self._stopped:
                self._stopped.remove(process)
                return False
        return not process.pipe.closed

    def _start(self) -> WorkerProcess | None:
        """Start a process, before there is a job for it."""
        with suppress(WorkerDied):
            return WorkerProcess(self._make)
        return None

    def _ask(self, process: WorkerProcess, job: Job) -> dict[str, Any]:
        """Let a process do a job. Raises as the job does, WorkerDied, and NoSuchJob for one that was deleted."""
        with self._lock:
            if self._queue.closed:
                raise WorkerDied("the server stops")
            task = Task(job, self._jobs.start(job))
            self._busy[job.id] = process
        try:
            with suppress(OSError):  # a worker that has died is noticed when its answer is waited for
                process.pipe.send(task)
            minutes = self._jobs.limits.job_minutes
            if not answers(process.pipe, 60 * minutes):
                process.ask_to_end()
                process.end()
                raise WorkerDied(f"it took more than {minutes:g} minutes, and was given up")
            answer: dict[str, Any] | ExtrapError = process.answer()
        finally:
            with self._lock:
                del self._busy[job.id]
        if isinstance(answer, ExtrapError):
            raise answer
        return answer


def answers(pipe: Connection, seconds: float) -> bool:
    """Wait for so long at most for something to be read from a pipe, which may be that it was closed."""
    try:
        return pipe.poll(seconds)
    except OSError:  # on Windows
        return True
