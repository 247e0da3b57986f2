"""What a worker does: continue one song after another with a model that is loaded once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from time import monotonic

from extrapcli.atomic import temporary_folder
from extrapcli.audio.decode import decode
from extrapcli.batch.jobs import Job
from extrapcli.batch.locations import Location, current_stat, exists, local_input, local_output, sha256_of
from extrapcli.batch.manifest import Record, stat_signature
from extrapcli.errors import CannotWrite, UnreadableAudio
from extrapcli.finding import check_regular
from extrapcli.models import CARD, DEFAULT, sha256
from extrapcli.pipeline import Options, Pipeline
from extrapcli.progress import NoProgress
from extrapcli.track_file import TrackFile


@dataclass(frozen=True)
class Assignment:
    """A job, with what the manifest says about it.

    Attributes:
        job: the song to continue.
        started: the record that the work was started.
        earlier: the records of earlier tracks of this name, the latest last.
        interrupted: whether an earlier run may have made the track and ended before it could record that.
    """

    job: Job
    started: Record
    earlier: tuple[Record, ...]
    interrupted: bool

    def existing(self, signature: str | None) -> Record | None:
        """Return the record of the track that exists, if neither song nor options nor track have changed.

        `signature` is the song's present hash or `stat_signature`.
        """
        last = self.earlier[-1] if self.earlier else None
        if last and last.options == self.started.options and signature in (last.input_stat, last.input_sha256):
            return last if last.matches(self.job.target) else None
        return None

    def may_replace_target(self) -> bool:
        """Tell whether the target's name is free, or the file there was made by a batch."""
        target = self.job.target
        return not exists(target) or any(record.matches(target) for record in self.earlier)

    def not_ours(self) -> CannotWrite:
        return CannotWrite(f"{self.job.target}: exists and was not made by this batch", hint="overwrite")


class Worker:
    """Makes the track of one assignment after another.

    It replaces what is at the target; the scheduler checks before that it may.
    """

    def __init__(self, options: Options) -> None:
        self._options, self._overwrite = replace(options, overwrite=True), options.overwrite

    @cached_property
    def _pipeline(self) -> Pipeline:
        return Pipeline(self._options)

    def open(self) -> None:
        """Load the model now rather than with the first song. Raises as Pipeline does."""
        _ = self._pipeline

    def run(self, assignment: Assignment) -> Record:
        """Return the record of the outcome: `done`, an earlier one if nothing changed, or `failed`."""
        try:
            with local_input(assignment.job.source) as song:
                return self._run(assignment, song)
        except OSError as error:  # of the track: what goes wrong with the song is an UnreadableAudio
            reason = f"{assignment.job.target}: cannot be written: {error.strerror or error}"
            return assignment.started.failed(CannotWrite(reason))
        except Exception as error:
            return assignment.started.failed(error)

    def _run(self, assignment: Assignment, source: Path) -> Record:
        job = assignment.job
        start = monotonic()
        signature = stat_signature(job.source) or ""
        digest = song_sha256(source, job.source)
        if record := assignment.existing(digest):
            return replace(record, input_stat=signature)
        song = decode(source, name=str(job.source), salvage=self._options.salvage)
        with self._output(assignment) as path:
            track = self._pipeline.write(song, source, path, job.format, NoProgress(), length=job.length)
            track_sha256 = sha256(path)
        found = current_stat(job.target)
        return replace(
            assignment.started,
            state="done",
            input_sha256=digest,
            input_stat=signature,
            output_sha256=track_sha256,
            output_bytes=found.st_size,
            output_mtime_ns=found.st_mtime_ns,
            output_seconds=round(track.samples / track.sample_rate, 3),
            wall_seconds=round(monotonic() - start, 3),
            measures={
                "song_seconds": round(song.seconds, 3),
                "joins": len(track.joins),
                **({} if track.audible_joins is None else {"audible_joins": track.audible_joins}),
                "copied_seconds": round(track.copied_seconds, 3),
                **_from_wanted_mood(track),
                **_rating(track, self._options),
            },
            notes=track.notes,
        )

    @contextmanager
    def _output(self, assignment: Assignment) -> Iterator[Path]:
        """Give a path to write the track to; when the block ends well, the track is at the target.

        Where an interrupted run may have put its track there, the track is made elsewhere and compared with that.
        """
        target = assignment.job.target
        if self._overwrite or not assignment.interrupted or assignment.may_replace_target():
            with local_output(target) as path:
                yield path
            return
        with temporary_folder() as folder:
            path = folder / "track"
            yield path
            if sha256(path) != sha256_of(target):
                raise assignment.not_ours()


def _rating(track: TrackFile, options: Options) -> dict[str, float]:
    """Return how good a track is, where that was asked for."""
    if not track.rating or (options.takes == 1 and options.max_audibility is None):
        return {}
    return {name: round(value, 1) for name, value in asdict(track.rating).items()}


def _from_wanted_mood(track: TrackFile) -> dict[str, float]:
    distance = track.mood.distance if track.mood else None
    return {} if distance is None else {"from_wanted_mood": round(distance, 3)}


def song_sha256(file: Path, song: Location) -> str:
    """Return the hash of a song's file. Raises UnreadableAudio where it can't be read, or is a pipe or device."""
    check_regular(file, str(song))
    try:
        return sha256(file)
    except OSError as error:
        raise UnreadableAudio(f"{song}: cannot be read: {error.strerror}") from None


def fingerprint(options: Options, format: str, model: Path) -> dict[str, object]:
    """Return everything in the options that determines a track, but for its length; manifests are compared by it.

    A key that gets another name makes every track of older manifests anew.
    """
    files = sorted(model.iterdir()) if model.is_dir() else [model]
    unusual: dict[str, object] = {"clip": options.clip} if options.clip != "clamp" else {}
    if options.salvage:
        unusual["salvage"] = True
    later = "arc", "fit", "another", "new"  # than the first manifests
    style = {name: value for name, value in asdict(options.style).items() if name not in later}
    if options.style.arc:
        unusual["arc"] = str(options.style.arc)
    if options.style.new is not None and options.model != DEFAULT:  # which has none
        unusual["new"] = options.style.new
    if options.takes > 1:
        unusual["takes"] = options.takes
    if options.max_audibility is not None:
        unusual |= {"max_audibility": options.max_audibility, "retries": options.retries}
    if options.preview:
        unusual["preview"] = True
    if options.style.fit:
        unusual["fit"] = str(options.style.fit)
    return {
        "model": {file.name: sha256(file)[:16] for file in files if file.is_file() and file.name != CARD},
        "style": style,
        "format": format,
        **unusual,
    }
