"""What a worker does: one song after another, with a model that is opened once."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from extrapcli.audio.decode import decode
from extrapcli.batch.manifest import Record, failed, stamp_of
from extrapcli.batch.places import Place, digest_at, fetched, is_there, stat_now, written
from extrapcli.batch.plan import Work
from extrapcli.errors import CannotWrite, UnreadableAudio
from extrapcli.models import CARD, sha256
from extrapcli.pipeline import NoProgress, Options, Pipeline

IN_THE_WAY = "exists and was not made by this batch; move it, or say --overwrite"


@dataclass(frozen=True)
class Task:
    """A song to work on; `made` are the records of tracks of this name, the last one last.

    With `unfinished`, what lies at the target may be the track of a run that came to no end before it could say so.
    """

    work: Work
    begun: Record
    made: tuple[Record, ...]
    unfinished: bool

    @property
    def ours(self) -> bool:
        """Whether what lies at the target, if anything, was made by a batch."""
        return any(record.is_of(self.work.target) for record in self.made)

    def kept(self, seen: str | None) -> Record | None:
        """The record of the track that is there, where neither it nor options nor song have changed.

        `seen` is the stamp or the SHA-256 that the song has now.
        """
        last = self.made[-1] if self.made else None
        if last and last.options == self.begun.options and seen in (last.input_stamp, last.input_sha256):
            return last if last.is_of(self.work.target) else None
        return None


class Worker:
    """Replaces what lies at the target: whether that may be is asked before."""

    def __init__(self, options: Options) -> None:
        self._options, self._overwrite = replace(options, overwrite=True), options.overwrite

    @cached_property
    def _pipeline(self) -> Pipeline:
        return Pipeline(self._options)

    def open(self) -> None:
        """Load the model now rather than with the first song. Raises as Pipeline does."""
        _ = self._pipeline

    def do(self, task: Task) -> Record:
        """The record of what became of a song: `done`, the one it had if nothing changed, or `failed`."""
        try:
            with fetched(task.work.source) as song:
                return self._do(task, song)
        except OSError as error:  # one of the song is an UnreadableAudio by now
            reason = f"{task.work.target}: cannot be written: {error.strerror or error}"
            return failed(task.begun, CannotWrite(reason))
        except Exception as error:
            return failed(task.begun, error)

    def _do(self, task: Task, source: Path) -> Record:
        work, begun = task.work, task.begun
        began = monotonic()
        stamp = stamp_of(work.source) or ""
        digest = digest_of(source, work.source)
        if record := task.kept(digest):
            return replace(record, input_stamp=stamp)
        song = decode(source, name=str(work.source))
        with self._written(task) as path:
            track = self._pipeline.write(song, source, path, work.format, NoProgress())
            made = sha256(path)
        found = stat_now(work.target)
        return replace(
            begun,
            state="done",
            input_sha256=digest,
            input_stamp=stamp,
            sha256=made,
            bytes=found.st_size,
            modified=found.st_mtime_ns,
            seconds=round(track.samples / track.sample_rate, 3),
            took=round(monotonic() - began, 3),
            measures={
                "song_seconds": round(song.seconds, 3),
                "joins": len(track.joins),
                "audible_joins": track.audible_joins,
                "copied_seconds": round(track.copied_seconds, 3),
            },
        )

    @contextmanager
    def _written(self, task: Task) -> Iterator[Path]:
        """A path to write the track to, in place of what lies at the target where that may be replaced.

        Where it can't be known, because a run came to no end, the track is made beside: it is that one or it is not.
        """
        target = task.work.target
        if task.ours or self._overwrite or not (task.unfinished and is_there(target)):
            with written(target) as path:
                yield path
            return
        with TemporaryDirectory(prefix="extrap-") as folder:
            path = Path(folder) / "track"
            yield path
            if sha256(path) != digest_at(target):
                raise CannotWrite(f"{target}: {IN_THE_WAY}")


def digest_of(file: Path, song: Place) -> str:
    """SHA-256 of a song's file; raises UnreadableAudio where it can't be read, or would never end, as a pipe."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise UnreadableAudio(f"{song}: is no file; leave it out with --exclude")
        return sha256(file)
    except OSError as error:
        raise UnreadableAudio(f"{song}: cannot be read: {error.strerror}") from None


def fingerprint(options: Options, format: str, model: Path) -> dict[str, object]:
    """What of the options decides how a track sounds; a model is known by its files."""
    inside = sorted(model.iterdir()) if model.is_dir() else [model]
    files = [file for file in inside if file.is_file() and file.name != CARD]
    return {
        "length": asdict(options.length),
        "model": {file.name: sha256(file)[:16] for file in files},
        "style": asdict(options.style),
        "format": format,
    }
