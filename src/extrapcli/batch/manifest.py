"""The manifest: a line of JSON for each thing that happened, added at its end and never changed.

A song is `begun`, then `done` or `failed`. The last line of an output counts. Lines are added whole, so several
runs can share a manifest, and one that was cut off in the middle of a line spoils that line alone.
"""

import errno
import json
import os
from dataclasses import asdict, dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal, get_args

from extrapcli.batch.places import Place, Remote, digest_at
from extrapcli.errors import CannotWrite, ExtrapError, UnreadableAudio, UsageError

NAME = "manifest.jsonl"
State = Literal["begun", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Record:
    """`input` and `output` are paths below their folders; the rest is known as far as the work came.

    While a song has its `input_stamp`, its content needs not be looked at. `modified` is the time of the track's last
    change, in ns, `took` the work in seconds, `status` the exit status that the error would have been.
    """

    state: State
    input: str
    output: str
    run: str
    input_sha256: str = ""
    input_stamp: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""
    bytes: int = 0
    modified: int = 0
    seconds: float = 0.0
    took: float = 0.0
    measures: dict[str, float] = field(default_factory=dict)
    error: str = ""
    status: int = 0

    def to_json(self) -> str:
        return json.dumps({key: value for key, value in asdict(self).items() if value})

    def is_of(self, track: Place) -> bool:
        """Whether a file is the track that was made then, by its size and its time or content."""
        try:
            found = track.stat()
            if self.state != "done" or found.st_size != self.bytes:
                return False
            return found.st_mtime_ns == self.modified or digest_at(track) == self.sha256
        except (OSError, UnreadableAudio):
            return False


def manifest_path(tracks: Place, named: Path | None) -> Path:
    """The manifest that was named, else one beside the tracks. Raises UsageError where those are at a URL."""
    if named is None and isinstance(tracks, Remote):
        raise UsageError(f"{tracks}: a manifest can't be kept there; name a file of this machine with --manifest")
    return named or Path(str(tracks)) / NAME


_KINDS: dict[str, Any] = {
    **dict.fromkeys(("input", "output", "run", "input_sha256", "input_stamp", "sha256", "error"), str),
    **dict.fromkeys(("options", "measures"), dict),
    **dict.fromkeys(("bytes", "modified", "status"), int),
    **dict.fromkeys(("seconds", "took"), int | float),
}


_HEAD = b'{"state": "'


class Manifest:
    """The lines of a file so far; `refresh` reads what was added since. Raises UsageError where it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last: dict[str, Record] = {}  # by output
        self.done: dict[str, list[Record]] = {}
        self._options: dict[str, dict[str, Any]] = {}
        self._read = 0
        self.refresh()

    def refresh(self) -> None:
        before = self._read
        if self.path.exists() and not self.path.is_file():
            raise UsageError(f"{self.path}: is no file; name another one with --manifest")
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                for line in takewhile(lambda line: line.endswith(b"\n"), file):
                    self._read += len(line)
                    if record := _record(line):
                        self._know(record)
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be read: {error.strerror}") from None
        if not self.last and (self._read > before or not _may_be_one(self.path)):
            raise UsageError(f"{self.path}: is no manifest of extrap; name another folder, or move it away")

    def _know(self, record: Record) -> None:
        options = self._options.setdefault(str(record.options), record.options)  # a million are of few kinds
        record = replace(record, options=options)
        self.last[record.output] = record
        if record.state == "done":
            self.done.setdefault(record.output, []).append(record)

    def add(self, record: Record) -> None:
        """Write a record at the end. Raises CannotWrite, also where a manifest that was there is gone."""
        try:
            flags = os.O_RDWR | os.O_APPEND | (0 if self.last else os.O_CREAT)
            handle = os.open(self.path, flags | getattr(os, "O_BINARY", 0), 0o666)
            try:
                size = os.fstat(handle).st_size
                os.lseek(handle, max(0, size - 1), os.SEEK_SET)
                torn = os.read(handle, 1) not in (b"", b"\n")
                line = (b"\n" if torn else b"") + record.to_json().encode() + b"\n"
                if os.write(handle, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise CannotWrite(f"{self.path}: cannot be written: {error.strerror}") from None


def _record(line: bytes) -> Record | None:
    try:
        record = Record(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    fits = all(isinstance(getattr(record, name), kind) for name, kind in _KINDS.items())
    fits = fits and _flat(record.options, 3) and _flat(record.measures, 1)
    return record if fits and record.state in get_args(State) else None


def _flat(found: Any, depth: int) -> bool:
    """Whether dictionaries lie in one another no deeper, and there are no lists."""
    if not isinstance(found, dict):
        return not isinstance(found, list)
    return depth > 0 and all(_flat(value, depth - 1) for value in found.values())


def _may_be_one(path: Path) -> bool:
    """Whether a file without a whole line can be a manifest whose first line was cut off."""
    with path.open("rb") as file:
        head = file.read(len(_HEAD))
    return _HEAD.startswith(head)


def failed(begun: Record, error: Exception) -> Record:
    """The record of a song that could not be continued."""
    if isinstance(error, MemoryError):
        told = f"{begun.input}: there is not enough memory for it; give fewer --jobs"
    elif isinstance(error, ExtrapError):
        told = str(error)
    else:
        told = f"{begun.input}: a bug in extrap ({type(error).__name__}: {error}); see extrap --traceback continue"
    status = error.exit_code if isinstance(error, ExtrapError) else 1
    return Record("failed", begun.input, begun.output, begun.run, error=told, status=status)


def stamp_of(path: Place) -> str | None:
    """What changes whenever a file is written to: its size and its times. None where there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"
