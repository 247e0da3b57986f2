"""Where songs come from and tracks go: paths of this machine, and URLs that fsspec knows how to reach.

A path is worked on as it is. What lies at a URL is fetched into a temporary file, and a track is made in one and
then uploaded: in an object store it appears when its upload ends.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from extrapcli.errors import CannotWrite, MissingDependency, UnreadableAudio, UsageError
from extrapcli.models import sha256
from extrapcli.output import make_folder


class Stat(NamedTuple):
    """Size in bytes, and the time of the last change in ns, 0 where a store tells none; named as `os.stat` does."""

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True)
class Remote:
    """A file or folder at a URL, with the part of pathlib's interface that a batch needs.

    Whatever a store or its library raises is an OSError here, FileNotFoundError where there is nothing.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, below: PurePath | str) -> "Remote":
        return Remote(f"{self.url}/{below.as_posix() if isinstance(below, PurePath) else below}")

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]

    def resolve(self) -> "Remote":
        return self

    absolute = resolve

    def exists(self) -> bool:
        try:
            self.stat()
        except FileNotFoundError:
            return False
        return True

    def stat(self) -> Stat:
        store, path = _reach(self.url)
        with _as_os_error():
            size = store.info(path)["size"] or 0
            try:
                return Stat(size, round(store.modified(path).timestamp() * 1e9))
            except NotImplementedError:
                return Stat(size, 0)

    def files(self) -> Iterator[PurePosixPath]:
        """The name below this folder of each file at any depth."""
        store, path = _reach(self.url)
        with _as_os_error():
            found = store.find(path)
        yield from (PurePosixPath(name.removeprefix(f"{path}/")) for name in found if name.startswith(f"{path}/"))

    def fetch(self, file: Path) -> None:
        store, path = _reach(self.url)
        with _as_os_error():
            store.get_file(path, str(file))

    def upload(self, file: Path) -> None:
        store, path = _reach(self.url)
        with _as_os_error():
            store.put_file(str(file), path)


Place = Path | Remote


def place(name: str) -> Place:
    """A path as it is, the path of a `file://` URL, or another URL.

    Raises UsageError for a URL of no kind that is known, MissingDependency where its library is not installed.
    """
    kind = re.match(r"([a-z][a-z0-9+.-]+)://", name)
    if not kind:
        return Path(name)
    if kind[1] == "file":
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
        raise FileNotFoundError(errno.ENOENT, "there is nothing of that name") from error
    except Exception as error:  # each store has a library of its own
        told = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise OSError(getattr(error, "errno", None) or errno.EIO, told.splitlines()[0]) from error
