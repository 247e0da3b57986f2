"""Worker processes that do their work, die, hang, never begin, and leave with the one that began them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import pytest

from extrapcli.batch.engine import LocalEngine
from extrapcli.batch.manifest import Record
from extrapcli.batch.worker import Task
from tests.batch.conftest import OPTIONS, works_of
from tests.batch.soak import alive


def workers() -> list[int]:
    return [child.pid for child in active_children() if child.pid]


@pytest.fixture
def tasks(songs: Path) -> list[Task]:
    begun = Record("begun", "song", "track", "run")
    works = works_of(songs, songs.parent / "tracks")
    return [Task(work, replace(begun, input=work.input, output=work.output), (), unfinished=False) for work in works]


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(OPTIONS, 2) as engine:
        yield engine
    assert not workers()


def finish(engine: LocalEngine, count: int) -> list[Record]:
    records: list[Record] = []
    while len(records) < count:
        records += [record for _, record in engine.finished()]
    return sorted(records, key=lambda record: record.input)


def test_songs_are_done_side_by_side(engine: LocalEngine, tasks: list[Task]) -> None:
    assert not workers()
    for task in tasks[:2]:
        assert engine.free
        engine.submit(task)
    assert not engine.free
    assert len(workers()) == 2
    assert [record.state for record in finish(engine, 2)] == ["done"] * 2
    assert all(task.work.target.stat().st_size for task in tasks[:2])
    assert engine.free


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_worker_that_dies_takes_one_song_with_it(
    number: signal.Signals, engine: LocalEngine, tasks: list[Task]
) -> None:
    engine.submit(tasks[0])
    (first,) = workers()
    engine.submit(tasks[1])
    os.kill(first, number)
    died, well = finish(engine, 2)
    assert died.error == (
        f"{tasks[0].work.source}: the process at work on it died ({number.name}); try it alone with extrap continue"
    )
    assert (died.state, died.status, well.state) == ("failed", 1, "done")
    for task in tasks[2:]:
        engine.submit(task)
    assert [record.state for record in finish(engine, 2)] == ["done"] * 2
    assert not tasks[0].work.target.exists()


def test_a_worker_that_dies_while_it_has_nothing_to_do_is_not_missed(engine: LocalEngine, tasks: list[Task]) -> None:
    for task in tasks[:2]:
        engine.submit(task)
    finish(engine, 2)
    for worker in workers():
        os.kill(worker, signal.SIGKILL)
        while worker in workers():
            time.sleep(0.01)
    for task in tasks[2:]:
        engine.submit(task)
    assert [record.state for record in finish(engine, 2)] == ["done"] * 2


def test_a_song_that_takes_too_long_is_given_up(tasks: list[Task]) -> None:
    with LocalEngine(OPTIONS, 1, timeout_minutes=1e-4) as engine:
        engine.submit(tasks[0])
        (record,) = finish(engine, 1)
        assert record.error == f"{tasks[0].work.source}: took more than 0.0001 minutes; give it more --timeout"
        assert not workers()


def test_a_process_that_hangs_is_ended(tasks: list[Task]) -> None:
    """One that is stopped does not even hear that it shall leave."""
    with LocalEngine(OPTIONS, 1) as engine:
        engine.submit(tasks[0])
        (worker,) = workers()
        os.kill(worker, signal.SIGSTOP)
    assert not alive(worker)


def test_workers_that_can_never_begin_fail_their_songs(tasks: list[Task]) -> None:
    with LocalEngine(replace(OPTIONS, model="no such model"), 2) as engine:
        for task in tasks[:2]:
            engine.submit(task)
        for record in finish(engine, 2):
            assert record.error.startswith("no such model: no such model or file")
            assert record.status == 4


PARENT = """
import sys, time
from tests.batch.conftest import OPTIONS
from extrapcli.batch.engine import LocalEngine, _Process

if __name__ == "__main__":
    engine = LocalEngine(OPTIONS, 1).__enter__()
    process = _Process(OPTIONS)
    print(process._process.pid, flush=True)
    time.sleep(600)
"""


def test_a_worker_leaves_when_its_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout
    worker = int(parent.stdout.readline())
    assert alive(worker)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 60
    while alive(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.stdout.close()
