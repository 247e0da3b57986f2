"""Files that appear under their names only when they are whole. The one place that writes files people keep.

A link is written through: it stays, and the file that it leads to is replaced, or made where it is missing. Pipes and
devices are never replaced either; the finished file is copied into them, or they are written into as things are made.
"""

import errno
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from extrapcli.errors import CannotWrite, UsageError

STDOUT = Path("-")
MAX_NAME_BYTES = 255  # of a file name, on all usual file systems
_MAX_LINKS = 40  # in a row, as Linux has it
_NO_UNNAMED_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}


def make_folder(path: Path) -> None:
    """Make a folder and those above it; raise CannotWrite where that can't be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be made: {error.strerror}") from None


def named_path(text: str) -> Path:
    """Return the path that a user names: only `-` itself is a standard stream, `./-` is a file. Raises UsageError."""
    if not text:
        raise UsageError("the name of a file is empty; write . for the current folder")
    path = Path(text)
    return Path.cwd() / path if path == STDOUT and text != "-" else path


def destination(text: str | Path) -> Path:
    """Return the path that a user names for output, `-` for each name of standard output, as `/dev/stdout`.

    Raises UsageError for no name, CannotWrite for a descriptor that is not open: libraries may open it later.
    """
    path = named_path(text) if isinstance(text, str) else text
    descriptor = _descriptor(path)
    if descriptor is not None and descriptor != 1:
        try:
            os.fstat(descriptor)
        except OSError:
            raise CannotWrite(f"{text}: nothing is open there; name a file") from None
    return STDOUT if descriptor == 1 else path


def is_special(path: Path) -> bool:
    """Return whether output for a path goes into a pipe, a device or an open descriptor rather than a file."""
    if path == STDOUT or _descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def takes_streams(path: Path) -> bool:
    """Return whether what is written to a path is handed on at once: to a pipe or a device, redirected or not."""
    if not is_special(path):
        return False
    descriptor = 1 if path == STDOUT else _descriptor(path)
    try:
        return not stat.S_ISREG((path.stat() if descriptor is None else os.fstat(descriptor)).st_mode)
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether a path leads to a folder. For names too long for any file, Path.is_dir raises instead."""
    return os.path.isdir(path)  # noqa: PTH112


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise CannotWrite where there is a folder of that name, or a file that must not be overwritten.

    Pipes and devices, which are written into, are no such files, but disks are.
    """
    if is_special(path):
        return
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written: {error.strerror}") from None
    if stat.S_ISDIR(mode):
        raise CannotWrite(f"{path}: is a folder")
    if not stat.S_ISREG(mode):
        raise CannotWrite(f"{path}: is a disk or a socket; name a file")
    if not overwrite:
        raise CannotWrite(f"{path}: exists already", hint="overwrite")


def refuse_terminal() -> None:
    """Raise UsageError where standard output can't take a file: it is closed, or a terminal."""
    if sys.__stdout__ is None:
        raise UsageError("standard output is closed; send it to a file or a program")
    if sys.stdout.isatty():
        raise UsageError("standard output is a terminal; send it to a file or a program")


def is_same_file(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one file; False where one of them leads nowhere."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


@contextmanager
def atomic_file(
    path: Path, *, overwrite: bool, source: Path | None = None, suffix: str | None = None, durable: bool = False
) -> Iterator[Path]:
    """Give a file to write to; when the block ends well, it takes the name `path`, or that which `path` links to.

    The file lies in the same folder. On Linux it has no name until then, so even a killed process leaves nothing
    behind. Writers that go by a file's suffix need a name: give them a `suffix`. A `durable` file is on disk before
    it takes its name. For `-`, a pipe or a device the finished file is copied there.

    Raises UsageError where `path` is `source` or a terminal, CannotWrite where it exists and must not be overwritten,
    or can't be written, BrokenPipeError where the reader of a pipe leaves.
    """
    if source and is_same_file(path, source):
        raise UsageError(f"{path}: is the song itself; write the track under another name")
    refuse_existing(path, overwrite)
    unfinished = _copied(path, suffix) if is_special(path) else _renamed(path, overwrite, suffix, durable)
    with _failures_of(path), unfinished as whole:
        yield whole


def check_writable(path: Path, *, overwrite: bool, source: Path) -> None:
    """Raise as `atomic_file` does where no file can be written; nothing is written."""
    if is_special(path):
        return
    with suppress(_Tried), atomic_file(path, overwrite=overwrite, source=source):
        raise _Tried


class _Tried(Exception):
    """Nothing is to be written."""


@contextmanager
def open_stream(path: Path) -> Iterator[BinaryIO]:
    """Open standard output, a pipe or a device to write into it as things are made. Raises as `atomic_file`."""
    with _failures_of(path), _open_special(path) as stream:
        yield stream


@contextmanager
def _failures_of(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        name = "standard output" if path == STDOUT else path
        raise CannotWrite(f"{name}: cannot be written: {error.strerror or error}") from None


@contextmanager
def _copied(path: Path, suffix: str | None) -> Iterator[Path]:
    with _open_special(path) as stream, _unfinished(Path(tempfile.gettempdir()), suffix) as (whole, _):
        try:
            yield whole
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise CannotWrite(
                f"{tempfile.gettempdir()}: no room for a finished file; set TMPDIR to a folder with more room"
            ) from None
        with whole.open("rb") as file:
            shutil.copyfileobj(file, stream)
            stream.flush()


@contextmanager
def _renamed(path: Path, overwrite: bool, suffix: str | None, durable: bool) -> Iterator[Path]:
    target = Path(os.path.realpath(path))
    with _unfinished(target.parent, suffix) as (whole, unnamed):
        yield whole
        refuse_existing(path, overwrite)
        if durable:
            with whole.open("rb+") as file:
                os.fsync(file.fileno())
        if unnamed is None:
            whole.chmod(0o666 & ~_umask())
            whole.replace(target)
        else:
            _give_name(unnamed, target, overwrite)


@contextmanager
def _unfinished(folder: Path, suffix: str | None) -> Iterator[tuple[Path, int | None]]:
    """Give a file in a folder, with its descriptor where it has no name; it is gone afterwards unless it got one."""
    unnamed = None if suffix else _unnamed_file(folder)
    if unnamed is not None:
        try:
            yield Path(f"/proc/self/fd/{unnamed}"), unnamed
        finally:
            os.close(unnamed)
        return
    handle, name = tempfile.mkstemp(prefix=".extrap-", suffix=suffix or ".partial", dir=folder)
    os.close(handle)
    whole = Path(name)
    _temporary.add(whole)
    try:
        yield whole, None
    finally:
        whole.unlink(missing_ok=True)
        _temporary.discard(whole)


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Give a folder, in `parent` or where temporary files go, that is gone afterwards. Raises CannotWrite."""
    try:
        made = tempfile.TemporaryDirectory(dir=parent, prefix=".extrap-" if parent else "extrap-")
    except OSError as error:
        raise CannotWrite(
            f"{parent or 'the folder for temporary files'}: cannot be written: {error.strerror}"
        ) from None
    with made as name:
        folder = Path(name)
        _temporary.add(folder)
        try:
            yield folder
        finally:
            _temporary.discard(folder)


_temporary: set[Path] = set()
"""The files and folders of this process that have names and are to vanish."""


def remove_unfinished() -> None:
    """Remove the temporary files and folders of this process, for one that is about to leave without cleaning up."""
    for path in list(_temporary):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _descriptor(path: Path) -> int | None:
    """Return the number of the open descriptor that a path stands for, as 1 for /dev/stdout and 63 for /dev/fd/63."""
    folders = {os.path.realpath("/proc/self/fd"), os.path.realpath("/dev/fd")}
    for _ in range(_MAX_LINKS):
        if path.name.isdecimal() and os.path.realpath(path.parent) in folders:
            return int(path.name)
        try:
            path = path.parent / path.readlink()
        except (OSError, ValueError):  # not a link
            return None
    return None


@contextmanager
def _open_special(path: Path) -> Iterator[BinaryIO]:
    """Open a pipe or a device, or take an open descriptor, at the place where it is; raise OSError."""
    descriptor = _descriptor(path)
    if path == STDOUT:
        refuse_terminal()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb") as stream:
        os.write(stream.fileno(), b"")  # fails at once where it is only for reading
        if stream.isatty():
            raise UsageError(f"{path}: is a terminal; name a file")
        yield stream


def _unnamed_file(folder: Path) -> int | None:
    """Open a file without a name, which vanishes with the process whatever ends it; None where there are none."""
    if not hasattr(os, "O_TMPFILE") or not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError as error:
        if error.errno not in _NO_UNNAMED_FILES:
            raise
        return None


def _give_name(unnamed: int, path: Path, overwrite: bool) -> None:
    source = f"/proc/self/fd/{unnamed}"
    try:
        os.link(source, path, src_dir_fd=unnamed)  # with a dir_fd, os.link follows the link that /proc has
    except FileExistsError:
        refuse_existing(path, overwrite)
        named = path.with_name(f".extrap-{secrets.token_hex(8)}.partial")
        os.link(source, named, src_dir_fd=unnamed)
        try:
            named.replace(path)
        except OSError:
            named.unlink()
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
