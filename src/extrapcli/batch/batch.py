"""Continues every song in a folder, unattended: makes what is missing or changed, and keeps a manifest of it."""

import os
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal

from extrapcli.atomic import make_folder
from extrapcli.batch.engine import Engine, LocalEngine
from extrapcli.batch.estimate import Estimate, estimate, needed
from extrapcli.batch.jobs import DEFAULT_NAME, Job, Naming, find_jobs
from extrapcli.batch.lengths import read_lengths
from extrapcli.batch.locations import parse_location
from extrapcli.batch.manifest import Manifest, Record, manifest_path
from extrapcli.batch.scheduler import Scheduler
from extrapcli.errors import UsageError
from extrapcli.pipeline import Options, Pipeline
from extrapcli.ranges import (
    LEAST_TIMEOUT_MINUTES,
    MOST_RETRIES,
    MOST_TIMEOUT_MINUTES,
    MOST_WORKERS,
    check_number,
    check_threads,
    check_whole,
)
from extrapcli.words import listed


class Batch:
    """The songs in a folder and all folders below, to be continued to tracks in another folder.

        for record in Batch("songs", "longer", Options(Length(minutes=3))).run():
            print(record.state, record.output)

    Creating one reads the folders, the manifest and the model, and writes nothing. In a script, that has to be inside
    `if __name__ == "__main__":`, because worker processes import the script.

    Args:
        songs: a folder or URL.
        tracks: a folder or URL; inside, tracks are in the same folders as their songs.
        options: what to make; `threads` is set to each worker's share of the cores.
        name: pattern of the tracks' names, with {stem}, {minutes}, {ext} and {model}.
        format: format of the tracks; by default the one that each song's name ends in, or FLAC.
        include: patterns such as `*.mp3` of the songs; by default all files that are audio by name or content.
        exclude: patterns of songs and folders to leave out.
        manifest: where the manifest is; by default in the folder of tracks.
        engine: `local` for processes on this machine, `ray` for a Ray cluster.
        address: of the Ray cluster; by default $RAY_ADDRESS, or else a new one on this machine.
        workers: number of worker processes; by default one for each core.
        timeout_minutes: time after which a song is given up.
        retry: how often a song that failed is tried again, after all others.
        fail_fast: start no more songs after one has failed.
        lengths: a CSV file with the length of each song, by its path in the folder of songs; others are left alone.

    Raises UsageError for settings that contradict each other, UnreadableAudio where there are no songs, and whatever
    opening the model raises.

    Attributes:
        jobs: the songs and their tracks.
        found: what lies in the folder, also what is no song, with the reason.
        tracks: the folder or URL of the tracks.
        manifest_path: where the manifest is.
        counts: how many songs there are, and what has become of them so far.
        workers: number of workers; 1 if it depends on the cluster.
    """

    def __init__(
        self,
        songs: str | Path,
        tracks: str | Path,
        options: Options,
        *,
        name: str = DEFAULT_NAME,
        format: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        manifest: Path | None = None,
        engine: Literal["local", "ray"] = "local",
        address: str | None = None,
        workers: int | None = None,
        timeout_minutes: float = 60,
        retry: int = 0,
        fail_fast: bool = False,
        lengths: Path | None = None,
    ) -> None:
        if address and engine == "local":
            raise UsageError(f"{address}: is the address of a Ray cluster, but the engine is local", hint="engine")
        if engine == "local":
            check_threads(workers, "number of workers")
        elif workers is not None:
            check_whole("number of workers", workers, 1, MOST_WORKERS)
        check_number("timeout", timeout_minutes, LEAST_TIMEOUT_MINUTES, MOST_TIMEOUT_MINUTES, "minutes")
        check_whole("number of retries", retry, 0, MOST_RETRIES)
        source, self.tracks = parse_location(str(songs)), parse_location(str(tracks))
        if str(tracks).startswith("memory:"):
            raise UsageError(f"{tracks}: each worker would write to its own memory; name a folder or a store")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if engine == "local":
            self.workers = workers or cores
            self._parallel, threads = min(self.workers, cores), max(1, cores // self.workers)
        else:
            self.workers = self._parallel = workers or 1
            threads = 1
            source, self.tracks = source.absolute(), self.tracks.absolute()  # workers have another current folder
        self.manifest_path = manifest_path(self.tracks, manifest)
        self._options = replace(options, threads=threads)
        table = read_lengths(lengths, options.length) if lengths else {}
        naming = Naming(options.length, options.model, name, format, table, options.preview)
        self.jobs, self.found = find_jobs(source, self.tracks, naming, include=include, exclude=exclude)
        if lengths:
            if missing := sorted(table.keys() - {job.input for job in self.jobs}):
                are = "is" if len(missing) == 1 else "are"
                raise UsageError(f"{lengths}: {listed(missing, most=3)} {are} not among the songs of {songs}")
            self.jobs = [job for job in self.jobs if job.input in table]
        # Report a model or options that can't work before any song is started. With Ray, no device is needed here.
        Pipeline(self._options if engine == "local" else replace(self._options, device="auto"))
        self._manifest = Manifest(self.manifest_path)
        self._scheduler = Scheduler(self.jobs, self._manifest, options, retry=retry, fail_fast=fail_fast)
        self.counts = self._scheduler.counts
        self._engine, self._address, self._timeout_minutes = engine, address, timeout_minutes
        self._wanted_workers = workers

    def needed(self) -> list[tuple[Job, str]]:
        """List the songs that `run` would work on, and why: `missing`, `changed`, `in the way`, or an error.

        `in the way` is a file that no batch made; the song would fail.
        """
        return list(needed(self._scheduler, self.jobs))

    def estimate(self, jobs: list[Job]) -> Estimate:
        """Estimate how many seconds and bytes `run` would take for these songs, which may mean trying one."""
        work = estimate(jobs, self._scheduler, self._manifest, self._options)
        return replace(work, seconds=work.seconds / self._parallel)

    def run(self) -> Generator[Record, None, None]:
        """Continue the songs; yield the outcome of each, also of those that are kept, as soon as it is known.

        Each is in the manifest, and in `counts`, by then. Close the iterator to stop the work.

        Raises SomeFailed at the end where songs failed, CannotWrite where the manifest can't be written, UsageError
        where there is no Ray cluster, MissingDependency where Ray isn't installed.
        """
        make_folder(self.manifest_path.parent)
        with closing(self._open_engine()) as engine:
            yield from self._scheduler.run(engine)

    def _open_engine(self) -> Engine:
        if self._engine == "local":
            return LocalEngine(self._options, self.workers, timeout_minutes=self._timeout_minutes)
        from extrapcli.batch.cluster import RayEngine

        return RayEngine(
            self._options, self._wanted_workers, address=self._address, timeout_minutes=self._timeout_minutes
        )
