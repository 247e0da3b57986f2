"""From one song to one track, file to file: decode, continue, write, report."""

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path, PurePath

from extrapcli.analysis import Analysis
from extrapcli.atomic import STDOUT, is_special, make_folder, refuse_existing
from extrapcli.audio.clipping import Clip
from extrapcli.audio.formats import held_rate
from extrapcli.audio.loop_marks import MARKED, mark_loop
from extrapcli.audio.song import Song
from extrapcli.beginning import begin_soon
from extrapcli.continuation import Continuation, Join, Length, clock
from extrapcli.errors import CannotWrite, UsageError
from extrapcli.extrapolators.base import Style
from extrapcli.model import Model, load
from extrapcli.models import DEFAULT
from extrapcli.naming import check_format, choose_format, read_song, take_path, track_ending, track_path
from extrapcli.progress import NoProgress, Progress
from extrapcli.ranges import MOST_RETRIES, MOST_TAKES, check_number, check_whole
from extrapcli.takes import UNKNOWN, Preview, Take, choose
from extrapcli.track_file import TrackFile, audible, held, held_samples, write_track
from extrapcli.words import count

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
    takes: int = 1  # how many tracks to make, of which the best is kept, or all
    preview: bool = False  # whether to write only what is around the first joins
    max_audibility: float | None = None  # of any join, 0 to 100
    retries: int = 0  # how many other seeds are tried where a join is more audible

    @property
    def keeps(self) -> bool:
        """Whether a track is made as a whole, to be compared with others or a limit, before it is written."""
        return self.takes > 1 or self.max_audibility is not None

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked of the model that it might refuse."""
        asked = (self.model, self.backend, self.device, self.style.fade_seconds, self.style.fit, self.style.another)
        return asked == (DEFAULT, "auto", "auto", None, None, ()) and self.style.ending in ("auto", "fade", "cut")

    def __post_init__(self) -> None:
        check_whole("number of takes", self.takes, 1, MOST_TAKES)
        check_whole("number of retries", self.retries, 0, MOST_RETRIES)
        if self.max_audibility is not None:
            check_number("audibility", self.max_audibility, 0, 100, "%")
        elif self.retries:
            raise UsageError("retries are for joins that are too audible; say what is too much", hint="audibility")
        if self.report and self.preview:
            raise UsageError("a preview can't be measured; leave out the report, or the preview")


class Pipeline:
    """What makes tracks: a model and options, set up once for any number of songs.

    With `hurry`, the model is opened when the first song was decoded. Raises as `load` and `Model.extrapolator` do.
    """

    def __init__(self, options: Options, model: Model | None = None, *, hurry: bool = False) -> None:
        self.options, self._hurry = options, hurry
        self.written: set[Path] = set()
        if model:
            self.model = model
        if not hurry:
            self.model.extrapolator(options.style)  # before songs are decoded, so that it can prepare meanwhile

    @cached_property
    def model(self) -> Model:
        """The model, opened when it is first needed."""
        options = self.options
        return load(options.model, backend=options.backend, device=options.device, threads=options.threads)

    def run(
        self,
        source: Path,
        out: Path | None = None,
        progress: Progress | None = None,
        *,
        below: PurePath | None = None,
    ) -> TrackFile:
        """Continue the song in a file, `-` being standard input; of several takes, write the best.

        The track goes to `out`, a file, a folder or `-`, or beside its song; in a folder, it goes to the folder
        `below`, which is made. Raises as `decode`, `Length.samples`, `choose_format`, `write` and `write_report` do.
        """
        options, progress = self.options, progress or NoProgress()
        song, format, path = self.planned(source, out, below)
        if options.report:
            from extrapcli.evaluation.report import report_paths, write_report

            wanted = options.length.samples(song)
            if min(song.seconds, wanted / song.sample_rate - song.seconds) < 1:
                raise UsageError(f"{song.name}: a report takes a second of song and a second more, at least")
            for report in report_paths(path):
                refuse_existing(report, options.overwrite)
        if options.keeps and not is_special(path):
            refuse_existing(path, options.overwrite)  # before all is made
        progress.decoded(song.name, song.seconds)
        track = self.write(song, source, path, format, progress)
        self.written.add(path)
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

    def write(
        self,
        song: Song,
        source: Path,
        path: Path,
        format: str,
        progress: Progress,
        *,
        length: Length | None = None,
        analysis: Analysis | None = None,
    ) -> TrackFile:
        """Continue a song that was decoded from `source`; the track appears at `path` when it is whole.

        It has the length that the options ask for, or another `length`. `analysis` is that of `song.as_heard`.
        Raises as `Length.samples`, `check_format`, `atomic_file` and `Model.continuation` do, and NotGoodEnough where
        a join is more audible than is allowed.
        """
        check_format(format, song)
        take = self.takes(song, progress, length=length, analysis=analysis)[0]
        return self.write_take(take, song, source, path, format, progress)

    def planned(self, source: Path, out: Path | None, below: PurePath | None) -> tuple[Song, str, Path]:
        """Decode a song, and choose the format and the path of its track."""
        options = self.options
        song = read_song(source, salvage=options.salvage)
        seconds = options.length.samples(song) / song.sample_rate
        format = choose_format(options.format, out, song)
        ending = track_ending(format, seconds, preview=options.preview)
        path = track_path(source, out, ending, below=below)
        if path in self.written:
            raise CannotWrite(f"{path}: was just written for another song of that name; continue that one by itself")
        if out is not None and below is not None:
            make_folder(path.parent)
        return song, format, path

    def takes(
        self, song: Song, progress: Progress, *, length: Length | None = None, analysis: Analysis | None = None
    ) -> list[Take]:
        """Return as many takes as are wanted, or all that differ and are good enough, the best first.

        One that nothing is asked of is not made yet.
        """
        options, analysis = self.options, analysis or Analysis(song.as_heard)
        wanted = (length or options.length).samples(song)
        makes = partial(Take.of, self._begin, song, analysis, wanted)
        seeds = range(options.style.seed, options.style.seed + options.takes + options.retries)
        tries = (makes(replace(options.style, seed=seed)) for seed in seeds)
        if not options.keeps:
            return [next(tries)]
        takes = choose(tries, options.takes, song.name, limit=options.max_audibility, progress=progress)
        costs = {take.seed: rating.cost for take in takes if (rating := take.rating)}
        if len(costs) == len(takes) and not options.style.fit:  # of which the best versions come first
            takes.sort(key=lambda take: costs[take.seed])
        elif options.takes > 1 and not costs:
            takes[0].remarks.append(f"{UNKNOWN}, so the takes are in the order of their seeds")
        if len(takes) < options.takes:
            few = f"only {count(len(takes), 'take')} of {options.takes}: others are the same"
            takes[0].remarks.append(
                few + ", or have a join that is too audible" * (options.max_audibility is not None)
            )
        return takes

    def _begin(self, song: Song, wanted: int, style: Style, analysis: Analysis) -> Continuation:
        begin = partial(begin_soon, lambda: self.model) if self._hurry else self.model.continuation
        return begin(song, wanted, style, analysis)

    def write_take(
        self, take: Take, song: Song, source: Path, path: Path, format: str, progress: Progress
    ) -> TrackFile:
        """Write a take of a song; it appears at `path` when it is whole."""
        options, pieces = self.options, take.preview() if self.options.preview else take
        if options.preview and not take.joins:
            raise UsageError(f"{song.name}: a preview has the seconds around joins, and this track has none")
        wanted = len(pieces.samples) if isinstance(pieces, Preview) else take.wanted
        length = held_samples(wanted, song, format)

        def mark(whole: Path) -> list[str]:
            begin = self._leads_to(take, song, format)
            if begin is None or format not in MARKED:
                return []
            rate = held_rate(format, song.sample_rate)
            return mark_loop(whole, format, sample_rate=rate, begin=begin, length=length - begin)

        notes = write_track(
            held(pieces, wanted, song, format),
            length,
            song,
            path,
            source=source,
            format=format,
            overwrite=options.overwrite,
            clip=options.clip,
            version="preview" if options.preview else "edit" if options.style.fit else "continued",
            written=lambda share: progress.written(share, len(take.joins)),
            finish=mark if options.style.ending == "loop" else None,
        )
        if isinstance(pieces, Preview):
            return self.described(take, song, path, format, [*notes, pieces.note], joins=pieces.joins, length=length)
        return self.described(take, song, path, format, [*notes, *take.notes], joins=take.joins, length=length)

    def _leads_to(self, take: Take, song: Song, format: str) -> int | None:
        """Return the sample of a track in a format that it leads back to, if it leads back."""
        leads = None if self.options.preview else take.made.leads_to
        return None if leads is None else held_samples(leads, song, format)

    def described(
        self, take: Take, song: Song, path: Path, format: str, notes: list[str], *, joins: list[Join], length: int
    ) -> TrackFile:
        """Describe a track of `length` samples that was written, and add to the notes what its joins say."""
        rate, fits = held_rate(format, song.sample_rate), bool(self.options.style.fit)
        loop_begin = self._leads_to(take, song, format)
        if loop_begin is not None and format not in MARKED:
            notes.append(f"its end leads back to {clock(loop_begin / rate)}, but {format} has no place to say so")
        if not fits and audible(joins) > len(joins) / 2 and song.seconds >= COMPARED_SECONDS:
            notes.append("it has no good position to jump to: most joins stand out from its own beats")
        return TrackFile(
            song=song.name,
            path=path,
            format=format,
            samples=length,
            sample_rate=rate,
            channels=song.channels,
            song_samples=held_samples(len(song.samples), song, format),
            model=self.model.name,
            backend=self.model.backend,
            device=self.model.device,
            seed=take.seed,
            joins=joins,
            copied_seconds=take.made.copied_seconds,
            notes=notes,
            mood=None if self.options.preview else take.mood,
            loop_begin=loop_begin,
            rating=None if self.options.preview and not self.options.keeps else take.rating,
        )


class Takes:
    """Writes all takes of songs; as `Pipeline`, it is set up once for any number of songs."""

    def __init__(self, options: Options, model: Model | None = None) -> None:
        self.pipeline = Pipeline(options, model)

    def run(
        self,
        source: Path,
        out: Path | None = None,
        progress: Progress | None = None,
        *,
        below: PurePath | None = None,
    ) -> list[TrackFile]:
        """Write the takes of the song in a file, the best first: `song-3m00s-take1.mp3` and so on.

        A single one is named as always. Raises as `Pipeline.run`.
        """
        pipeline, progress = self.pipeline, progress or NoProgress()
        options = pipeline.options
        if options.takes == 1:
            return [pipeline.run(source, out, progress, below=below)]
        if options.report:
            raise UsageError("a report measures one track; leave out the report, or the takes")
        song, format, path = pipeline.planned(source, out, below)
        if path == STDOUT:
            raise UsageError("standard output takes one track, and these are several takes; name a file or folder")
        paths = [take_path(path, number) for number in range(1, options.takes + 1)]
        for name in paths:
            refuse_existing(name, options.overwrite)
        progress.decoded(song.name, song.seconds)
        takes = zip(pipeline.takes(song, progress), paths, strict=False)  # there may be fewer
        tracks = [pipeline.write_take(take, song, source, name, format, progress) for take, name in takes]
        pipeline.written.add(path)
        return tracks


def check_report(out: Path | None) -> None:
    """Raise UsageError where no report can lie beside a track, MissingDependency where its packages are absent."""
    from extrapcli.evaluation import check_installed

    if out is not None and is_special(out):
        raise UsageError("a report lies beside its track, and standard output or a pipe has no place for one")
    check_installed()
