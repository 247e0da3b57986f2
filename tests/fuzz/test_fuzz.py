"""A short run of the fuzzers, the inputs that longer runs found, and whether each kind of harm is found."""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

if sys.platform != "linux":
    pytest.skip("the fuzzers read /proc", allow_module_level=True)

from tests.fuzz.__main__ import TARGETS
from tests.fuzz.fuzz import Target, fuzz, make_input
from tests.fuzz.mutate import Mutation, mutate_bytes, mutate_protobuf, mutate_text
from tests.fuzz.mutate_songs import mutate_song
from tests.fuzz.tags import mutate_tags

FOUND = Path(__file__).parent / "found"
MEGABYTE = 10**6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"), [("audio", 100), ("tags", 50), ("manifest", 100), ("midi", 50), ("abc", 20)]
)
def test_damaged_files_do_no_harm(name: str, count: int) -> None:
    report = fuzz(TARGETS[name], count, seed=20261122)
    assert report.inputs == count
    assert report.findings == []


@pytest.mark.parametrize("file", sorted(FOUND.iterdir()), ids=lambda file: file.name)
def test_inputs_found_by_longer_runs_do_no_harm(
    file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    target = TARGETS[file.name.partition("-")[0]]
    copy = tmp_path / f"input{file.suffix}"
    copy.write_bytes(file.read_bytes())
    with suppress(*target.expected):
        target.run(copy)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


@pytest.mark.parametrize("name", ["midi", "abc", "score"])
def test_tunes_are_mutated_in_the_same_way_for_the_same_number(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    target.seeds(tmp_path)
    seeds = sorted(tmp_path.iterdir())
    made = [[make_input(target, seeds, 5, number) for number in range(60)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 50


def one_seed(folder: Path) -> None:
    (folder / "seed.txt").write_bytes(b"some bytes")


def unchanged(data: bytes, other: bytes, rng: Random) -> bytes:
    return data


def fails(path: Path) -> None:
    if path.name.startswith("input"):
        raise KeyError("unexpected")


def crashes(path: Path) -> None:
    if path.name.startswith("input"):
        os.abort()


def computes(path: Path) -> None:
    while path.name.startswith("input"):
        pass


def waits(path: Path) -> None:
    if path.name.startswith("input"):
        threading.Event().wait()


def takes_memory(path: Path) -> None:
    if path.name.startswith("input"):
        _ = b"x" * (300 * MEGABYTE)


def prints(path: Path) -> None:
    if path.name.startswith("input"):
        os.write(2, b"a message")


def refuses(path: Path) -> None:
    if path.name.startswith("input"):
        raise ValueError("expected")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run", "kind", "detail"),
    [
        (fails, "exception", "KeyError"),
        (crashes, "crash", "exit status -6"),
        (computes, "hang", "more than 0.5 s"),
        (waits, "hang", "more than 0.5 s"),
        (takes_memory, "memory", "0.3 GB"),
        (prints, "printed", "a message"),
        (refuses, None, ""),
    ],
)
def test_harm_is_found_and_kept(run: Callable[[Path], None], kind: str | None, detail: str, tmp_path: Path) -> None:
    seconds = 0.5 if kind == "hang" else 1000  # only what never ends may reach its limit
    target = Target("toy", one_seed, unchanged, run, (ValueError,), seconds=seconds, memory_bytes=100 * MEGABYTE)
    report = fuzz(target, 2, keep=tmp_path)
    assert [(finding.kind, finding.number) for finding in report.findings] == ([(kind, 0), (kind, 1)] if kind else [])
    assert all(detail in finding.detail for finding in report.findings)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"some bytes"] * len(report.findings)


@pytest.mark.parametrize("mutate", [mutate_bytes, mutate_text, mutate_song, mutate_tags, mutate_protobuf])
def test_mutations_are_the_same_for_the_same_generator(mutate: Mutation) -> None:
    one, other = b"RIFF\x24\0\0\0WAVEfmt 12 words, and data" * 3, b"other 99\nlines\n" * 5
    made = [[mutate(one, other, Random(seed)) for seed in range(200)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 100
