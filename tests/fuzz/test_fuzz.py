"""A short run of the fuzzers, what longer ones have found, and that they find what there is to find."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.__main__ import TARGETS
from tests.fuzz.fuzz import Target, fuzz
from tests.fuzz.mutate import Mutation, of_audio, of_bytes, of_protobuf, of_text

FOUND = Path(__file__).parent / "found"


@pytest.mark.parametrize(("name", "count"), [("audio", 100), ("manifest", 100), ("midi", 50), ("abc", 20)])
def test_damaged_files_do_no_harm(name: str, count: int) -> None:
    report = fuzz(TARGETS[name], count, seed=20261122)
    assert report.inputs == count
    assert report.findings == []


@pytest.mark.parametrize("file", sorted(FOUND.iterdir()), ids=lambda file: file.name)
def test_what_was_found_is_mended(
    file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    target = TARGETS[file.name.partition("-")[0]]
    copy = tmp_path / f"input{file.suffix}"
    copy.write_bytes(file.read_bytes())
    with suppress(*target.expected):
        target.run(copy)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def one_seed(folder: Path) -> None:
    (folder / "seed.txt").write_bytes(b"some bytes")


def as_it_is(data: bytes, other: bytes, rng: Random) -> bytes:
    return data


def fails(path: Path) -> None:
    if path.name.startswith("input"):
        raise KeyError("unexpected")


def crashes(path: Path) -> None:
    if path.name.startswith("input"):
        os.abort()


def hangs(path: Path) -> None:
    while path.name.startswith("input"):
        pass


def hoards(path: Path) -> None:
    if path.name.startswith("input"):
        _ = b"x" * 11 * 10**8


def prints(path: Path) -> None:
    if path.name.startswith("input"):
        os.write(2, b"a remark")


def refuses(path: Path) -> None:
    if path.name.startswith("input"):
        raise ValueError("expected")


@pytest.mark.parametrize(
    ("run", "kind", "told"),
    [
        (fails, "exception", "KeyError"),
        (crashes, "crash", "exit status -6"),
        (hangs, "hang", "more than 1 s"),
        (hoards, "memory", "1.1 GB"),
        (prints, "printed", "a remark"),
        (refuses, None, ""),
    ],
)
def test_harm_is_found_and_kept(run: Callable[[Path], None], kind: str | None, told: str, tmp_path: Path) -> None:
    target = Target("toy", one_seed, as_it_is, run, (ValueError,), seconds=1)
    report = fuzz(target, 2, keep=tmp_path)
    assert [(finding.kind, finding.number) for finding in report.findings] == ([(kind, 0), (kind, 1)] if kind else [])
    assert all(told in finding.told for finding in report.findings)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"some bytes"] * len(report.findings)


@pytest.mark.parametrize("mutate", [of_bytes, of_text, of_audio, of_protobuf])
def test_mutations_are_the_same_for_the_same_generator(mutate: Mutation) -> None:
    one, other = b"RIFF\x24\0\0\0WAVEfmt 12 words, and data" * 3, b"other 99\nlines\n" * 5
    made = [[mutate(one, other, Random(seed)) for seed in range(200)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 100
