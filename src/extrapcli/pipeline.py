"""From one song to one track, file to file: decode, continue, write, report."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePath
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.atomic import atomic_file, is_special, make_folder, refuse_existing
from extrapcli.audio.clipping import Clip
from extrapcli.audio.encode import open_track
from extrapcli.audio.formats import held_rate
from extrapcli.audio.loop_marks import MARKED, mark_loop
from extrapcli.audio.resample import resample_chunks
from extrapcli.audio.song import Song, Tags
from extrapcli.audio.tags import write_tags
from extrapcli.continuation import Join, Length, clock
from extrapcli.errors import CannotWrite, UsageError
from extrapcli.extrapolators.base import Style
from extrapcli.model import Model, load
from extrapcli.models import DEFAULT
from extrapcli.mood.meter import Meter, Mood
from extrapcli.naming import check_format, choose_format, read_song, track_ending, track_path

COMPARED_SECONDS = 8.0  # a shorter song has too few beats to compare joins with


@dataclass(frozen=True)
class Options:
    """How tracks are to be made; None leaves the choice to extrap."""

    length: Length = field(default_factory=Length)
    model: str = DEFAULT
    backend: str = "auto"
    device: str = "auto"
    threads: int | None = None
    style: Style = field(default_factory=Style)
    format: str | None = None
    salvage: bool = False  # whether to take what can be decoded of a damaged song
    clip: Clip = "clamp"
    overwrite: bool = False
    report: bool = False  # whether to evaluate each track, too


@dataclass(frozen=True)
class TrackFile:
    """A track that was written, and how it was made; `samples` and `song_samples` count those of one channel.

    All rates and counts are those of the track, which a lossy format may hold only at another rate than the song's.
    `notes` say, each in a sentence without the song's name, what was lost, changed or not reached. `mood` is there
    where one was asked for. Where a track leads back, `loop_begin` is the sample at which it goes on after its end.
    """

    song: str
    path: Path
    format: str
    samples: int
    sample_rate: int
    channels: int
    song_samples: int
    model: str
    backend: str
    device: str
    seed: int
    joins: list[Join]
    copied_seconds: float
    notes: list[str]
    mood: Mood | None = None
    loop_begin: int | None = None

    @property
    def audible_joins(self) -> int:
        """How many joins stand out from the song's own beats."""
        return _audible(self.joins)

    def to_json(self) -> str:
        facts = asdict(self) | {"seconds": self.samples / self.sample_rate, "audible_joins": self.audible_joins}
        facts["track"] = str(facts.pop("path"))
        return json.dumps(facts)


class Progress(Protocol):
    """Shows how far one song has come."""

    def decoded(self, name: str, seconds: float) -> None: ...

    def written(self, share: float, blocks: int) -> None:
        """Show that this share of the track, 0 to 1, is written, in so many blocks."""
        ...

    def doing(self, what: str) -> None:
        """Show what is being done now."""
        ...


class NoProgress:
    """Shows nothing."""

    def decoded(self, name: str, seconds: float) -> None: ...

    def written(self, share: float, blocks: int) -> None: ...

    def doing(self, what: str) -> None: ...


class Pipeline:
    """What makes tracks: a model and options, set up once for any number of songs.

    Raises as `load` and `Model.extrapolator` do.
    """

    def __init__(self, options: Options, model: Model | None = None) -> None:
        self.options = options
        self.model = model or load(
            options.model, backend=options.backend, device=options.device, threads=options.threads
        )
        self.model.extrapolator(options.style)  # before songs are decoded, so that it can prepare meanwhile
        self._written: set[Path] = set()

    def run(
        self,
        source: Path,
        out: Path | None = None,
        progress: Progress | None = None,
        *,
        below: PurePath | None = None,
    ) -> TrackFile:
        """Continue the song in a file, `-` being standard input.

        The track goes to `out`, a file, a folder or `-`, or beside its song; in a folder, it goes to the folder
        `below`, which is made. Raises as `decode`, `Length.samples`, `choose_format`, `write` and `write_report` do.
        """
        options, progress = self.options, progress or NoProgress()
        song = read_song(source, salvage=options.salvage)
        wanted = options.length.samples(song)
        format = choose_format(options.format, out, song)
        path = track_path(source, out, track_ending(format, wanted / song.sample_rate), below=below)
        if path in self._written:
            raise CannotWrite(f"{path}: was just written for another song of that name; continue that one by itself")
        if out is not None and below is not None:
            make_folder(path.parent)
        if options.report:
            from extrapcli.evaluation.report import report_paths, write_report

            if min(song.seconds, wanted / song.sample_rate - song.seconds) < 1:
                raise UsageError(f"{song.name}: a report takes a second of song and a second more, at least")
            for report in report_paths(path):
                refuse_existing(report, options.overwrite)
        progress.decoded(song.name, song.seconds)
        track = self.write(song, source, path, format, progress)
        self._written.add(path)
        if options.report:
            write_report(
                path,
                song,
                joins=track.joins,
                mood=track.mood,
                overwrite=options.overwrite,
                device="cpu" if options.device == "cpu" else "auto",
                threads=options.threads,
                progress=progress.doing,
            )
        return track

    def write(self, song: Song, source: Path, path: Path, format: str, progress: Progress) -> TrackFile:
        """Continue a song that was decoded from `source`; the track appears at `path` when it is whole.

        Raises as `Length.samples`, `check_format`, `atomic_file` and `Model.continuation` do.
        """
        check_format(format, song)
        wanted = self.options.length.samples(song)
        analysis = Analysis(song.as_heard)
        made = self.model.continuation(song, wanted, self.options.style, analysis)
        pieces: Iterable[NDArray[np.floating]] = made
        curve = self.options.style.curve(analysis, wanted)
        meter = Meter(curve, analysis) if curve else None
        if meter:
            pieces = meter.hear(made)
        rate, fits = held_rate(format, song.sample_rate), bool(self.options.style.fit)
        if rate != song.sample_rate:
            pieces = resample_chunks(pieces, wanted, from_rate=song.sample_rate, to_rate=rate)
        length, song_length = (round(n * rate / song.sample_rate) for n in (wanted, len(song.samples)))

        def back_to() -> int | None:
            return None if made.leads_to is None else round(made.leads_to * rate / song.sample_rate)

        def mark(whole: Path) -> list[str]:
            begin = back_to()
            if begin is None or format not in MARKED:
                return []
            return mark_loop(whole, format, sample_rate=rate, begin=begin, length=length - begin)

        notes = write_track(
            pieces,
            length,
            song,
            path,
            source=source,
            format=format,
            options=self.options,
            version="edit" if fits else "continued",
            written=lambda share: progress.written(share, len(made.joins)),
            finish=mark,
        )
        loop_begin = back_to()
        notes += made.notes
        if loop_begin is not None and format not in MARKED:
            notes.append(f"its end leads back to {clock(loop_begin / rate)}, but {format} has no place to say so")
        if not fits and _audible(made.joins) > len(made.joins) / 2 and song.seconds >= COMPARED_SECONDS:
            notes.append("it has no good position to jump to: most joins stand out from its own beats")
        mood = meter.mood(made.joins[0].seconds) if meter and made.joins else None
        notes += meter.notes(mood) if meter and mood else []
        return TrackFile(
            song=song.name,
            path=path,
            format=format,
            samples=length,
            sample_rate=rate,
            channels=song.channels,
            song_samples=song_length,
            model=self.model.name,
            backend=self.model.backend,
            device=self.model.device,
            seed=self.options.style.seed,
            joins=made.joins,
            copied_seconds=made.copied_seconds,
            notes=notes,
            mood=mood,
            loop_begin=loop_begin,
        )


def write_track(
    pieces: Iterable[NDArray[np.floating]],
    samples: int,
    song: Song,
    path: Path,
    *,
    source: Path,
    format: str,
    options: Options,
    version: str,
    written: Callable[[float], None] = lambda share: None,
    finish: Callable[[Path], list[str]] = lambda whole: [],
) -> list[str]:
    """Write the pieces of a track of so many samples, at the rate that its format can hold of its song's.

    The track appears at `path` when it is whole, with the song's tags and a title that names its `version`. `finish`
    may add to the file before, and returns notes. Returns all notes. Raises as `atomic_file` and `open_track` do.
    """
    rate, notes = held_rate(format, song.sample_rate), list(song.notes)
    if rate != song.sample_rate:
        notes.append(f"resampled to {rate} Hz, as {format} can't hold {song.sample_rate} Hz")
    like = replace(song, sample_rate=rate)
    with atomic_file(path, source=source, overwrite=options.overwrite) as whole:
        with open_track(whole, like, format=format, expected_samples=samples, clip=options.clip) as track:
            done = 0
            for piece in pieces:
                track.write(piece)
                done += len(piece)
                written(done / samples)
        notes += [*track.notes, *write_tags(whole, format, _track_tags(song, version))]
        notes += finish(whole)
    return notes


def check_report(out: Path | None) -> None:
    """Raise UsageError where no report can lie beside a track, MissingDependency where its packages are absent."""
    from extrapcli.evaluation import check_installed

    if out is not None and is_special(out):
        raise UsageError("a report lies beside its track, and standard output or a pipe has no place for one")
    check_installed()


def _audible(joins: list[Join]) -> int:
    return sum(join.jump.audible for join in joins if join.jump)


def _track_tags(song: Song, version: str) -> Tags:
    """The song's tags; its title says that this is not the song."""
    text = dict(song.tags.text)
    if "title" in text:
        text["title"] = [f"{title} ({version})" for title in text["title"]]
    return replace(song.tags, text=text)
