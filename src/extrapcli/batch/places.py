"""Where songs come from and tracks go: paths of this machine, and URLs that fsspec knows how to reach.

A path is worked on as it is. What lies at a URL is fetched into a temporary file, and a track is made in one and
then uploaded: in an object store it appears when its upload ends.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from extrapcli.atomic import make_folder
from extrapcli.errors import CannotWrite, MissingDependency, UnreadableAudio, UsageError
from extrapcli.models import sha256


class Stat(NamedTuple):
    """Size in bytes and the time of the last change, in ns but to the second, 0 where a store tells none."""

    st_size: int
    st_mtime_ns: int

    @property
    def st_ctime_ns(self) -> int:
        return self.st_mtime_ns


NOTHING = Stat(-1, 0)
_TIMES = "LastModified", "last_modified", "mtime", "updated", "created"


@dataclass(frozen=True)
class Remote:
    """A file or folder at a URL, with the part of pathlib's interface that a batch needs.

    Of a file that comes from a listing, `stat` tells what that said. Whatever a store or its library raises is an
    OSError here, FileNotFoundError where there is nothing.
    """

    url: str
    listed: Stat | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, below: PurePath | str) -> "Remote":
        return Remote(f"{self.url}/{below.as_posix() if isinstance(below, PurePath) else below}")

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]

    def without(self, below: PurePath) -> "Remote":
        """What is not there by a listing."""
        return replace(self / below, listed=NOTHING)

    def absolute(self) -> "Remote":
        return self

    def exists(self) -> bool:
        try:
            self.stat()
        except FileNotFoundError:
            return False
        return True

    def stat(self) -> Stat:
        if self.listed == NOTHING:
            raise FileNotFoundError(errno.ENOENT, _NOTHING_THERE)
        if self.listed:
            return self.listed
        store, path = _reach(self.url)
        with _as_os_error():
            return _stat(store.info(path))

    def files(self) -> "dict[str, Remote]":
        """Each file at any depth, by its name below this folder."""
        store, path = _reach(self.url)
        with _as_os_error():
            found = store.find(path, detail=True)
        below = f"{path}/"
        names = {name.removeprefix(below): info for name, info in found.items() if name.startswith(below)}
        return {name: replace(self / name, listed=_stat(info)) for name, info in names.items()}

    def fetch(self, file: Path) -> None:
        store, path = _reach(self.url)
        with _as_os_error():
            store.get_file(path, str(file))

    def upload(self, file: Path) -> None:
        store, path = _reach(self.url)
        with _as_os_error():
            store.put_file(str(file), path)


Place = Path | Remote
_NOTHING_THERE = "there is nothing of that name"


def _stat(info: dict[str, Any]) -> Stat:
    """What an fsspec store tells of a file; each has its own name for the time."""
    time = next((info[name] for name in _TIMES if info.get(name)), 0)
    time = datetime.fromisoformat(time) if isinstance(time, str) else time
    seconds = time.timestamp() if isinstance(time, datetime) else time
    return Stat(info["size"] or 0, int(seconds) * 10**9)


def place(name: str) -> Place:
    """A path as it is, the path of a `file://` URL, or another URL.

    Raises UsageError for a URL of no kind that is known, MissingDependency where its library is not installed.
    """
    if not name:
        raise UsageError("a folder's name is empty; write . for the one you are in")
    kind = re.match(r"([a-z][a-z0-9+.-]+)://", name)
    if not kind:
        return Path(name)
    if kind[1] == "file":
        if urlsplit(name).netloc not in ("", "localhost"):
            raise UsageError(f"{name}: is no path; write file:// and a path from the root on, file:///home/me/songs")
        return Path(unquote(urlsplit(name).path))
    try:
        _reach(name)
    except ModuleNotFoundError:
        raise MissingDependency(f"{name}: a URL needs fsspec: pip install 'extrapcli[ray]'") from None
    except ImportError as error:
        raise MissingDependency(f"{name}: {error}") from None
    except ValueError as error:
        raise UsageError(f"{name}: cannot be used: {error}") from None
    return Remote(name.rstrip("/"))


def same(one: Place, other: Place) -> bool:
    """Whether both are the same folder."""
    if isinstance(one, Remote) or isinstance(other, Remote):
        return one == other
    return one.exists() and other.exists() and one.samefile(other)


def real_name(found: Place) -> str:
    """One name for whatever leads there."""
    return str(found) if isinstance(found, Remote) else os.path.realpath(found)


def is_there(found: Place) -> bool:
    """Whether there is something of that name, if only a link that leads nowhere."""
    return found.exists() if isinstance(found, Remote) else os.path.lexists(found)


def stat_now(found: Place) -> Stat | os.stat_result:
    """Size and time whatever a listing said of them."""
    return Remote(found.url).stat() if isinstance(found, Remote) else found.stat()


@contextmanager
def fetched(source: Place) -> Iterator[Path]:
    """A file of this machine with what lies at a place. Raises UnreadableAudio where a URL can't be fetched."""
    if isinstance(source, Path):
        yield source
        return
    with TemporaryDirectory(prefix="extrap-") as folder:
        file = Path(folder) / "song"
        try:
            source.fetch(file)
        except OSError as error:
            raise UnreadableAudio(f"{source}: cannot be fetched: {error.strerror}") from None
        yield file


@contextmanager
def written(target: Place) -> Iterator[Path]:
    """A path to write a track to; that of a URL is uploaded when the block ends well. Raises CannotWrite."""
    if isinstance(target, Path):
        make_folder(target.parent)
        yield target
        return
    with TemporaryDirectory(prefix="extrap-") as folder:
        file = Path(folder) / "track"
        yield file
        try:
            target.upload(file)
        except OSError as error:
            raise CannotWrite(f"{target}: cannot be written: {error.strerror}") from None


def digest_at(found: Place) -> str:
    """SHA-256 of a file. Raises UnreadableAudio where a URL can't be fetched, OSError where a file can't be read."""
    with fetched(found) as file:
        return sha256(file)


def _reach(url: str) -> tuple[Any, str]:
    import fsspec

    store, path = fsspec.url_to_fs(url, use_listings_cache=False)
    return store, path.rstrip("/")


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, _NOTHING_THERE) from error
    except Exception as error:  # each store has a library of its own
        told = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise OSError(getattr(error, "errno", None) or errno.EIO, told.splitlines()[0]) from error
