"""What a batch has to do: which songs, and under which name and in which format each track goes."""

import os
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path, PurePath, PurePosixPath

from extrapcli.audio.formats import FORMATS, format_of, is_audio_name
from extrapcli.batch.places import Place, Remote, real_name, same
from extrapcli.continuation import Length, clock
from extrapcli.errors import CannotWrite, ExtrapError, UnreadableAudio, UsageError

DEFAULT_NAME = "{stem}-{minutes}.{ext}"
_FIELDS = ("stem", "minutes", "ext", "model")


@dataclass(frozen=True)
class Work:
    """A song and where its track goes; `output` is `target` below the folder of tracks, with slashes."""

    source: Place
    target: Place
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
        except (ValueError, IndexError, KeyError):
            fields, sample = [self.name], ""
        if unknown := [field for field in fields if field not in _FIELDS]:
            known = ", ".join(f"{{{field}}}" for field in _FIELDS)
            raise UsageError(f"--name {self.name!r}: knows nothing of {unknown[0]!r}; there are {known}")
        if "/" in self.name or os.sep in self.name:
            raise UsageError(f"--name {self.name!r}: holds a slash; tracks lie in folders as their songs do")
        of_format = self.format and Path(sample).suffix and format_of(Path(sample)) == self.format
        if not self.name.endswith(".{ext}") and not of_format:
            raise UsageError(f"--name {self.name!r}: must end in .{{ext}}, or in the suffix of a --format")

    def of(self, song: PurePath) -> tuple[str, str]:
        """The name of a song's track, and its format."""
        format = self.format or format_of(song) or "flac"
        minutes = ("plus-" if self.length.beyond else "") + clock(self.length.minutes * 60)
        ext = FORMATS[format].suffixes[0].removeprefix(".")
        return self.name.format(stem=song.stem, minutes=minutes, ext=ext, model=Path(self.model).name), format


def plan(root: Place, out: Place, naming: Naming, *, include: Sequence[str], exclude: Sequence[str]) -> list[Work]:
    """Every song below `root`, sorted, that matches a pattern of `include` (by default, whose name is that of audio).

    A pattern is matched from the right, `*.mp3` or `demos/*`; one of `exclude` leaves out a folder, too. What lies
    below `out` is no song, and links to folders are not followed. Raises UsageError where two tracks would have one
    name, where `out` is `root` and for an empty pattern; UnreadableAudio where there is no song, or a folder that
    can't be looked into; CannotWrite for an `out` at a URL that can't be listed.
    """
    for pattern in (*include, *exclude):
        if not PurePath(pattern).parts or "**" in pattern:
            raise UsageError(f"{pattern!r}: no pattern that is known; write *.mp3, demos/* or a folder's name")
    if isinstance(root, Path) and not root.is_dir():
        raise UnreadableAudio(f"{root}: no such folder; name one with songs")
    if same(root, out):
        raise UsageError(f"{out}: holds the songs; name another folder for the tracks")
    works = []
    there = _listed(out, CannotWrite) if isinstance(out, Remote) else {}
    for relative, song in sorted(_files(root, out, exclude), key=itemgetter(0)):
        if any(map(relative.match, include)) if include else is_audio_name(relative):
            name, format = naming.of(relative)
            track = relative.with_name(name)
            target = there.get(track.as_posix()) or (out / track if isinstance(out, Path) else out.without(track))
            works.append(Work(song, target, format, relative.as_posix(), track.as_posix()))
    if not works:
        raise UnreadableAudio(f"{root}: no songs in this folder; name another, or other patterns")
    _refuse_collisions(works)
    return works


def _files(root: Place, out: Place, exclude: Sequence[str]) -> Iterator[tuple[PurePath, Place]]:
    def refuse(error: OSError) -> None:
        reason = error.strerror or error
        raise UnreadableAudio(f"{error.filename}: cannot be looked into ({reason}); leave it out with --exclude")

    def wanted(path: PurePath) -> bool:
        return not any(path.match(pattern) for pattern in exclude)

    tracks = real_name(out)
    if isinstance(root, Remote):
        for name, song in _listed(root, UnreadableAudio).items():
            path = PurePosixPath(name)
            ours = song.url.startswith(f"{tracks}/") and not f"{root}/".startswith(f"{tracks}/")
            if ours or not all(map(wanted, (path, *path.parents))):
                continue
            if not {"", ".", ".."}.isdisjoint(name.split("/")):
                raise UsageError(f"{song}: has a name that leads out of its folder; leave it out with --exclude")
            yield path, song
        return
    for folder, folders, files in os.walk(root, onerror=refuse):
        here = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if wanted(here / name) and real_name(root / here / name) != tracks]
        yield from ((here / name, root / here / name) for name in files if wanted(here / name))


def _listed(root: Remote, kind: type[ExtrapError]) -> dict[str, Remote]:
    try:
        return root.files()
    except OSError as error:
        raise kind(f"{root}: cannot be listed: {error.strerror}") from None


def _refuse_collisions(works: list[Work]) -> None:
    songs = {real_name(work.source) for work in works}
    written: dict[Place, str] = {}
    for work in works:
        other = written.setdefault(work.target, work.input)
        if other != work.input:
            raise UsageError(
                f"{work.target}: {other} and {work.input} would both be written there; "
                "give another --name, or --exclude one"
            )
        if real_name(work.target) in songs:
            raise UsageError(f"{work.target}: is one of the songs; give another --name or folder")
