"""Worker processes that do their work, die, hang, can't start, and leave with the process that started them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import pytest

from extrapcli.batch import processes
from extrapcli.batch.engine import LocalEngine
from extrapcli.batch.manifest import Record
from extrapcli.batch.worker import Assignment
from tests.batch.conftest import OPTIONS, jobs_of
from tests.batch.processes import alive, wait_until


def workers() -> list[int]:
    return [child.pid for child in active_children() if child.pid]


@pytest.fixture
def assignments(songs: Path) -> list[Assignment]:
    jobs = jobs_of(songs, songs.parent / "tracks")
    return [Assignment(job, Record("started", job.input, job.output, "run"), (), interrupted=False) for job in jobs]


@pytest.fixture
def local() -> Iterator[LocalEngine]:
    with closing(LocalEngine(OPTIONS, 2)) as engine:
        yield engine
    assert not workers()


def submit(engine: LocalEngine, assignments: list[Assignment]) -> None:
    for assignment in assignments:
        assert engine.free
        engine.submit(assignment)


def finish(engine: LocalEngine, count: int) -> list[Record]:
    records: list[Record] = []
    while len(records) < count:
        records += [record for _, record in engine.finished()]
    return sorted(records, key=lambda record: record.input)


def test_songs_are_done_side_by_side(local: LocalEngine, assignments: list[Assignment]) -> None:
    assert not workers()
    submit(local, assignments[:2])
    assert not local.free
    assert len(workers()) == 2
    assert [record.state for record in finish(local, 2)] == ["done"] * 2
    assert all(assignment.job.target.stat().st_size for assignment in assignments[:2])
    assert local.free


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_worker_that_dies_takes_one_song_with_it(
    number: signal.Signals, local: LocalEngine, assignments: list[Assignment]
) -> None:
    submit(local, assignments[:1])
    os.kill(workers()[0], number)
    submit(local, assignments[1:2])
    died, well = finish(local, 2)
    song = assignments[0].job.source
    assert died.error == f"{song}: the process working on it died ({number.name}); try it alone"
    assert (died.state, died.exit_status, well.state) == ("failed", 1, "done")
    submit(local, assignments[2:])
    assert [record.state for record in finish(local, 2)] == ["done"] * 2
    assert not assignments[0].job.target.exists()


@pytest.mark.slow
def test_a_worker_that_dies_without_work_is_replaced(local: LocalEngine, assignments: list[Assignment]) -> None:
    submit(local, assignments[:2])
    finish(local, 2)
    for worker in workers():
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not workers())
    submit(local, assignments[2:])
    assert [record.state for record in finish(local, 2)] == ["done"] * 2


def test_a_song_that_takes_too_long_is_given_up(assignments: list[Assignment]) -> None:
    with closing(LocalEngine(OPTIONS, 1, timeout_minutes=1e-4)) as engine:
        submit(engine, assignments[:1])
        (record,) = finish(engine, 1)
        assert record.error == f"{assignments[0].job.source}: took more than 0.0001 minutes"
        assert record.hint == "timeout_minutes"
        assert not workers()


def test_a_process_that_hangs_is_killed(assignments: list[Assignment], monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped one doesn't even notice that it is asked to leave."""
    monkeypatch.setattr(processes, "_SECONDS_TO_LEAVE", 0.1)
    with closing(LocalEngine(OPTIONS, 1)) as engine:
        submit(engine, assignments[:1])
        (worker,) = workers()
        os.kill(worker, signal.SIGSTOP)
    assert not alive(worker)


def test_workers_that_cannot_start_fail_their_songs(assignments: list[Assignment]) -> None:
    with closing(LocalEngine(replace(OPTIONS, model="no such model"), 2)) as engine:
        submit(engine, assignments[:2])
        for record in finish(engine, 2):
            assert record.error.startswith("no such model: no such model or file")
            assert record.exit_status == 4


PARENT = """
import sys, time
from tests.batch.conftest import OPTIONS
from extrapcli.batch.processes import WorkerProcess

if __name__ == "__main__":
    process = WorkerProcess(object)
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
    wait_until(lambda: not alive(worker))
    parent.stdout.close()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals can't be masked")
def test_processes_that_start_are_safe_from_ctrl_c(tmp_path: Path) -> None:
    """In a process of its own: the first start of all is the one that counts."""
    script = tmp_path / "start.py"
    script.write_text("""
import signal
from multiprocessing import get_context
from extrapcli.signals import INTERRUPTIONS, starting_a_process

def masked(): return INTERRUPTIONS <= signal.pthread_sigmask(signal.SIG_BLOCK, ())
def tell(pipe): pipe.send(masked())

if __name__ == "__main__":
    ours, theirs = get_context("spawn").Pipe()
    with starting_a_process():
        get_context("spawn").Process(target=tell, args=(theirs,)).start()
        assert masked()
    assert not masked()
    assert ours.recv()
""")
    subprocess.run([sys.executable, script], check=True)
