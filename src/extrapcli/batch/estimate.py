"""What a batch would do, and what it would take: measured on tracks that were made before, or on one made for it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from extrapcli.audio.probe import declared_seconds
from extrapcli.batch.batch import Batch
from extrapcli.batch.manifest import Manifest, Record, stamp_of
from extrapcli.batch.places import fetched, is_there
from extrapcli.batch.plan import Work
from extrapcli.batch.worker import Task, Worker, digest_of
from extrapcli.errors import UnreadableAudio
from extrapcli.pipeline import Options

MOST = 2**62  # beyond it, a line of a manifest is none of ours


@dataclass(frozen=True)
class Estimate:
    """`seconds` of work, if one process does it, and `bytes` of tracks."""

    seconds: float
    bytes: float


def needed(batch: Batch, works: list[Work]) -> Iterator[tuple[Work, str]]:
    """The songs that there is something to do for, and why: `missing`, `changed` or `in the way`.

    A song is read only where a track was made of it and its stamp is another one now.
    """
    for work in works:
        task = batch.task(work)
        if task.kept(stamp_of(work.source)):
            continue
        try:
            kept = task.made and task.kept(_digest(work))
        except UnreadableAudio as error:
            yield work, str(error)
            continue
        if not kept:
            there = "in the way" if batch.in_the_way(task) else "changed"
            yield work, there if is_there(work.target) else "missing"


def estimate(works: list[Work], batch: Batch, manifest: Manifest, options: Options) -> Estimate:
    """Time and room for the tracks of these songs.

    Each format's are those of a second of track in the manifest, as its middle, or of the first song that can be
    continued, which is done for it and thrown away.
    """
    seconds = size = 0.0
    for format in sorted({work.format for work in works}):
        of_format = [work for work in works if work.format == format]
        made = [r for records in manifest.done.values() for r in records if r.options.get("format") == format]
        made = [r for r in made if 0 < r.seconds < MOST and 0 <= r.took < MOST and 0 <= r.bytes < MOST]
        made = made or _try_one([batch.task(work) for work in of_format], options)
        if made:
            length = sum(_track_seconds(work, options) for work in of_format)
            seconds += length * median(r.took / r.seconds for r in made)
            size += length * median(r.bytes / r.seconds for r in made)
    return Estimate(seconds, size)


def _try_one(tasks: list[Task], options: Options) -> list[Record]:
    worker = Worker(options)
    with TemporaryDirectory() as folder:
        for task in tasks:
            record = worker.do(replace(task, work=replace(task.work, target=Path(folder) / "track"), made=()))
            if record.state == "done":
                return [record]
    return []


def _digest(work: Work) -> str:
    with fetched(work.source) as song:
        return digest_of(song, work.source)


def _track_seconds(work: Work, options: Options) -> float:
    asked = options.length.minutes * 60
    if not options.length.beyond:
        return asked
    with fetched(work.source) as song:
        return asked + declared_seconds(song)
