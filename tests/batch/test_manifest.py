"""Whatever happens to a manifest, no more than its last line is lost."""

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extrapcli.batch.manifest import Manifest, Record, stat_signature
from extrapcli.errors import CannotWrite, UsageError

NAMES = st.text(st.characters(blacklist_characters="\0"), min_size=1, max_size=10)  # lone surrogates among them
RECORDS = st.builds(
    Record,
    state=st.sampled_from(["started", "done", "failed"]),
    input=NAMES,
    output=st.sampled_from("abc"),
    run=st.sampled_from("12"),
    options=st.dictionaries(st.text(), st.integers() | st.none() | st.booleans()),
    output_seconds=st.floats(0, 1e6),
    error=NAMES,
)
LINES = st.lists(RECORDS, min_size=1, max_size=8)


@contextmanager
def manifest(records: list[Record]) -> Iterator[Manifest]:
    with tempfile.TemporaryDirectory() as folder:
        written = Manifest(Path(folder) / "manifest.jsonl")
        for record in records:
            written.append(record)
        yield written


def last(records: list[Record]) -> dict[str, Record]:
    return {record.output: record for record in records}


@settings(deadline=None, max_examples=25)
@given(LINES)
def test_what_is_written_is_read(records: list[Record]) -> None:
    with manifest(records) as written:
        read = Manifest(written.path)
        written.refresh()
        assert read.last == written.last == last(records)
        done = [record for record in records if record.state == "done"]
        assert read.done == {output: [record for record in done if record.output == output] for output in last(done)}


@settings(deadline=None, max_examples=25)
@given(LINES, st.data())
def test_cut_off_anywhere_it_loses_at_most_the_line_that_was_cut(records: list[Record], data: st.DataObject) -> None:
    with manifest(records) as written:
        text = written.path.read_bytes()
        cut = data.draw(st.integers(0, len(text)))
        os.truncate(written.path, cut)
        kept = records[: text[:cut].count(b"\n")]
        assert Manifest(written.path).last == last(kept)
        after = Record("done", "song", "track", "3")
        Manifest(written.path).append(after)
        read = Manifest(written.path).last
        whole = records[: len(kept) + 1] if text[cut : cut + 1] == b"\n" else kept  # only its line break was cut off
        assert read == last([*whole, after])


@settings(deadline=None, max_examples=25)
@given(LINES, LINES)
def test_two_runs_read_what_the_other_adds(ours: list[Record], theirs: list[Record]) -> None:
    with manifest([]) as one:
        two = Manifest(one.path)
        for mine, yours in zip(ours, theirs, strict=False):
            one.append(mine)
            two.append(yours)
            one.refresh()
            two.refresh()
            assert one.last == two.last == Manifest(one.path).last
            assert one.last[yours.output] == yours


@settings(deadline=None, max_examples=25)
@given(LINES, st.binary(max_size=40).filter(lambda line: b"\n" not in line))
def test_a_line_that_is_not_a_record_is_skipped(records: list[Record], line: bytes) -> None:
    with manifest(records) as written:
        text = written.path.read_bytes()
        written.path.write_bytes(text + line + b"\n" + text)
        assert Manifest(written.path).last == last(records)


def test_another_file_of_that_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text('{"name": "something else"}\n')
    with pytest.raises(UsageError, match="not a manifest"):
        Manifest(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(UsageError, match="is not a file"):
        Manifest(path)


def test_a_file_without_lines_is_refused_unless_it_may_be_the_start_of_a_manifest(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    for text in ("", '{"sta', '{"state": "started", "inp'):
        path.write_text(text)
        assert not Manifest(path).last
    path.write_text("my notes")
    with pytest.raises(UsageError, match="not a manifest"):
        Manifest(path)
    assert path.read_text() == "my notes"


def test_a_line_that_is_written_in_part_is_an_error(tmp_path: Path) -> None:
    written = Manifest(tmp_path / "manifest.jsonl")
    one, two, three = (Record("done", "song", output, "run") for output in ("one", "two", "three"))
    written.append(one)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (written.path.stat().st_size + 10, hard))
    try:
        with pytest.raises(CannotWrite, match=r"manifest\.jsonl: cannot be written: No space"):
            written.append(two)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    written.append(three)
    assert Manifest(written.path).last == {"one": one, "three": three}


def test_a_manifest_that_was_removed_is_not_started_again(tmp_path: Path) -> None:
    record = Record("started", "song", "track", "run")
    written = Manifest(tmp_path / "manifest.jsonl")
    written.append(record)
    written.refresh()
    written.path.unlink()
    with pytest.raises(CannotWrite, match="No such file"):
        written.append(record)


def test_the_signature_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "song"
    assert stat_signature(path) is None
    path.write_bytes(b"one")
    first = stat_signature(path)
    assert first == stat_signature(path)
    found = path.stat()
    while stat_signature(path) == first:  # the clock of a file system has a tick
        path.write_bytes(b"two")
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
