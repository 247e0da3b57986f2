"""Jobs, and the folder that keeps them with all that was made: they survive a restart, and are deleted in time."""

import json
import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import time
from typing import Any, Literal

from extrapcli.atomic import atomic_file, make_folder
from extrapcli.continuation import Length
from extrapcli.errors import CannotWrite, ExtrapError, UsageError
from extrapcli.ranges import LEAST_MINUTES, MOST_MINUTES, check_number

Kind = Literal["song", "track", "loops", "file", "report", "tune", "seed"]
State = Literal["waiting", "working", "done", "failed"]

RECORD, UPLOAD, SEED, SCORE, EVENTS = "job.json", "upload", "seed", "tune.svg", "events.jsonl"
ACTIVE = ("waiting", "working")
SONGS = 3
"""How many songs a worker keeps."""
DAY = 86400.0
MOST_BYTES, MOST_DAYS = 1e15, 36_500
_ID = re.compile(r"[0-9a-f]{32}")


class NoSuchJob(ExtrapError):
    """A job that is not there, or not any more."""

    def __init__(self, sentence: str = "this no longer exists: it was deleted or has expired") -> None:
        super().__init__(sentence)


class Full(ExtrapError):
    """There is no room for another job."""


def unwritten(error: CannotWrite | OSError) -> CannotWrite:
    """Make an error that doesn't tell where the server keeps things of one that does."""
    reason = str(error).rpartition(": ")[2] if isinstance(error, CannotWrite) else error.strerror
    return CannotWrite(f"the server can't write this: {reason or 'it has no room'}")


@dataclass
class Job:
    """Something to be made.

    Attributes:
        id: 32 hexadecimal digits that nobody can guess.
        kind: what is made.
        owner: who asked for it.
        parent: the job that it is made from.
        name: what people call it, such as the name of a song.
        request: what was asked for, as it was posted.
        created: when, in seconds since 1970.
        state: how far it is.
        error: one sentence, if it failed.
        result: what is known of what was made.
        number: what tells takes apart: one more than the highest that its owner has of this parent, or of tunes.
    """

    id: str
    kind: Kind
    owner: str
    parent: str | None
    name: str
    request: dict[str, Any]
    created: float = field(default_factory=time)
    state: State = "waiting"
    error: str | None = None
    result: dict[str, Any] | None = None
    number: int = 1


@dataclass(frozen=True)
class Task:
    """A job, with the jobs that it is made from, the nearest first."""

    job: Job
    ancestors: tuple[Job, ...]


@dataclass(frozen=True)
class Limits:
    """What a server takes: `days` and `bytes` of all that is kept, `uploads` and `listeners` at one time.

    Raises UsageError for what is out of range.
    """

    upload_bytes: float = 500 * 2**20
    minutes: float = 60.0
    bytes: float = 10 * 2**30
    days: float = 7.0
    waiting: int = 20
    waiting_in_all: int = 400
    uploads: int = 64
    listeners: int = 200
    job_minutes: float = 30.0

    def track_samples(self, length: Length, song_samples: int, sample_rate: int, name: str) -> int:
        """Return how many samples a track of a song should have. Raises UsageError for too few and too many."""
        samples = length.count(song_samples, sample_rate, name)
        if samples > 60 * self.minutes * sample_rate:
            raise UsageError(f"this server makes tracks of up to {self.minutes:g} minutes; ask for less")
        return samples

    def __post_init__(self) -> None:
        check_number("size of an upload", self.upload_bytes, 1, MOST_BYTES, "bytes")
        check_number("length", self.minutes, LEAST_MINUTES, MOST_MINUTES, "minutes")
        check_number("size of all", self.bytes, 1, MOST_BYTES, "bytes")
        check_number("number of days", self.days, 0, MOST_DAYS)


class Jobs:
    """All jobs, each with a folder of its own. Safe to be used from several threads."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.root, self.limits = folder, limits
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()
        make_folder(folder)
        for path in sorted(folder.iterdir()):
            self._load(path)
        for job in [job for job in self if job.parent and job.parent not in self._jobs]:
            self.clear(self.forget(job))

    def _load(self, path: Path) -> None:
        """Take over a job of an earlier run. What was being made is made anew, what can't be read is left alone."""
        if not _ID.fullmatch(path.name):
            return
        try:
            job = Job(**json.loads((path / RECORD).read_text("utf-8")))
        except FileNotFoundError:
            shutil.rmtree(path, ignore_errors=True)  # of an upload that broke off
            return
        except (OSError, ValueError, TypeError):
            return
        if job.state in ACTIVE:
            job.state = "waiting"
            for made in path.iterdir():
                if made.name != RECORD and made.stem not in (UPLOAD, SEED):
                    with suppress(OSError):
                        made.unlink()
        self._jobs[job.id] = job

    def __iter__(self) -> Iterator[Job]:
        with self._lock:
            return iter(sorted(self._jobs.values(), key=lambda job: job.created))

    def __getitem__(self, id: str) -> Job:
        """Return a job. Raises NoSuchJob."""
        with self._lock:
            if id not in self._jobs:
                raise NoSuchJob
            return self._jobs[id]

    def folder(self, job: Job) -> Path:
        return self.root / job.id

    def new_folder(self) -> Path:
        """Make the folder of a job to come; `add` is called with it when it holds what the job needs."""
        folder = self.root / secrets.token_hex(16)
        folder.mkdir()
        return folder

    def add(
        self,
        kind: Kind,
        owner: str,
        name: str,
        request: dict[str, Any],
        *,
        parent: Job | None = None,
        folder: Path | None = None,
    ) -> Job:
        """Add a job that waits. Raises Full where too many do, or there is no room."""
        self.check_room(owner, spared=parent)
        with self._lock:
            if parent:
                self[parent.id]
            folder = folder or self.new_folder()
            of = parent.id if parent else None
            before = [job for job in self._jobs.values() if (job.kind, job.owner) == (kind, owner)]
            number = 1 + max((job.number for job in before if kind == "tune" or job.parent == of), default=0)
            job = Job(folder.name, kind, owner, of, name, request, number=number)
            try:
                self.save(job)
            except ExtrapError:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            self._jobs[job.id] = job
        return job

    def check_room(self, owner: str, *, spared: Job | None = None, more: int = 0) -> None:
        """Raise Full where too many jobs of an owner wait, or the folder would hold too much with `more` bytes."""
        with self._lock:
            waiting = [job.owner for job in self._jobs.values() if job.state in ACTIVE]
        if waiting.count(owner) >= self.limits.waiting or len(waiting) >= self.limits.waiting_in_all:
            raise Full("too much is waiting to be made; try again in a minute, or delete some of it")
        if self.sweep(spared=spared, more=more) + more > self.limits.bytes:
            raise Full("there is no room for more; delete some songs, or wait until what is being made is ready")

    def save(self, job: Job) -> None:
        """Write what is known of a job. Raises CannotWrite."""
        try:
            with atomic_file(self.folder(job) / RECORD, overwrite=True) as whole:
                whole.write_text(json.dumps(asdict(job)), "utf-8")
        except CannotWrite as error:
            raise unwritten(error) from None

    def start(self, job: Job) -> tuple[Job, ...]:
        """Note that a job is worked on; return those that it is made from, the nearest first. Raises NoSuchJob."""
        with self._lock:
            self[job.id].state = "working"
            self.save(job)
            return self.ancestors(job)

    def ancestors(self, job: Job) -> tuple[Job, ...]:
        """Return the jobs that one is made from, the nearest first. Raises NoSuchJob."""
        with self._lock:
            found = list[Job]()
            while parent := (found[-1] if found else job).parent:
                found.append(self[parent])
            return tuple(found)

    def end(self, job: Job, state: State, *, error: str | None = None, result: dict[str, Any] | None = None) -> None:
        """Note how a job ended, unless it was deleted meanwhile."""
        with self._lock:
            if job.id not in self._jobs:
                return
            job.error, job.result, job.state = error, result, state
            with suppress(ExtrapError):  # where the disk is full; the job is made anew after a restart
                self.save(job)

    def _children(self) -> dict[str | None, list[Job]]:
        with self._lock:
            children: dict[str | None, list[Job]] = {}
            for job in self._jobs.values():
                children.setdefault(job.parent, []).append(job)
            return children

    def family(self, job: Job, children: dict[str | None, list[Job]] | None = None) -> list[Job]:
        """Return a job and all that were made of it, those last that others were made of."""
        children = self._children() if children is None else children
        found = [job]
        for member in found:
            found += children.get(member.id, [])
        return found[::-1]

    def forget(self, job: Job) -> list[Job]:
        """Remove a job with all that was made of it from the list; return those, whose folders stay until `clear`."""
        with self._lock:
            gone = self.family(job)
            for member in gone:
                self._jobs.pop(member.id, None)
                with suppress(OSError):  # without it, the folder counts as none after a restart
                    (self.folder(member) / RECORD).unlink()
        return gone

    def clear(self, gone: list[Job]) -> None:
        """Remove the folders of jobs that are forgotten."""
        for job in gone:
            shutil.rmtree(self.folder(job), ignore_errors=True)

    def sweep(self, *, spared: Job | None = None, more: int = 0) -> int:
        """Delete what is too old and, the oldest first, what is too much, with `more` bytes to come if that helps.

        What `spared` is made from stays. Folders that hold no job that can be read go after a day at least, as
        something may be on its way to them. Return how many bytes are left, with those that are being sent.
        """
        sizes = dict[str, int]()
        for path in [path for path in self.root.iterdir() if _ID.fullmatch(path.name)]:
            if path.name not in self._jobs and _age(path) > max(self.limits.days, 1) * DAY:
                shutil.rmtree(path, ignore_errors=True)
            sizes[path.name] = _size(path)
        left, gone = sum(sizes.values()), list[Job]()
        with self._lock:
            children = self._children()
            families = [self.family(job, children) for job in children.get(None, [])]
            idle = [
                (max(member.created for member in family), family)
                for family in families
                if all(member.state not in ACTIVE and member is not spared for member in family)
            ]
            in_all = sum(sizes.get(member.id, 0) for _, family in idle for member in family)
            most = self.limits.bytes - (more if left - in_all + more <= self.limits.bytes else 0)
            for latest, family in sorted(idle, key=lambda each: each[0]):
                if left > most or time() - latest > self.limits.days * DAY:
                    gone += self.forget(family[-1])
                    left -= sum(sizes.get(member.id, 0) for member in family)
        self.clear(gone)
        return left


def _age(folder: Path) -> float:
    """Return for how many seconds nothing was added to a folder; 0 for one that is gone."""
    try:
        return time() - folder.stat().st_mtime
    except OSError:
        return 0


def _size(folder: Path) -> int:
    """Count the bytes of the files in a folder."""
    total = 0
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(OSError):
                total += path.stat().st_size
    return total
