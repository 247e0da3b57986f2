"""Files and folders that a batch reads and writes: paths on this machine, and URLs that fsspec can open.

Local files are used where they are. A song at a URL is downloaded to a temporary file; a track is made in one and
then uploaded, and in an object store it appears only when its upload is complete.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from extrapcli.atomic import is_same_file, is_special, make_folder, temporary_folder
from extrapcli.errors import CannotWrite, MissingDependency, UnreadableAudio, UsageError
from extrapcli.models import sha256


class FileStat(NamedTuple):
    """The part of `os.stat_result` that stores know: size in bytes and times in ns.

    Stores count time in whole seconds; it is 0 where a store has none.
    """

    st_size: int
    st_mtime_ns: int
    st_ctime_ns: int


_MISSING = FileStat(-1, 0, 0)
_TIME_KEYS = "LastModified", "last_modified", "mtime", "updated", "created"


@dataclass(frozen=True)
class RemotePath:
    """A file or folder at a URL, with the part of pathlib's interface that a batch needs.

    `listed` is what a listing of its folder said about the file; `stat` then returns that without asking the store
    again. Every error of a store or its library is raised as OSError, FileNotFoundError where there is no such file.
    """

    url: str
    listed: FileStat | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, below: PurePath | str) -> "RemotePath":
        return RemotePath(f"{self.url}/{below.as_posix() if isinstance(below, PurePath) else below}")

    def missing(self, below: PurePath) -> "RemotePath":
        """Return the path of a file that a listing of this folder doesn't contain."""
        return replace(self / below, listed=_MISSING)

    def absolute(self) -> "RemotePath":
        return self

    def exists(self) -> bool:
        try:
            self.stat()
        except FileNotFoundError:
            return False
        return True

    def stat(self) -> FileStat:
        if self.listed == _MISSING:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if self.listed:
            return self.listed
        store, path = _store_and_path(self.url)
        with _as_os_error():
            return _file_stat(store.info(path))

    def files(self) -> "dict[str, RemotePath]":
        """List the files in this folder and all folders below, by their path relative to this folder."""
        store, path = _store_and_path(self.url)
        with _as_os_error():
            found = store.find(path, detail=True)
        prefix = f"{path}/"
        infos = {name.removeprefix(prefix): info for name, info in found.items() if name.startswith(prefix)}
        return {name: replace(self / name, listed=_file_stat(info)) for name, info in infos.items()}

    def download(self, file: Path) -> None:
        store, path = _store_and_path(self.url)
        with _as_os_error():
            store.get_file(path, str(file))

    def upload(self, file: Path) -> None:
        store, path = _store_and_path(self.url)
        with _as_os_error():
            store.put_file(str(file), path)


Location = Path | RemotePath


def parse_location(text: str) -> Location:
    """Turn a path, a `file://` URL or another URL into a location.

    Raises UsageError for a URL that no library knows, MissingDependency where its library is not installed.
    """
    if not text:
        raise UsageError("the name of a folder is empty; write . for the current folder")
    scheme = re.match(r"([a-z][a-z0-9+.-]+)://", text)
    if not scheme:
        return Path(text)
    if scheme[1] == "file":
        from urllib.request import url2pathname

        if urlsplit(text).netloc not in ("", "localhost"):
            raise UsageError(
                f"{text}: not a full path; write file:// and a path from the root, file:///home/me/songs"
            )
        return Path(url2pathname(urlsplit(text).path))
    try:
        _store_and_path(text)
    except ModuleNotFoundError:
        raise MissingDependency(f"{text}: URLs need fsspec: pip install 'extrapcli[ray]'") from None
    except ImportError as error:
        raise MissingDependency(f"{text}: {error}") from None
    except ValueError as error:
        raise UsageError(f"{text}: cannot be used: {error}") from None
    return RemotePath(text.rstrip("/"))


def same_folder(one: Location, other: Location) -> bool:
    if isinstance(one, RemotePath) or isinstance(other, RemotePath):
        return one == other
    return is_same_file(one, other)


def canonical(location: Location) -> str:
    """Return the one name of a file or folder, with every link on the way resolved."""
    return str(location) if isinstance(location, RemotePath) else os.path.realpath(location)


def exists(location: Location) -> bool:
    """Tell whether a name is taken, if only by a link that leads nowhere."""
    return location.exists() if isinstance(location, RemotePath) else os.path.lexists(location)


def current_stat(location: Location) -> FileStat | os.stat_result:
    """Return size and times as they are now, whatever a listing said."""
    return RemotePath(location.url).stat() if isinstance(location, RemotePath) else location.stat()


@contextmanager
def local_input(source: Location) -> Iterator[Path]:
    """Give a local file with the content of `source`. Raises UnreadableAudio where a URL can't be downloaded."""
    if isinstance(source, Path):
        yield source
        return
    with temporary_folder() as folder:
        file = folder / "song"
        try:
            source.download(file)
        except OSError as error:
            raise UnreadableAudio(f"{source}: cannot be downloaded: {error.strerror}") from None
        yield file


@contextmanager
def local_output(target: Location) -> Iterator[Path]:
    """Give a path to write a track to; for a URL it is uploaded when the block ends well. Raises CannotWrite."""
    if isinstance(target, Path):
        if is_special(target):
            raise CannotWrite(f"{target}: is a pipe or a device; a batch makes files")
        make_folder(target.parent)
        yield target
        return
    with temporary_folder() as folder:
        file = folder / "track"
        yield file
        try:
            target.upload(file)
        except OSError as error:
            raise CannotWrite(f"{target}: cannot be written: {error.strerror}") from None


def sha256_of(location: Location) -> str:
    """Return the SHA-256 of a file.

    Raises UnreadableAudio where a URL can't be downloaded, OSError where a file can't be read.
    """
    with local_input(location) as file:
        return sha256(file)


def _file_stat(info: dict[str, Any]) -> FileStat:
    """Read size and time from what an fsspec store says about a file; each store has its own key for the time."""
    time = next((info[key] for key in _TIME_KEYS if info.get(key)), 0)
    time = datetime.fromisoformat(time) if isinstance(time, str) else time
    nanoseconds = int(time.timestamp() if isinstance(time, datetime) else time) * 10**9
    return FileStat(info["size"] or 0, nanoseconds, nanoseconds)


def _store_and_path(url: str) -> tuple[Any, str]:
    import fsspec

    store, path = fsspec.url_to_fs(url, use_listings_cache=False)
    return store, path.rstrip("/")


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from error
    except Exception as error:  # each store has its own library with its own errors
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise OSError(getattr(error, "errno", None) or errno.EIO, reason.splitlines()[0]) from error
