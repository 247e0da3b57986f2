"""Files appear whole, links stay links, and what is no file is written into."""

import os
import stat
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from extrapcli.atomic import (
    atomic_file,
    destination,
    is_special,
    named_path,
    remove_unfinished,
    temporary_folder,
)
from extrapcli.errors import CannotWrite, UsageError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there, and pipes have no paths")
SUFFIXES = (None, ".part")  # without a name and with one, on the way


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, content: bytes, *, overwrite: bool = False, suffix: str | None = None) -> None:
    with atomic_file(path, overwrite=overwrite, suffix=suffix) as whole:
        whole.write_bytes(content)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("steps", [1, 2])
def test_a_link_stays_and_its_file_is_replaced(suffix: str | None, steps: int, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_bytes(b"old")
    (tmp_path / "1").symlink_to(Path("there", "file"))
    (tmp_path / "2").symlink_to("1")
    link = tmp_path / str(steps)
    with pytest.raises(CannotWrite, match="exists already"):
        write(link, b"new", suffix=suffix)
    assert link.read_bytes() == b"old"
    write(link, b"new", overwrite=True, suffix=suffix)
    assert link.is_symlink()
    assert (tmp_path / "there" / "file").read_bytes() == b"new"
    assert names(tmp_path / "there") == ["file"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_link_that_leads_nowhere_is_written_through(suffix: str | None, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(Path("there", "file"))
    write(tmp_path / "link", b"new", suffix=suffix)
    assert (tmp_path / "link").readlink() == Path("there", "file")
    assert (tmp_path / "there" / "file").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("loop", "levels of symbolic links"),
        ("to-a-folder", "is a folder"),
        ("lost/file", "No such file"),
        ("below/file", "Not a directory"),
        ("gone", "No such file"),
        ("x" * 256, "too long"),
    ],
)
def test_what_cannot_be_written_stays_as_it_is(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "to-a-folder").symlink_to(".")
    (tmp_path / "gone").symlink_to("lost/file")
    (tmp_path / "below").touch()
    before = names(tmp_path)
    with pytest.raises(CannotWrite, match=says):
        write(tmp_path / name, b"new", overwrite=True)
    assert names(tmp_path) == before
    assert (tmp_path / "loop").is_symlink()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_pipe_gets_the_whole_file(suffix: str | None, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    content, read = bytes(range(256)) * 4096, list[bytes]()
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write(tmp_path / "link", content, suffix=suffix)
    reader.join(60)
    assert read == [content]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert names(tmp_path) == ["link", "pipe"]


def test_a_reader_that_left_is_no_failure_of_the_file(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        write(Path(f"/dev/fd/{writing}"), b"nobody reads this")
    os.close(writing)


def test_devices_are_written_into(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to(os.devnull)
    write(tmp_path / "null", b"gone")
    assert (tmp_path / "null").is_symlink()
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    if Path("/dev/full").exists():
        with pytest.raises(CannotWrite, match="/dev/full: cannot be written: No space"):
            write(Path("/dev/full"), b"too much")


def test_a_terminal_gets_no_file() -> None:
    _, end = os.openpty()
    with pytest.raises(UsageError, match="is a terminal"):
        write(Path(os.ttyname(end)), b"unreadable")


def test_an_open_descriptor_is_continued_where_it_is(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb", buffering=0) as file:
        file.write(b"before ")
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        write(tmp_path / "link", b"inside ")
        file.write(b"after")
    assert (tmp_path / "file").read_bytes() == b"before inside after"


def test_a_descriptor_that_is_closed_or_only_for_reading_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (tmp_path / "file").open("rb") as file, pytest.raises(CannotWrite, match="Bad file descriptor"):
        write(Path(f"/dev/fd/{file.fileno()}"), b"new")
    with pytest.raises(CannotWrite, match="Bad file descriptor"):
        write(Path("/dev/fd/999"), b"new")


def test_what_is_not_open_is_no_destination(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="nothing is open there"):
        destination("/dev/fd/999")
    with pytest.raises(UsageError, match="empty"):
        destination("")


def test_a_file_may_be_called_like_a_standard_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert named_path("./-") == destination("./-") == tmp_path / "-"
    assert named_path("-") == Path("-")
    assert not is_special(named_path("./-"))


def test_all_names_of_standard_output_are_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    for name in ("-", "/dev/stdout", "/dev/fd/1", tmp_path / "link"):
        assert destination(name) == Path("-")
        assert is_special(Path(name))
    for name in ("1", tmp_path / "1", "/dev/null", "/dev/fd/2"):
        assert destination(name) == Path(name)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_appears_meanwhile_is_kept(suffix: str | None, tmp_path: Path) -> None:
    def write_too_late() -> None:
        with atomic_file(tmp_path / "file", overwrite=False, suffix=suffix) as whole:
            whole.write_bytes(b"new")
            (tmp_path / "file").write_bytes(b"somebody else's")

    with pytest.raises(CannotWrite, match="exists already"):
        write_too_late()
    assert (tmp_path / "file").read_bytes() == b"somebody else's"
    assert names(tmp_path) == ["file"]


def test_what_is_unfinished_can_be_removed_at_any_moment(tmp_path: Path) -> None:
    with (
        suppress(RuntimeError),
        temporary_folder(tmp_path) as folder,
        atomic_file(tmp_path / "file", overwrite=False, suffix=".part"),
    ):
        (folder / "half").write_bytes(b"half")
        assert len(names(tmp_path)) == 2
        remove_unfinished()
        assert names(tmp_path) == []
        raise RuntimeError
