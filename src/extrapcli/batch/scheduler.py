"""Decides which song of a batch is next, and records what became of each."""

import secrets
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from extrapcli.batch.engine import Engine
from extrapcli.batch.jobs import Job
from extrapcli.batch.manifest import Manifest, Record, stat_signature
from extrapcli.batch.processes import WorkerDied
from extrapcli.batch.worker import Assignment, fingerprint
from extrapcli.errors import SomeFailed
from extrapcli.models import find_model
from extrapcli.pipeline import Options

NAMED_FAILURES = 50  # in the last error; each has been reported when it happened


@dataclass
class Counts:
    """How many songs there are, got a new track, kept the track of an earlier run, or failed.

    `noted` of the tracks, new and kept, have notes about what was lost, changed or not reached.
    """

    songs: int
    made: int = 0
    kept: int = 0
    failed: int = 0
    noted: int = 0


class Scheduler:
    """Gives jobs to an engine one by one, and writes every outcome to the manifest at once.

    A song that another run with the same manifest has started meanwhile is left to the end, and kept if that run has
    finished it by then; otherwise both make it, which writes the same bytes twice. A song that failed is tried again
    up to `retry` times, after all others. With `fail_fast` no song is started after the first that failed.
    """

    def __init__(
        self, jobs: list[Job], manifest: Manifest, options: Options, *, retry: int = 0, fail_fast: bool = False
    ) -> None:
        self.counts = Counts(len(jobs))
        self._queue, self._started_elsewhere = deque(jobs), deque[Job]()
        self._manifest, self._retry, self._fail_fast = manifest, retry, fail_fast
        self._overwrite = options.overwrite
        self._run_id = secrets.token_hex(8)
        self._last_before = dict(manifest.last)
        self._tries = Counter[str]()
        self._failed: list[str] = []
        model = find_model(options.model)
        self._options = {format: fingerprint(options, format, model) for format in {job.format for job in jobs}}

    def run(self, engine: Engine) -> Iterator[Record]:
        """Yield the outcome of each song, as soon as it is known; `counts` includes it then.

        Raises SomeFailed at the end where songs failed, CannotWrite where the manifest can't be written.
        """
        in_progress = 0
        while in_progress or self._has_next:
            while self._has_next and engine.free:
                assignment = self.assignment(self._next_job())
                job = assignment.job
                if record := assignment.existing(stat_signature(job.source)):
                    yield self._count(record)
                elif self.is_blocked(assignment):
                    record = assignment.started.failed(assignment.not_ours())
                    self._manifest.append(record)
                    yield self._count(record)
                else:
                    self._manifest.append(assignment.started)
                    self._tries[job.output] += 1
                    engine.submit(assignment)
                    in_progress += 1
            for assignment, record in engine.finished() if in_progress else ():
                in_progress -= 1
                self._manifest.append(record)
                may_retry = self._tries[record.output] <= self._retry and not self._fail_fast
                if record.state == "failed" and may_retry:
                    self._queue.append(assignment.job)
                else:
                    yield self._count(record)
        if self._failed:
            raise SomeFailed(self._summary())

    def assignment(self, job: Job) -> Assignment:
        """Join a job with what the manifest says about it."""
        last = self._manifest.last.get(job.output)
        started = Record("started", job.input, job.output, self._run_id, options=self._options_of(job))
        earlier = tuple(self._manifest.done.get(job.output, ()))
        # Nobody knows how far a run came that recorded no end, or a worker that died.
        interrupted = last is not None and (last.state == "started" or last.exit_status == WorkerDied.exit_code)
        return Assignment(job, started, earlier, interrupted)

    def _options_of(self, job: Job) -> dict[str, object]:
        """Return everything in the options that determines the track of a job."""
        length = {"minutes": job.length.minutes, "beyond": job.length.beyond}
        return {"length": length, **self._options[job.format]}

    def is_blocked(self, assignment: Assignment) -> bool:
        """Tell whether there is a file at the target that must not be replaced."""
        return not (self._overwrite or assignment.interrupted or assignment.may_replace_target())

    @property
    def _has_next(self) -> bool:
        return bool(self._queue or self._started_elsewhere) and not (self._fail_fast and self._failed)

    def _next_job(self) -> Job:
        """Take the next song that no other run is working on, or else one that another run has started."""
        self._manifest.refresh()
        while self._queue:
            job = self._queue.popleft()
            if not self._is_started_elsewhere(job):
                return job
            self._started_elsewhere.append(job)
        return self._started_elsewhere.popleft()

    def _is_started_elsewhere(self, job: Job) -> bool:
        last = self._manifest.last.get(job.output)
        if last is None or last.state != "started" or last.run == self._run_id:
            return False
        return last is not self._last_before.get(job.output)

    def _count(self, record: Record) -> Record:
        if record.state == "failed":
            self.counts.failed += 1
            self._failed.append(record.input)
        elif record.run == self._run_id:
            self.counts.made += 1
        else:
            self.counts.kept += 1
        self.counts.noted += bool(record.notes)
        return record

    def _summary(self) -> str:
        counts = self.counts
        left = counts.songs - counts.made - counts.kept - counts.failed
        not_started = f"; {left} were not started" if left else ""
        names = ", ".join(self._failed[:NAMED_FAILURES])
        more = f" and {counts.failed - NAMED_FAILURES} more" if counts.failed > NAMED_FAILURES else ""
        return f"{counts.failed} of {counts.songs} songs failed{not_started}: {names}{more}"
