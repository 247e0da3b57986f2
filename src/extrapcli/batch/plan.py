"""What a batch has to do: which songs, and under which name and in which format each track goes."""

import os
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from extrapcli.audio.formats import FORMATS, format_of, is_audio_name
from extrapcli.continuation import Length, clock
from extrapcli.errors import UnreadableAudio, UsageError

DEFAULT_NAME = "{stem}-{minutes}.{ext}"
_FIELDS = ("stem", "minutes", "ext", "model")


@dataclass(frozen=True)
class Work:
    """A song and where its track goes; `output` is `target` below the folder of tracks, with slashes."""

    source: Path
    target: Path
    format: str
    input: str
    output: str


@dataclass(frozen=True)
class Naming:
    """How tracks are called: `name` may hold {stem}, {minutes} (as 3m00s, or plus-3m00s), {ext} and {model}.

    A format of None is the song's own by its name, or FLAC. Raises UsageError for a name with other fields, with a
    slash, or that no format is called by.
    """

    length: Length
    model: str
    name: str = DEFAULT_NAME
    format: str | None = None

    def __post_init__(self) -> None:
        try:
            fields = [field for _, field, _, _ in string.Formatter().parse(self.name) if field is not None]
            sample = self.of(Path("song.flac"))[0] if set(fields) <= set(_FIELDS) else ""
        except (ValueError, IndexError):
            fields, sample = [self.name], ""
        if unknown := [field for field in fields if field not in _FIELDS]:
            known = ", ".join(f"{{{field}}}" for field in _FIELDS)
            raise UsageError(f"--name {self.name!r}: knows nothing of {unknown[0]!r}; there are {known}")
        if "/" in self.name or os.sep in self.name:
            raise UsageError(f"--name {self.name!r}: holds a slash; tracks lie in folders as their songs do")
        if "ext" not in fields and not (self.format and format_of(Path(sample)) == self.format):
            raise UsageError(f"--name {self.name!r}: must end in .{{ext}}, or in the suffix of a --format")

    def of(self, song: Path) -> tuple[str, str]:
        """The name of a song's track, and its format."""
        format = self.format or format_of(song) or "flac"
        minutes = ("plus-" if self.length.beyond else "") + clock(self.length.minutes * 60)
        ext = FORMATS[format].suffixes[0].removeprefix(".")
        return self.name.format(stem=song.stem, minutes=minutes, ext=ext, model=Path(self.model).name), format


def plan(root: Path, out: Path, naming: Naming, *, include: Sequence[str], exclude: Sequence[str]) -> list[Work]:
    """Every song below `root`, sorted, that matches a pattern of `include` (by default, whose name is that of audio).

    A pattern is matched from the right, `*.mp3` or `demos/*`; one of `exclude` leaves out a folder, too. What lies
    below `out` is no song, and links to folders are not followed. Raises UsageError where two tracks would have one
    name, where `out` is `root` and for an empty pattern; UnreadableAudio where there is no song, or a folder that
    can't be looked into.
    """
    if not all((*include, *exclude)):
        raise UsageError("a pattern is empty; write *.mp3, say, or demos/*")
    if not root.is_dir():
        raise UnreadableAudio(f"{root}: no such folder; name one with songs")
    if out.exists() and out.samefile(root):
        raise UsageError(f"{out}: holds the songs; name another folder for the tracks")
    works = []
    for relative in sorted(_files(root, out, exclude)):
        if any(map(relative.match, include)) if include else is_audio_name(relative):
            name, format = naming.of(relative)
            track = relative.with_name(name)
            works.append(Work(root / relative, out / track, format, relative.as_posix(), track.as_posix()))
    if not works:
        raise UnreadableAudio(f"{root}: no songs in this folder; name another, or other patterns")
    _refuse_collisions(works)
    return works


def _files(root: Path, out: Path, exclude: Sequence[str]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        reason = error.strerror or error
        raise UnreadableAudio(f"{error.filename}: cannot be looked into ({reason}); leave it out with --exclude")

    def wanted(path: Path) -> bool:
        return not any(path.match(pattern) for pattern in exclude)

    tracks = os.path.realpath(out)
    for folder, folders, files in os.walk(root, onerror=refuse):
        here = Path(folder).relative_to(root)
        folders[:] = [
            name for name in folders if wanted(here / name) and os.path.realpath(root / here / name) != tracks
        ]
        yield from (here / name for name in files if wanted(here / name))


def _refuse_collisions(works: list[Work]) -> None:
    songs = {os.path.realpath(work.source) for work in works}  # unlike Path.resolve, it takes links that go round
    written: dict[Path, str] = {}
    for work in works:
        other = written.setdefault(work.target, work.input)
        if other != work.input:
            raise UsageError(
                f"{work.target}: {other} and {work.input} would both be written there; give another --name"
            )
        if os.path.realpath(work.target) in songs:
            raise UsageError(f"{work.target}: is one of the songs; give another --name or folder")
