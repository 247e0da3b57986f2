"""What a worker process has at hand for its jobs: songs that are decoded, models that are open, a place for files."""

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from extrapcli.audio.probe import declared_seconds
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import limited
from extrapcli.continuation import Length
from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.model import Model, load
from extrapcli.models import DEFAULT, folders
from extrapcli.serve.jobs import EVENTS, SONGS, UPLOAD, Job, Limits
from extrapcli.serve.library import inside

MOST_BYTES_PER_SECOND = 2 * 96_000 * 4  # of what is decoded: two channels at 96 kHz, or more at lower rates
MODELS = 3


@dataclass(frozen=True)
class Decoded:
    """A song and what is known of it."""

    song: Song
    analysis: Analysis
    source: Path


class Events:
    """What is told of a job while it is worked on, a line of JSON for each event."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS

    def __call__(self, type: str, **facts: Any) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"type": type, **facts}) + "\n")


class Bench:
    """What jobs are made with. It keeps the last songs and models, as the next job often needs them."""

    def __init__(self, root: Path, library: Path | None, limits: Limits, threads: int) -> None:
        self.root, self.library, self.limits = root, library, limits
        self._songs: OrderedDict[str, Decoded] = OrderedDict()
        self._open: Callable[[str], Model] = lru_cache(MODELS)(partial(load, threads=threads))
        self.model(DEFAULT)

    def model(self, name: str) -> Model:
        """Return a model that is here. Raises UsageError for another name, and for a path."""
        if name not in (folder.name for folder in folders()):
            raise UsageError(f"{name}: no such model")
        return self._open(name)

    def folder(self, job: Job) -> Path:
        return self.root / job.id

    def song(self, job: Job) -> Decoded:
        """Return the song of a job, decoded. Raises as `decode` does."""
        if job.id in self._songs:
            self._songs.move_to_end(job.id)
            return self._songs[job.id]
        source = self._source(job)
        most = self.limits.minutes
        if declared_seconds(source) > 60 * most:
            raise too_long(job.name, most)
        with limited(round(60 * most * MOST_BYTES_PER_SECOND)):
            song = decode(source, name=job.name)
        if song.seconds > 60 * most:
            raise too_long(job.name, most)
        self._songs[job.id] = Decoded(song, Analysis(song.as_heard), source)
        if len(self._songs) > SONGS:
            self._songs.popitem(last=False)
        return self._songs[job.id]

    def wanted(self, length: Length, song: Song) -> int:
        """Return how many samples a track of a song should have. Raises UsageError for too many."""
        return self.limits.track_samples(length, len(song.samples), song.sample_rate, song.name)

    def _source(self, job: Job) -> Path:
        named = job.request.get("path")
        if named is None:
            return self.folder(job) / UPLOAD
        if self.library is None:
            raise UnreadableAudio(f"{job.name}: the server no longer has a folder of songs")
        if (path := inside(self.library, named)) is None:
            raise UnreadableAudio(f"{job.name}: is no longer in the server's folder")
        return path


def too_long(name: str, minutes: float) -> UsageError:
    return UsageError(f"{name}: is longer than the {minutes:g} minutes that this server takes")
