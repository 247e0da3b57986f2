"""The manifest of a batch: one line of JSON for each thing that happened, appended and never changed.

A song is `started`, then `done` or `failed`; the last line of an output counts. Lines are appended whole, so several
runs can share a manifest, and a line that was cut off is the only one lost.
"""

import errno
import json
import os
from dataclasses import asdict, dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal, get_args

from extrapcli.batch.locations import Location, RemotePath, sha256_of
from extrapcli.errors import CannotWrite, ExtrapError, UnreadableAudio, UsageError

NAME = "manifest.jsonl"
State = Literal["started", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a manifest; what isn't known yet is empty.

    Attributes:
        state: what happened.
        input: path of the song relative to the folder of songs.
        output: path of the track relative to the folder of tracks.
        run: random name of the run.
        input_sha256: hash of the song.
        input_stat: size and times of the song, from `stat_signature`; while they are the same, it is not read again.
        options: what determines the track: length, style, format, and the model by the hashes of its files.
        output_sha256: hash of the track.
        output_bytes: size of the track.
        output_mtime_ns: when the track was last changed.
        output_seconds: duration of the track.
        wall_seconds: how long the work took.
        measures: numbers about the track.
        notes: what was lost, changed or not reached, each in a sentence.
        error: why it failed, in one sentence.
        hint: the parameter that may help, as in `ExtrapError`.
        exit_status: the exit status that belongs to the error.
    """

    state: State
    input: str
    output: str
    run: str
    input_sha256: str = ""
    input_stat: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    output_sha256: str = ""
    output_bytes: int = 0
    output_mtime_ns: int = 0
    output_seconds: float = 0.0
    wall_seconds: float = 0.0
    measures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    hint: str = ""
    exit_status: int = 0

    def to_json(self) -> str:
        return json.dumps({key: value for key, value in asdict(self).items() if value})

    @classmethod
    def from_json(cls, line: str | bytes) -> "Record":
        """Read a line, also one with the keys of version 0.1. Raises ValueError where it isn't a record."""
        try:
            values = {_OLD_KEYS.get(key, key): value for key, value in json.loads(line).items()}
            if values.get("state") == "begun":
                values["state"] = "started"
            record = cls(**values)
            valid = all(isinstance(getattr(record, key), type_) for key, type_ in _TYPES.items())
            valid = valid and _is_nested(record.options, 3) and _is_nested(record.measures, 1)
            valid = valid and all(isinstance(note, str) for note in record.notes)
            if not valid or record.state not in get_args(State):
                raise TypeError
        except (AttributeError, TypeError, RecursionError):
            raise ValueError("not a record") from None
        if "joins_that_stand_out" in record.measures:
            record.measures["audible_joins"] = record.measures.pop("joins_that_stand_out")
        return record

    def matches(self, track: Location) -> bool:
        """Tell whether a file is the track that was made then, by its size and its time or hash."""
        try:
            found = track.stat()
            if self.state != "done" or found.st_size != self.output_bytes:
                return False
            return found.st_mtime_ns == self.output_mtime_ns or sha256_of(track) == self.output_sha256
        except (OSError, UnreadableAudio):
            return False

    def failed(self, error: Exception) -> "Record":
        """Return the record of the failure of a song that was started."""
        hint = None
        if isinstance(error, ExtrapError):
            text, hint = str(error), error.hint
        elif isinstance(error, MemoryError):
            text, hint = f"{self.input}: there is not enough memory for it", "workers"
        else:
            text, hint = f"{self.input}: a bug in extrap ({type(error).__name__}: {error})", "traceback"
        status = error.exit_code if isinstance(error, ExtrapError) else 1
        return Record("failed", self.input, self.output, self.run, error=text, hint=hint or "", exit_status=status)


_OLD_KEYS = {
    "input_stamp": "input_stat",
    "sha256": "output_sha256",
    "bytes": "output_bytes",
    "modified": "output_mtime_ns",
    "seconds": "output_seconds",
    "took": "wall_seconds",
    "status": "exit_status",
}
"""Keys that version 0.1 wrote."""

_TYPES: dict[str, Any] = {
    **dict.fromkeys(("input", "output", "run", "input_sha256", "input_stat", "output_sha256", "error", "hint"), str),
    **dict.fromkeys(("options", "measures"), dict),
    "notes": list,
    **dict.fromkeys(("output_bytes", "output_mtime_ns", "exit_status"), int),
    **dict.fromkeys(("output_seconds", "wall_seconds"), (int, float)),
}


class Manifest:
    """The records in a file so far; `refresh` reads those added since. Raises UsageError where it isn't a manifest.

    Attributes:
        last: the last record of each output.
        done: all records of finished tracks, by output, in the order they were written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last: dict[str, Record] = {}
        self.done: dict[str, list[Record]] = {}
        self._options: dict[str, dict[str, Any]] = {}
        self._bytes_read = 0
        self.refresh()

    def refresh(self) -> None:
        before = self._bytes_read
        try:
            if self.path.exists() and not self.path.is_file():
                raise UsageError(f"{self.path}: is not a file", hint="manifest")
            with self.path.open("rb") as file:
                file.seek(self._bytes_read)
                for line in takewhile(lambda line: line.endswith(b"\n"), file):
                    self._bytes_read += len(line)
                    try:
                        self._add_known(Record.from_json(line))
                    except ValueError:  # cut off, or something else
                        continue
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be read: {error.strerror}") from None
        if not self.last and (self._bytes_read > before or not _may_be_first_line(self.path)):
            raise UsageError(f"{self.path}: is not a manifest of extrap", hint="manifest")

    def _add_known(self, record: Record) -> None:
        options = self._options.setdefault(str(record.options), record.options)  # a million records share a few
        record = replace(record, options=options)
        self.last[record.output] = record
        if record.state == "done":
            self.done.setdefault(record.output, []).append(record)

    def append(self, record: Record) -> None:
        """Write a record to the end of the file, through to the disk.

        Raises CannotWrite, also where the file was there and is gone.
        """

        def open_to_append(path: str, flags: int) -> int:
            return os.open(path, flags & ~os.O_CREAT if self.last else flags, 0o666)

        try:
            with open(self.path, "a+b", buffering=0, opener=open_to_append) as file:
                line = record.to_json().encode() + b"\n"
                if file.seek(0, os.SEEK_END):
                    file.seek(-1, os.SEEK_END)
                    line = line if file.read(1) == b"\n" else b"\n" + line
                # one write, which O_APPEND puts at the end whatever other runs append meanwhile
                if file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
        except OSError as error:
            raise CannotWrite(f"{self.path}: cannot be written: {error.strerror}") from None


def manifest_path(tracks: Location, path: Path | None) -> Path:
    """Return `path` or else a file beside the tracks. Raises UsageError where those are at a URL."""
    if path is None and isinstance(tracks, RemotePath):
        raise UsageError(
            f"{tracks}: a manifest can't be kept there, but only in a file on this machine", hint="manifest"
        )
    return path or Path(str(tracks)) / NAME


def stat_signature(location: Location) -> str | None:
    """Return size and times of a file, which change whenever it is written to; None where there is no such file."""
    try:
        found = location.stat()
    except OSError:
        return None
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"


def _is_nested(value: Any, depth: int) -> bool:
    """Tell whether dictionaries are nested at most `depth` deep, without lists."""
    if not isinstance(value, dict):
        return not isinstance(value, list)
    return depth > 0 and all(_is_nested(inner, depth - 1) for inner in value.values())


def _may_be_first_line(path: Path) -> bool:
    """Tell whether a file without a whole line can be a manifest whose first line was cut off."""
    start = b'{"state": "'
    with path.open("rb") as file:
        return start.startswith(file.read(len(start)))
