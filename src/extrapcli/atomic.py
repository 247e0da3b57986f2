"""Files that appear under their names only when they are whole. The one place that writes files people keep."""

import errno
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from extrapcli.errors import CannotWrite, UsageError

STDOUT = Path("-")
_NO_UNNAMED_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}


def make_folder(path: Path) -> None:
    """Make a folder and those above it; raise CannotWrite where that can't be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be made: {error.strerror}") from None


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise CannotWrite where there is a folder of that name, or a file that must not be overwritten."""
    if path.is_dir():
        raise CannotWrite(f"{path}: is a folder")
    if path.exists() and not overwrite:
        raise CannotWrite(f"{path}: exists already", hint="overwrite")


@contextmanager
def atomic_file(
    path: Path, *, overwrite: bool, source: Path | None = None, suffix: str | None = None, durable: bool = False
) -> Iterator[Path]:
    """Give a file beside `path` to write to; it takes that name when the block ends well, else it is removed.

    On Linux the file has no name until then, so even a killed process leaves nothing behind. Writers that go by a
    file's suffix need a name: give them a `suffix`. A `durable` file is on disk before it takes its name. For `-` the
    finished file is copied to standard output.

    Raises UsageError where `path` is `source`, CannotWrite where it exists and must not be overwritten, or where its
    folder can't be written.
    """
    try:
        with (
            _file_for_stdout() if path == STDOUT else _file_beside(path, source, overwrite, suffix, durable) as whole
        ):
            yield whole
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written: {error.strerror or error}") from None


@contextmanager
def _file_for_stdout() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "track"
        yield whole
        with whole.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


@contextmanager
def _file_beside(
    path: Path, source: Path | None, overwrite: bool, suffix: str | None, durable: bool
) -> Iterator[Path]:
    if source and path.exists() and source.exists() and path.samefile(source):
        raise UsageError(f"{path}: is the song itself; write the track under another name")
    refuse_existing(path, overwrite)
    unnamed = None if suffix else _unnamed_file(path.parent)
    if unnamed is not None:
        try:
            yield Path(f"/proc/self/fd/{unnamed}")
            refuse_existing(path, overwrite)
            if durable:
                os.fsync(unnamed)
            _give_name(unnamed, path)
        finally:
            os.close(unnamed)
        return
    handle, name = tempfile.mkstemp(prefix=".extrap-", suffix=suffix or ".partial", dir=path.parent)
    os.close(handle)
    whole = Path(name)
    _named_parts.add(whole)
    try:
        yield whole
        refuse_existing(path, overwrite)
        whole.chmod(0o666 & ~_umask())
        if durable:
            with whole.open("rb+") as file:
                os.fsync(file.fileno())
        whole.replace(path)
    finally:
        whole.unlink(missing_ok=True)
        _named_parts.discard(whole)


_named_parts: set[Path] = set()


def remove_unfinished() -> None:
    """Remove the unfinished files of this process, for one that is about to leave without cleaning up."""
    for part in _named_parts:
        part.unlink(missing_ok=True)


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


def _give_name(unnamed: int, path: Path) -> None:
    source = f"/proc/self/fd/{unnamed}"
    try:
        os.link(source, path, src_dir_fd=unnamed)  # with a dir_fd, os.link follows the link that /proc has
    except FileExistsError:
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
