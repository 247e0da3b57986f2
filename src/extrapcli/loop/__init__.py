"""From a song to a loop: the passage alone, the song up to it, its parts, or a track that repeats it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path, PurePath

from extrapcli.analysis import Analysis
from extrapcli.analysis.summary import clock
from extrapcli.atomic import STDOUT, is_folder, make_folder, refuse_existing
from extrapcli.audio.clipping import Clip
from extrapcli.audio.formats import FORMATS, format_of, held_rate
from extrapcli.audio.loop_marks import MARKED, mark_loop
from extrapcli.audio.resample import resample_part
from extrapcli.audio.song import Song
from extrapcli.errors import CannotWrite, UsageError
from extrapcli.extrapolators.base import Loop
from extrapcli.files import one_file
from extrapcli.loop.looped import Looped, Part
from extrapcli.model import Model, load
from extrapcli.models import DEFAULT
from extrapcli.naming import check_format, choose_format, read_song, track_path
from extrapcli.pipeline import Options
from extrapcli.progress import NoProgress, Progress
from extrapcli.track_file import write_track
from extrapcli.wishes import LoopWish, style
from extrapcli.words import count


@dataclass(frozen=True)
class LoopFile:
    """A loop that was written; samples count those of one channel of the file, at its rate.

    Attributes:
        song: the song.
        paths: the files.
        format: their format.
        sample_rate: in Hz.
        samples: how long each file is.
        loop: the loop, in samples of the song.
        loop_begin: where in the file with the loop it begins.
        loop_samples: how long it is there.
        notes: what was lost or changed, each in a sentence without the song's name.
    """

    song: str
    paths: list[Path]
    format: str
    sample_rate: int
    samples: list[int]
    loop: Loop
    loop_begin: int
    loop_samples: int
    notes: list[str]

    def to_json(self) -> str:
        loop = loop_facts(self.loop)
        facts = asdict(self) | {"loop": loop, "paths": [str(path) for path in self.paths]}
        return dumps(facts)


def loop_facts(loop: Loop) -> dict[str, object]:
    """Describe a loop by its place in the song and by how audible its join is."""
    return {
        "begin": loop.begin,
        "end": loop.end,
        "begin_seconds": loop.begin / loop.sample_rate,
        "seconds": loop.seconds,
        "bars": loop.bars,
        "fade_seconds": loop.fade.samples / loop.sample_rate,
        "audibility": loop.audibility,
        "jump": asdict(loop.jump),
    }


def listing(loops: list[Loop], *, json: bool, most: int) -> Iterator[str]:
    """List loops, the best first, in lines of text or of JSON: number, begin, length, bars, audibility.

    The best one is long and not amid a section, too, so its join is not always the least audible.
    """
    if not json:
        yield "     begin   length  bars  audible (50 %: as an average beat of the song)"
    for number, loop in enumerate(loops[:most], start=1):
        if json:
            yield dumps({"number": number} | loop_facts(loop))
        else:
            begin, length = clock(loop.begin / loop.sample_rate), clock(loop.seconds)
            yield f"{number:2}  {begin:>7}  {length:>7}  {loop.bars or '':>4}  {loop.audibility:4.0f} %"


class LoopMaker:
    """What makes loops of songs: a model, options and a wish, set up once for any number of songs."""

    def __init__(self, options: Options, wish: LoopWish, model: Model | None = None) -> None:
        self.options, self.wish = options, wish
        self.model = model or load(
            options.model, backend=options.backend, device=options.device, threads=options.threads
        )
        self.model.extrapolator(options.style)
        self._written: set[Path] = set()

    def loops(self, song: Song, analysis: Analysis | None = None) -> list[Loop]:
        """Return the loops of a song, the best first; `analysis` is that of `song.as_heard`.

        Raises as `Model.loops` does, and UsageError where there is none, or not so many as to pick one.
        """
        wish = self.wish
        found = self.model.loops(analysis or Analysis(song.as_heard), self.options.style, wish.query)
        if len(found) < wish.pick:
            bars = f" of {count(wish.bars, 'bar')}" if wish.bars else ""
            least = f" of {wish.least:g} s or more" if wish.least else ""
            most = f"{' and' if least else ' of'} {wish.most:g} s at most" if wish.most else ""
            near = " near there" if wish.near else ""
            number = "no loop" if not found else f"only {count(len(found), 'loop')}"
            raise UsageError(
                f"{song.name}: has {number}{bars}{least}{most}{near}", hint="seconds" if least or most else None
            )
        return found

    def run(
        self,
        source: Path,
        out: Path | None = None,
        progress: Progress | None = None,
        *,
        below: PurePath | None = None,
    ) -> LoopFile:
        """Write a loop of the song in a file, as `Pipeline.run` does a track.

        Raises UsageError, too, where the song has no such loop, and for a mark in a format that has no place for one.
        """
        progress = progress or NoProgress()
        song = read_song(source, salvage=self.options.salvage)
        progress.decoded(song.name, song.seconds)
        return self.write(song, source, out, progress, below=below)

    def write(
        self,
        song: Song,
        source: Path,
        out: Path | None,
        progress: Progress,
        *,
        below: PurePath | None = None,
        analysis: Analysis | None = None,
    ) -> LoopFile:
        """Write a loop of a song that was decoded from `source`; `analysis` is that of `song.as_heard`."""
        loops = self.loops(song, analysis)
        if self.wish.minutes and 60 * self.wish.minutes < song.seconds:
            asked = clock(60 * self.wish.minutes)
            raise UsageError(f"{song.name}: lasts {clock(song.seconds)}; extrap fit can make it {asked}, loops can't")
        loop = loops[self.wish.pick - 1]
        looped = Looped(song, loop)
        format = self._format(out, song)
        parts = self._parts(looped)
        paths = self._paths(parts, source, out, format, below)
        rate, notes = held_rate(format, song.sample_rate), self._notes(looped, parts, format)
        scale, wish = rate / song.sample_rate, self.wish
        begin = round(loop.begin * scale) if wish.mark or wish.times or wish.minutes else 0
        size = round((loop.end - loop.begin) * scale)
        samples = [begin + size if wish.mark else round(part.count * scale) for part in parts]

        def mark(whole: Path) -> list[str]:
            return mark_loop(whole, format, sample_rate=rate, begin=begin, length=size)

        for path, part, size_there in zip(paths, parts, samples, strict=True):
            pieces = part.pieces
            if rate != song.sample_rate:
                pieces = resample_part(
                    part.before, pieces, part.after, part.count, size_there, from_rate=song.sample_rate, to_rate=rate
                )
            notes += write_track(
                pieces,
                size_there,
                song,
                path,
                source=source,
                format=format,
                overwrite=self.options.overwrite,
                clip=self.options.clip,
                version=part.name,
                written=lambda share: progress.written(share, 1),
                finish=mark if wish.mark else None,
            )
        self._written |= set(paths)
        return LoopFile(song.name, paths, format, rate, samples, loop, begin, size, [*dict.fromkeys(notes)])

    def _paths(
        self, parts: list[Part], source: Path, out: Path | None, format: str, below: PurePath | None
    ) -> list[Path]:
        """Choose the path of each part, and refuse what can't be written."""
        suffix = FORMATS[format].suffixes[0]
        paths = [track_path(source, out, f"-{part.name}{suffix}", below=below) for part in parts]
        if STDOUT in paths and len(paths) > 1:
            raise UsageError("standard output takes one file, and these are several files; name a folder")
        if len(parts) > 1 and paths[0] == paths[1]:
            names = [f"{path.stem}-{part.name}{path.suffix}" for path, part in zip(paths, parts, strict=True)]
            paths = [path.with_name(name) for path, name in zip(paths, names, strict=True)]
        if self._written & set(paths):
            raise CannotWrite(f"{paths[0]}: was just written for another song of that name; loop that one by itself")
        if out is not None and below is not None:
            make_folder(paths[0].parent)
        for path in paths if len(paths) > 1 else ():
            refuse_existing(path, self.options.overwrite)
        return paths

    def _notes(self, looped: Looped, parts: list[Part], format: str) -> list[str]:
        """Say what the files are not."""
        wish, seconds = self.wish, parts[0].count / looped.loop.sample_rate
        if wish.minutes and abs(seconds - 60 * wish.minutes) >= 1:
            asked = clock(60 * wish.minutes)
            return [f"lasts {clock(seconds)}, as loops are played whole; extrap fit makes it exactly {asked}"]
        if format not in MARKED and not (wish.times or wish.minutes):
            return [f"most players leave a gap where they repeat {format}; {', '.join(MARKED)} have none"]
        return []

    def _format(self, out: Path | None, song: Song) -> str:
        """Choose a format: as asked or named, else one that can be played without a gap."""
        wish, options = self.wish, self.options
        format = choose_format(options.format, out, song)
        named = options.format or (out is not None and not is_folder(out) and format_of(out))
        if not named and format not in MARKED and not (wish.times or wish.minutes):
            format = "wav"
            check_format(format, song)
        if wish.mark and format not in MARKED:
            raise UsageError(f"{format} can't say where a loop is; {', '.join(MARKED)} can", hint="format")
        return format

    def _parts(self, looped: Looped) -> list[Part]:
        wish, loop, length = self.wish, looped.loop, len(looped.song.samples)
        if wish.split:
            return [part for part in (looped.intro(), looped.passage(), looped.outro()) if part.count]
        if wish.mark:
            return [looped.up_to_the_end()]
        if wish.minutes is not None:
            missing = wish.minutes * 60 * loop.sample_rate - length
            return [looped.times(max(1, 1 + round(missing / (loop.end - loop.begin))))]
        return [looped.times(wish.times)] if wish.times else [looped.passage()]


def loop_file(
    song: str | Path,
    out: str | Path | None = None,
    *,
    model: str | Model = DEFAULT,
    bars: int | None = None,
    least: float | None = None,
    most: float | None = None,
    near: tuple[float, float] | None = None,
    pick: int = 1,
    times: int | None = None,
    minutes: float | None = None,
    split: bool = False,
    mark: bool = False,
    crossfade: float | None = None,
    format: str | None = None,
    salvage: bool = False,
    clip: Clip = "clamp",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> LoopFile:
    """Find the passage of a song that repeats without a seam, and write it to a file.

    Args:
        song: an audio file, or a video with sound.
        out: the file to write, or a folder for it; by default it goes beside the song, as `song-loop.wav`.
        model: a name or path, as `load` takes it, or a model that was loaded.
        bars: as `least`, `most` and `near`, see `Model.find_loops`.
        least: how many seconds the loop should last at least.
        most: how many seconds it should last at most.
        near: the seconds of the song near which it should begin and end, instead.
        pick: which of the loops that are found, 1 for the best.
        times: how often the loop should be played in a track with the song's beginning and ending.
        minutes: how long that track should be, about, instead of `times`.
        split: whether the song up to the loop, the loop and the rest should become files of their own.
        mark: whether the file should be the song up to the loop's end, and say where the loop is: by the comments
            LOOPSTART and LOOPLENGTH of Ogg, Opus and FLAC, by the chunk `smpl` of WAV.
        crossfade: the length of the join in seconds; None leaves it to the model.
        format: as in `continue_file`; WAV in the place of a format that players can't repeat without a gap.
        salvage: whether to take what can be decoded of a damaged song.
        clip: as in `continue_file`.
        overwrite: whether to replace files that exist.
        progress: is told how far the work has come.

    Raises:
        UsageError: as `load` and `Model.find_loops`, and where there is no such loop.
        UnreadableAudio: as `Model.find_loops`, and for a file that can't be decoded.
        UnusableModel: as `load` and `Model.find_loops`.
        MissingDependency: as `load`.
        CannotWrite: where a file can't be written, or exists.

    Examples:
        >>> import extrapcli
        >>> made = extrapcli.loop_file("song.mp3", "loop.flac")
        >>> made.samples[0] == made.loop.end - made.loop.begin
        True
    """
    wish = LoopWish(bars, least, most, pick, times, minutes, split, mark, near)
    options = Options(
        style=style("auto", 0, crossfade, 0), format=format, salvage=salvage, clip=clip, overwrite=overwrite
    )
    return one_file(
        song, out, lambda: LoopMaker(options, wish, model if isinstance(model, Model) else load(model)), progress
    )
