"""The manifest: a line of JSON for each thing that happened, added at its end and never changed.

A song is `begun`, then `done` or `failed`. The last line of an output counts. Lines are added whole, so several
runs can share a manifest, and one that was cut off in the middle of a line spoils that line alone.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from extrapcli.errors import CannotWrite, ExtrapError, UsageError
from extrapcli.models import sha256

NAME = "manifest.jsonl"
State = Literal["begun", "done", "failed"]


@dataclass(frozen=True)
class Record:
    """`input` and `output` are paths below their folders; the rest is known as far as the work came.

    `modified` is the time of the track's last change, in ns, `took` the work in seconds, `status` the exit status
    that the error would have been.
    """

    state: State
    input: str
    output: str
    run: str
    input_sha256: str = ""
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

    def is_of(self, track: Path) -> bool:
        """Whether a file is the track that was made then, by its size and its time or content."""
        try:
            found = track.stat()
        except OSError:
            return False
        if self.state != "done" or found.st_size != self.bytes:
            return False
        return found.st_mtime_ns == self.modified or sha256(track) == self.sha256


_KINDS: dict[str, Any] = {
    **dict.fromkeys(("input", "output", "run", "input_sha256", "sha256", "error"), str),
    **dict.fromkeys(("options", "measures"), dict),
    **dict.fromkeys(("bytes", "modified", "status"), int),
    **dict.fromkeys(("seconds", "took"), int | float),
}


class Manifest:
    """The lines of a file so far; `refresh` reads what was added since. Raises UsageError where it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last: dict[str, Record] = {}  # by output
        self.done: dict[str, list[Record]] = {}
        self._read = 0
        self.refresh()

    def refresh(self) -> None:
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                added = file.read()
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be read: {error.strerror}") from None
        whole = added[: added.rfind(b"\n") + 1]
        for line in whole.splitlines():
            if record := _record(line):
                self.last[record.output] = record
                if record.state == "done":
                    self.done.setdefault(record.output, []).append(record)
        if whole.strip() and not self.last:
            raise UsageError(f"{self.path}: is no manifest of extrap; name another folder, or move it away")
        self._read += len(whole)

    def add(self, record: Record) -> None:
        """Write a record at the end. Raises CannotWrite."""
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                size = os.fstat(handle).st_size
                torn = size and os.pread(handle, 1, size - 1) != b"\n"
                os.write(handle, (b"\n" if torn else b"") + record.to_json().encode() + b"\n")
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
    return record if fits and record.state in get_args(State) else None


def failed(begun: Record, error: BaseException) -> Record:
    """The record of a song that could not be continued."""
    told = str(error) if isinstance(error, ExtrapError) else f"a bug in extrap ({type(error).__name__}: {error})"
    status = error.exit_code if isinstance(error, ExtrapError) else 1
    return Record("failed", begun.input, begun.output, begun.run, error=told, status=status)
