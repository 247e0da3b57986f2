from pathlib import Path

import numpy as np
import pytest
import soundfile

from extrapcli.batch.engine import Engine
from extrapcli.batch.jobs import Job, Naming, find_jobs
from extrapcli.batch.manifest import Record
from extrapcli.batch.worker import Assignment, Worker
from extrapcli.continuation import Length
from extrapcli.pipeline import Options
from tests.batch.rays import cluster, s3
from tests.batch.soak import RATE, song

__all__ = ["cluster", "s3"]

NAMES = ("a.wav", "b.wav", "folder/c.flac", "folder/d.wav")
OPTIONS = Options(Length(0.1), "recall", threads=1)


@pytest.fixture
def songs(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A folder with four songs of two seconds."""
    for name in NAMES:
        path = tmp_path / "songs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, song(rng, 2.0), RATE)
    return tmp_path / "songs"


def jobs_of(songs: Path, tracks: Path) -> list[Job]:
    jobs, _ = find_jobs(songs, tracks, Naming(OPTIONS.length, OPTIONS.model), include=(), exclude=())
    return jobs


class InProcessEngine(Engine):
    """Does the work in this process, one song at a time."""

    def __init__(self, options: Options = OPTIONS) -> None:
        super().__init__(timeout_minutes=60)
        self._worker = Worker(options)

    @property
    def free(self) -> bool:
        return not self._busy

    def close(self) -> None: ...

    def _begin(self, assignment: Assignment) -> tuple[None, str]:
        self._assignment = assignment
        return None, assignment.job.output

    def _wait(self, seconds: float | None) -> list[str]:
        return list(self._busy)

    def _answer(self, worker: None, handle: str) -> Record:
        return self._worker.run(self._assignment)

    def _discard(self, worker: None) -> None: ...


@pytest.fixture(scope="session")
def engine() -> InProcessEngine:
    return InProcessEngine()
