"""What a server has: its jobs, the crew that does them, its folder of songs, and uploads."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from extrapcli.errors import UnreadableAudio
from extrapcli.finding import find_songs
from extrapcli.naming import fitting_stem
from extrapcli.serve.crew import Crew, Work
from extrapcli.serve.jobs import UPLOAD, Full, Job, Jobs, Kind, Limits

SWEEP_SECONDS = 600.0


class TooLarge(UnreadableAudio):
    """An upload that is larger than a server takes."""


class Site:
    """A server's jobs, crew, and folder of songs."""

    def __init__(self, folder: Path, limits: Limits, *, workers: int, library: Path | None) -> None:
        self.limits, self.library = limits, library
        self.jobs = Jobs(folder, limits)
        threads = max(1, (os.cpu_count() or 1) // workers)
        self.crew = Crew(self.jobs, workers, partial(_make, folder, library, limits, threads))
        self._uploads = 0

    def close(self) -> None:
        self.crew.close()

    def add(
        self,
        kind: Kind,
        owner: str,
        name: str,
        request: dict[str, object],
        *,
        parent: Job | None = None,
        folder: Path | None = None,
    ) -> Job:
        """Add a job, to be done in its turn. Raises as `Jobs.add`."""
        job = self.jobs.add(kind, owner, name, request, parent=parent, folder=folder)
        self.crew.put(job)
        return job

    def delete(self, job: Job) -> None:
        """Delete a job with all that was made of it; what is being made of it is stopped."""
        for gone in self.jobs.delete(job):
            self.crew.cancel(gone)

    def songs(self) -> list[str]:
        """List the songs in the folder, none that a link leads to elsewhere; nothing where there is no folder."""
        if self.library is None:
            return []
        root = self.library.resolve()
        found = find_songs(self.library).songs
        return [song.as_posix() for song in found if (root / song).resolve().is_relative_to(root)]

    async def upload(
        self, kind: Kind, owner: str, name: str, body: AsyncIterator[bytes], *, file: str = UPLOAD, most: int
    ) -> Job:
        """Keep what is sent, piece by piece, and add a job with it. What breaks off leaves nothing.

        Raises TooLarge for more than `most` bytes, Full where there is no room for it.
        """
        self.jobs.check_room(owner)
        with self._uploading():
            folder = self.jobs.new_folder()
            try:
                size = 0
                with (folder / file).open("wb") as kept:
                    async for piece in body:
                        size += len(piece)
                        if size > most:
                            raise TooLarge(f"{name}: is larger than the {most / 2**20:.0f} MB that this server takes")
                        await asyncio.to_thread(kept.write, piece)
                return self.add(kind, owner, name, {}, folder=folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    @contextmanager
    def _uploading(self) -> Iterator[None]:
        if self._uploads >= self.limits.uploads:
            raise Full("too many songs are being sent at this moment; try again in a minute")
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    async def keep_tidy(self) -> None:
        """Delete, now and then, what is too old."""
        while True:
            await asyncio.to_thread(self.jobs.sweep)
            await asyncio.sleep(SWEEP_SECONDS)


def shown_name(name: str) -> str:
    """Return the last part of a file's name, for people; it is never a path."""
    plain = "".join(c if c.isprintable() else " " for c in name.replace("\\", "/").rpartition("/")[2]).strip()
    stem, dot, suffix = plain.rpartition(".")
    return (fitting_stem(stem, dot + suffix) + dot + suffix) if dot else fitting_stem(plain, "") or "song"


def _make(folder: Path, library: Path | None, limits: Limits, threads: int) -> Work:
    """Make what works, in a worker process."""
    from extrapcli.serve.bench import Bench
    from extrapcli.serve.work import Worker

    return Worker(Bench(folder, library, limits, threads))
