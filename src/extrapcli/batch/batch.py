"""The use case: folders in, tracks and a manifest out."""

import secrets
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from extrapcli.batch.engine import Engine, WorkerDied
from extrapcli.batch.manifest import Manifest, Record, failed, stamp_of
from extrapcli.batch.places import is_there
from extrapcli.batch.plan import Work
from extrapcli.batch.worker import IN_THE_WAY, Task, fingerprint
from extrapcli.errors import CannotWrite, SomeFailed
from extrapcli.models import find_model
from extrapcli.pipeline import Options

NAMED = 50  # failed songs in the last line; each has had a line of its own


class Progress(Protocol):
    """Shows how far a batch has come, in songs."""

    def say(self, line: str) -> None: ...

    def ended(self, counts: "Counts") -> None: ...


@dataclass
class Counts:
    songs: int
    made: int = 0
    kept: int = 0
    failed: int = 0


class Batch:
    """Songs to work on with an engine. Every record goes to the manifest the moment it is known.

    What another run with the same manifest begins meanwhile is left to the end, and kept if that run has finished it
    by then; else both do it, which puts the same bytes in the same place twice. One that failed is tried again up to
    `retry` times, after all others.
    """

    def __init__(
        self, works: list[Work], manifest: Manifest, options: Options, *, retry: int = 0, fail_fast: bool = False
    ) -> None:
        self.counts = Counts(len(works))
        self._queue, self._elsewhere = deque(works), deque[Work]()
        self._manifest, self._retry, self._fail_fast = manifest, retry, fail_fast
        self._overwrite = options.overwrite
        self._run = secrets.token_hex(8)
        self._before = dict(manifest.last)
        self._tries = Counter[str]()
        self._failed: list[str] = []
        model = find_model(options.model)
        self._options = {format: fingerprint(options, format, model) for format in {work.format for work in works}}

    def run(self, engine: Engine, progress: Progress) -> Iterator[Record]:
        """Yield what became of each song; a track that is kept has the record of another run.

        Raises SomeFailed at the end where songs failed, CannotWrite where the manifest can't be written.
        """
        busy = 0
        while busy or self._more:
            while self._more and engine.free:
                task = self._next()
                if record := task.kept(stamp_of(task.work.source)):
                    yield self._count(record, progress)
                elif self.in_the_way(task):
                    record = failed(task.begun, CannotWrite(f"{task.work.target}: {IN_THE_WAY}"))
                    self._manifest.add(record)
                    yield self._count(record, progress)
                else:
                    self._manifest.add(task.begun)
                    self._tries[task.work.output] += 1
                    engine.submit(task)
                    busy += 1
            for task, record in engine.finished() if busy else ():
                busy -= 1
                self._manifest.add(record)
                if record.state == "failed" and self._tries[record.output] <= self._retry and not self._fail_fast:
                    self._queue.append(task.work)
                else:
                    yield self._count(record, progress)
        if self.counts.failed:
            left = self.counts.songs - self.counts.made - self.counts.kept - self.counts.failed
            named = ", ".join(self._failed[:NAMED])
            more = f" and {self.counts.failed - NAMED} more" if self.counts.failed > NAMED else ""
            not_begun = f"; {left} were not begun" if left else ""
            raise SomeFailed(f"{self.counts.failed} of {self.counts.songs} songs failed{not_begun}: {named}{more}")

    def task(self, work: Work) -> Task:
        """What a worker has to know of a song."""
        last = self._manifest.last.get(work.output)
        begun = Record("begun", work.input, work.output, self._run, options=self._options[work.format])
        made = tuple(self._manifest.done.get(work.output, ()))
        unfinished = last is not None and (last.state == "begun" or last.status == WorkerDied.exit_code)
        return Task(work, begun, made, unfinished)

    def in_the_way(self, task: Task) -> bool:
        """Whether something lies at the target that may not be replaced."""
        return is_there(task.work.target) and not (task.ours or task.unfinished or self._overwrite)

    @property
    def _more(self) -> bool:
        return bool(self._queue or self._elsewhere) and not (self._fail_fast and self.counts.failed)

    def _next(self) -> Task:
        """The next song that no other run is at work on, if there is one."""
        self._manifest.refresh()
        while self._queue:
            work = self._queue.popleft()
            if not self._begun_elsewhere(work):
                return self.task(work)
            self._elsewhere.append(work)
        return self.task(self._elsewhere.popleft())

    def _begun_elsewhere(self, work: Work) -> bool:
        last = self._manifest.last.get(work.output)
        if last is None or last.state != "begun" or last.run == self._run:
            return False
        return last is not self._before.get(work.output)

    def _count(self, record: Record, progress: Progress) -> Record:
        if record.state == "failed":
            self.counts.failed += 1
            self._failed.append(record.input)
        elif record.run == self._run:
            self.counts.made += 1
        else:
            self.counts.kept += 1
        progress.ended(self.counts)
        return record
