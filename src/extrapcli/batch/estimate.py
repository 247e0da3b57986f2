"""Estimates what a batch would take, from the tracks in its manifest or from one that is made to try."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

from extrapcli.atomic import temporary_folder
from extrapcli.audio.probe import declared_seconds
from extrapcli.batch.jobs import Job
from extrapcli.batch.locations import exists, local_input
from extrapcli.batch.manifest import Manifest, Record, stat_signature
from extrapcli.batch.scheduler import Scheduler
from extrapcli.batch.worker import Assignment, Worker, song_sha256
from extrapcli.errors import UnreadableAudio
from extrapcli.pipeline import Options

LARGEST = 2**62  # a manifest with larger numbers isn't to be believed
BLOCKED = "in the way"


@dataclass(frozen=True)
class Estimate:
    """Seconds that one worker would take, and bytes of all tracks."""

    seconds: float
    bytes: float


def needed(scheduler: Scheduler, jobs: list[Job]) -> Iterator[tuple[Job, str]]:
    """Yield the jobs that there is something to do for, and why: `missing`, `changed`, `in the way` or an error.

    A song is read only where it has a track and its size or times have changed since.
    """
    for job in jobs:
        assignment = scheduler.assignment(job)
        if assignment.existing(stat_signature(job.source)):
            continue
        try:
            if assignment.earlier and assignment.existing(_sha256(job)):
                continue
        except UnreadableAudio as error:
            yield job, str(error)
            continue
        if not exists(job.target):
            yield job, "missing"
        else:
            yield job, BLOCKED if scheduler.is_blocked(assignment) else "changed"


def estimate(jobs: list[Job], scheduler: Scheduler, manifest: Manifest, options: Options) -> Estimate:
    """Estimate the work and the tracks of these jobs.

    For each format, a second of track takes the median of what those in the manifest took. If there are none, the
    first song that can be continued is continued, and its track thrown away.
    """
    seconds = size = 0.0
    for format in sorted({job.format for job in jobs}):
        of_format = [job for job in jobs if job.format == format]
        done = [r for records in manifest.done.values() for r in records if r.options.get("format") == format]
        done = [r for r in done if r.options.get("preview", False) == options.preview]
        done = [r for r in done if r.output_seconds > 0 and _is_credible(r)]
        done = done or _try_one([scheduler.assignment(job) for job in of_format], options)
        if done:
            a_preview = median(r.output_seconds for r in done)
            length = sum(a_preview if options.preview else _track_seconds(job) for job in of_format)
            seconds += length * median(r.wall_seconds / r.output_seconds for r in done)
            size += length * median(r.output_bytes / r.output_seconds for r in done)
    return Estimate(seconds, size)


def _is_credible(record: Record) -> bool:
    return all(0 <= n < LARGEST for n in (record.output_seconds, record.wall_seconds, record.output_bytes))


def _try_one(assignments: list[Assignment], options: Options) -> list[Record]:
    worker = Worker(options)
    with temporary_folder() as folder:
        for assignment in assignments:
            job = replace(assignment.job, target=folder / "track")
            record = worker.run(replace(assignment, job=job, earlier=()))
            if record.state == "done":
                return [record]
    return []


def _sha256(job: Job) -> str:
    with local_input(job.source) as song:
        return song_sha256(song, job.source)


def _track_seconds(job: Job) -> float:
    asked = job.length.minutes * 60
    if not job.length.beyond:
        return asked
    with local_input(job.source) as song:
        return asked + declared_seconds(song)
