"""What a server has: its jobs, the crew that does them, its folder of songs, and uploads."""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

from extrapcli.errors import UnreadableAudio
from extrapcli.naming import fitting_stem
from extrapcli.serve.crew import Crew, Work
from extrapcli.serve.jobs import UPLOAD, Full, Job, Jobs, Kind, Limits
from extrapcli.serve.library import Library

SWEEP_SECONDS, PIECE_SECONDS = 600.0, 60.0
LONGEST_SUFFIX, ROOM = 20, "-1000m00s-take10000.flac"  # of names; what they are given for downloads


class TooLarge(UnreadableAudio):
    """An upload that is larger than a server takes."""


class TooSlow(UnreadableAudio):
    """An upload of which nothing more comes."""


class Site:
    """A server's jobs, crew, and folder of songs."""

    def __init__(self, folder: Path, limits: Limits, *, workers: int, library: Path | None) -> None:
        self.limits, self.library = limits, Library(library) if library else None
        self.jobs = Jobs(folder, limits)
        threads = max(1, (os.cpu_count() or 1) // workers)
        self.crew = Crew(self.jobs, workers, partial(_make, folder, library, limits, threads))
        self._count = Counter[str]()

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
        gone = self.jobs.forget(job)
        for member in gone:
            self.crew.cancel(member)
        self.jobs.clear(gone)

    async def upload(
        self,
        kind: Kind,
        owner: str,
        name: str,
        body: AsyncIterator[bytes],
        *,
        file: str = UPLOAD,
        most: float,
        declared: int | None,
    ) -> Job:
        """Keep what is sent, piece by piece, and add a job with it. What breaks off leaves nothing.

        Raises TooLarge for more than `most` bytes, sent or `declared`, TooSlow where nothing comes for a minute, and
        Full where there is no room for it; one that doesn't declare its bytes may need room for `most`.
        """
        room = int(most) if declared is None else declared
        if room > most:
            raise too_large(name, most)
        with self.uploading(), self._counted("bytes", room):
            await asyncio.to_thread(self.jobs.check_room, owner, more=self._count["bytes"])
            folder = self.jobs.new_folder()
            try:
                size = 0
                with (folder / file).open("wb") as kept:
                    async for piece in arriving(body, name):
                        size += len(piece)
                        if size > most:
                            raise too_large(name, most)
                        await asyncio.to_thread(kept.write, piece)
                return await asyncio.to_thread(self.add, kind, owner, name, {}, folder=folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    def uploading(self) -> AbstractContextManager[None]:
        """Count somebody who sends something. Raises Full where too many do."""
        if self._count["uploads"] >= self.limits.uploads:
            raise Full("too many songs are being sent at this moment; try again in a minute")
        return self._counted("uploads")

    def listening(self) -> AbstractContextManager[None]:
        """Count somebody who listens to events. Raises Full where too many do."""
        if self._count["listeners"] >= self.limits.listeners:
            raise Full("too many pages are open at this moment; close some")
        return self._counted("listeners")

    @contextmanager
    def _counted(self, what: str, number: int = 1) -> Iterator[None]:
        self._count[what] += number
        try:
            yield
        finally:
            self._count[what] -= number

    async def keep_tidy(self) -> None:
        """Delete, now and then, what is too old."""
        while True:
            with suppress(OSError):  # of the moment, such as too many open files
                await asyncio.to_thread(self.jobs.sweep)
            await asyncio.sleep(SWEEP_SECONDS)


async def arriving(body: AsyncIterator[bytes], name: str) -> AsyncIterator[bytes]:
    """Yield the pieces of an upload. Raises TooSlow where the next one doesn't come."""
    while True:
        try:
            async with asyncio.timeout(PIECE_SECONDS):
                piece = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise TooSlow(f"{name}: nothing more of it came for a minute; send it again") from None
        yield piece


def too_large(name: str, most: float) -> TooLarge:
    return TooLarge(f"{name}: is larger than the {most / 2**20:.0f} MB that this server takes")


def shown_name(name: str) -> str:
    """Return the last part of a file's name, for people; it is never a path."""
    plain = "".join(c if c.isprintable() else " " for c in name.replace("\\", "/").rpartition("/")[2]).strip()
    end = Path(plain).suffix
    stem, suffix = plain[: len(plain) - len(end)].strip(". "), end[:LONGEST_SUFFIX].rstrip()
    return fitting_stem(stem, suffix + ROOM).strip(". ") + suffix if stem else "song"


def _make(folder: Path, library: Path | None, limits: Limits, threads: int) -> Work:
    """Make what works, in a worker process."""
    from extrapcli.serve.bench import Bench
    from extrapcli.serve.work import Worker

    return Worker(Bench(folder, library, limits, threads))
