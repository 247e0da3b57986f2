from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest
import soundfile

from extrapcli.batch.manifest import Record
from extrapcli.batch.plan import Naming, Work, plan
from extrapcli.batch.worker import Task, Worker
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


def works_of(songs: Path, tracks: Path) -> list[Work]:
    return plan(songs, tracks, Naming(OPTIONS.length, OPTIONS.model), include=(), exclude=())


class Here:
    """An engine that does the work in this process, one song at a time."""

    def __init__(self, options: Options = OPTIONS) -> None:
        self.worker = Worker(options)
        self.given: list[Task] = []

    @property
    def free(self) -> bool:
        return not self.given

    def submit(self, task: Task) -> None:
        self.given.append(task)

    def finished(self) -> list[tuple[Task, Record]]:
        task = self.given.pop()
        return [(task, self.worker.do(task))]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@pytest.fixture(scope="session")
def here() -> Iterator[Here]:
    with Here() as engine:
        yield engine
