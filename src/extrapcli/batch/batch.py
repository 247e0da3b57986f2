"""The use case: folders in, tracks and a manifest out."""

import secrets
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from extrapcli.batch.engine import Engine
from extrapcli.batch.manifest import Manifest, Record
from extrapcli.batch.plan import Work
from extrapcli.batch.worker import Task, fingerprint
from extrapcli.errors import SomeFailed
from extrapcli.maker import Options
from extrapcli.models import find_model


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
    by then. One that failed is tried again up to `retry` times, after all others.
    """

    def __init__(
        self, works: list[Work], manifest: Manifest, options: Options, *, retry: int = 0, fail_fast: bool = False
    ) -> None:
        self.counts = Counts(len(works))
        self._queue, self._elsewhere = deque(works), deque[Work]()
        self._manifest, self._retry, self._fail_fast = manifest, retry, fail_fast
        self._run = secrets.token_hex(8)
        self._before = dict(manifest.last)
        self._tries = Counter[str]()
        model = find_model(options.model)
        self._options = {format: fingerprint(options, format, model) for format in {work.format for work in works}}

    def run(self, engine: Engine, progress: Progress) -> Iterator[Record]:
        """Yield what became of each song; a track that is kept has the record of another run.

        Raises SomeFailed at the end where songs failed, CannotWrite where the manifest can't be written.
        """
        busy = 0
        while busy or self._more:
            while engine.free and self._more:
                engine.submit(self._next())
                busy += 1
            for task, record in engine.finished():
                busy -= 1
                if record.run == self._run:
                    self._manifest.add(record)
                if record.state == "failed" and self._tries[record.output] <= self._retry and not self._fail_fast:
                    self._queue.append(task.work)
                    continue
                self._count(record)
                yield record
                progress.ended(self.counts)
        if self.counts.failed:
            left = self.counts.songs - self.counts.made - self.counts.kept - self.counts.failed
            raise SomeFailed(
                f"{self.counts.failed} of {self.counts.songs} songs failed, each is named above"
                + (f"; {left} were not begun" if left else "")
            )

    @property
    def _more(self) -> bool:
        return bool(self._queue or self._elsewhere) and not (self._fail_fast and self.counts.failed)

    def _next(self) -> Task:
        """The next song that no other run has begun, if there is one; says in the manifest that it is begun."""
        self._manifest.refresh()
        while self._queue:
            work = self._queue.popleft()
            if not self._begun_elsewhere(work):
                break
            self._elsewhere.append(work)
        else:
            work = self._elsewhere.popleft()
        task = self.task(work)
        self._manifest.add(task.begun)
        self._tries[work.output] += 1
        return task

    def task(self, work: Work) -> Task:
        """What a worker has to know of a song."""
        last = self._manifest.last.get(work.output)
        begun = Record("begun", work.input, work.output, self._run, options=self._options[work.format])
        made = tuple(self._manifest.done.get(work.output, ()))
        return Task(work, begun, made, unfinished=last is not None and last.state == "begun")

    def _begun_elsewhere(self, work: Work) -> bool:
        last = self._manifest.last.get(work.output)
        return last is not None and last.run != self._run and last is not self._before.get(work.output)

    def _count(self, record: Record) -> None:
        if record.state == "failed":
            self.counts.failed += 1
        elif record.run == self._run:
            self.counts.made += 1
        else:
            self.counts.kept += 1
