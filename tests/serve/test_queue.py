"""The parts of a server that need no server: whose turn it is, parts of a sound, waveforms, and names."""

import json
import threading
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from extrapcli.serve.answers import parse_range
from extrapcli.serve.crew import Queue
from extrapcli.serve.jobs import Job, Jobs, Limits
from extrapcli.serve.listening import PEAKS_PER_SECOND, Peaks
from extrapcli.serve.site import shown_name
from tests.batch.processes import wait_until

OWNERS = st.lists(st.sampled_from("ABCD"), max_size=30)


def jobs_of(owners: list[str]) -> list[Job]:
    return [Job(f"{number:032x}", "track", owner, None, "song", {}) for number, owner in enumerate(owners)]


def filled(jobs: list[Job]) -> Queue:
    queue = Queue()
    for job in jobs:
        queue.put(job, song=job.owner)
    return queue


@given(OWNERS)
def test_each_owner_waits_for_one_job_of_each_other(owners: list[str]) -> None:
    """The number of the turn never goes down, whoever wants how much."""
    jobs = jobs_of(owners)
    queue, turns = filled(jobs), list[int]()
    for _ in jobs:
        job = queue.take()
        assert job
        turns.append([other.id for other in jobs if other.owner == job.owner].index(job.id))
    assert turns == sorted(turns)


@given(OWNERS, st.integers(0, 29))
def test_what_is_ahead_is_what_is_taken_before(owners: list[str], taken: int) -> None:
    jobs = jobs_of(owners)
    queue = filled(jobs)
    done = [queue.take() for _ in range(min(taken, len(jobs)))]
    left = [job for job in jobs if job not in done]
    told = {job.id: queue.ahead(job) for job in left}
    assert [told[job.id] for job in iter_taken(queue, len(left))] == list(range(len(left)))
    assert [queue.ahead(job) for job in jobs] == [0] * len(jobs)


def iter_taken(queue: Queue, count: int) -> list[Job]:
    return [job for _ in range(count) if (job := queue.take())]


@given(OWNERS, st.sets(st.integers(0, 29)))
def test_what_is_removed_is_not_taken_and_nothing_else_is_lost(owners: list[str], removed: set[int]) -> None:
    jobs = jobs_of(owners)
    queue, gone = filled(jobs), {jobs[number].id for number in removed if number < len(jobs)}
    for job in jobs:
        if job.id in gone:
            queue.remove(job)
            queue.remove(job)
    left = [job for job in jobs if job.id not in gone]
    told = {job.id: queue.ahead(job) for job in left}
    taken = iter_taken(queue, len(left))
    assert [told[job.id] for job in taken] == list(range(len(left)))
    assert {job.id for job in taken} == {job.id for job in left}
    for owner in set(owners):
        assert [job.id for job in taken if job.owner == owner] == [job.id for job in left if job.owner == owner]


@given(OWNERS, st.lists(st.sets(st.sampled_from("ABCD")), min_size=1, max_size=4))
def test_workers_who_know_different_songs_do_everything_once(owners: list[str], known: list[set[str]]) -> None:
    queue, jobs, done = Queue(), jobs_of(owners), list[str]()

    def work(songs: set[str]) -> None:
        while job := queue.take(songs):
            done.append(job.id)
            if len(done) == len(jobs):
                queue.close()

    threads = [threading.Thread(target=work, args=(songs,), daemon=True) for songs in known]
    for thread in threads:
        thread.start()
    for job in jobs:
        queue.put(job, song=job.owner)
    if not jobs:
        queue.close()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert sorted(done) == [job.id for job in jobs]


def test_a_job_goes_to_who_knows_its_song() -> None:
    queue, took = Queue(), list[str]()

    def work(name: str, songs: set[str]) -> None:
        while queue.take(songs):
            took.append(name)
            step.release()

    step = threading.Semaphore(0)
    threads = [threading.Thread(target=work, args=(name, {name}), daemon=True) for name in "AB"]
    for thread in threads:
        thread.start()
    for number, song in enumerate("ABBABA"):
        wait_until(lambda: len(queue._idle) == 2)
        queue.put(jobs_of(["me"] * 6)[number], song=song)
        assert step.acquire(timeout=60)
    queue.close()
    for thread in threads:
        thread.join(20)
    assert "".join(took) == "ABBABA"


@pytest.mark.parametrize(
    ("asked", "part"),
    [  # the examples of RFC 9110, 14.1.2, for 10000 bytes
        ("bytes=0-499", (0, 500)),
        ("bytes=500-999", (500, 1000)),
        ("bytes=-500", (9500, 10000)),
        ("bytes=9500-", (9500, 10000)),
        ("bytes=0-0", (0, 1)),
        ("bytes= 0-999", (0, 1000)),
        ("bytes=9999-", (9999, 10000)),
        ("bytes=9000-99999", (9000, 10000)),
        ("bytes=-99999", (0, 10000)),
        ("bytes=10000-", None),
        ("bytes=10000-10001", None),
        ("bytes=-0", None),
    ],
)
def test_parts_are_those_of_the_standard(asked: str, part: tuple[int, int] | None) -> None:
    assert parse_range(asked, 10000) == part


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 200))
def test_a_part_is_what_is_there_of_what_was_asked_for(first: int, last: int, size: int) -> None:
    whole = range(size)
    for asked, wanted in (
        (f"bytes={first}-{last}", whole[first : last + 1]),
        (f"bytes={first}-", whole[first:]),
        (f"bytes=-{last}", whole[max(0, size - last) :]),
    ):
        part = parse_range(asked, size)
        assert (whole[part[0] : part[1]] if part else whole[:0]) == wanted


@given(st.text(max_size=30), st.integers(1, 10**12))
def test_a_range_that_can_t_be_read_does_no_harm(asked: str, size: int) -> None:
    for text in (asked, f"bytes={asked}", f"bytes={asked}-{asked}"):
        if part := parse_range(text, size):
            assert 0 <= part[0] < part[1] <= size


@given(
    arrays(np.float32, st.tuples(st.integers(0, 3000), st.integers(1, 2)), elements=st.floats(-1.5, 1.5, width=32)),
    st.lists(st.integers(0, 3000), max_size=8),
    st.sampled_from([8000, 11025, 22050, 44100, 96000, 400]),
)
def test_a_waveform_is_the_same_however_its_sound_comes(
    samples: np.ndarray[tuple[int, int], np.dtype[np.float32]], cuts: list[int], rate: int
) -> None:
    with TemporaryDirectory() as folder:
        path, cuts = Path(folder) / "peaks", sorted({0, *(cut % (len(samples) + 1) for cut in cuts), len(samples)})
        with path.open("wb") as file:
            peaks = Peaks(file, rate)
            for begin, end in pairwise(cuts):
                peaks.write(samples[begin:end])
        drawn = list(path.read_bytes())
    edges = [round(number * rate / PEAKS_PER_SECOND) for number in range(len(samples) * PEAKS_PER_SECOND // rate + 2)]
    wholes = [(begin, end) for begin, end in pairwise(edges) if end <= len(samples)]
    assert drawn == [min(255, round(255 * float(np.abs(samples[begin:end]).max()))) for begin, end in wholes]


@given(st.text(max_size=400) | st.text(st.sampled_from("./\\ \r\n\0a\u202e"), max_size=20))
def test_a_shown_name_is_one_line_without_a_path(name: str) -> None:
    shown = shown_name(name)
    assert shown
    assert shown.isprintable()
    assert not set("/\\\0\r\n") & set(shown)
    assert shown_name(shown) == shown


def test_a_folder_of_jobs_is_read_whatever_lies_in_it(tmp_path: Path) -> None:
    whole = Job("1" * 32, "song", "me", None, "song", {}, state="done", result={})
    orphan = Job("2" * 32, "track", "me", "3" * 32, "song", {}, state="done")
    texts = {job.id: json.dumps(asdict(job)) for job in (whole, orphan)}
    texts |= {"4" * 32: "", "5" * 32: "{", "6" * 32: "[]", "7" * 32: "null", "8" * 32: '{"id": 1}'}
    for id, text in texts.items():
        (tmp_path / id).mkdir()
        (tmp_path / id / "job.json").write_text(text)
    (tmp_path / ("9" * 32)).mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine.txt").write_text("of somebody else")
    assert [job.id for job in Jobs(tmp_path, Limits())] == [whole.id]
    unreadable = {number * 32 for number in "45678"}
    assert {path.name for path in tmp_path.iterdir()} == {whole.id, "mine", "mine.txt"} | unreadable
