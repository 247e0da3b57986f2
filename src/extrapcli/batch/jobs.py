"""Plans a batch: which songs there are, and the name and format of each track."""

import os
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from extrapcli.atomic import is_folder
from extrapcli.audio.formats import FORMATS, format_of, stem_of
from extrapcli.batch.locations import Location, RemotePath, canonical, same_folder
from extrapcli.continuation import Length, clock
from extrapcli.errors import CannotWrite, ExtrapError, UnreadableAudio, UsageError
from extrapcli.finding import Found, Patterns, find_songs, named_songs
from extrapcli.naming import fitting_stem

DEFAULT_NAME = "{stem}-{minutes}.{ext}"
_FIELDS = ("stem", "minutes", "ext", "model")


@dataclass(frozen=True)
class Job:
    """One song of a batch and its track.

    Attributes:
        source: the song.
        target: the track.
        format: format of the track, a key of `FORMATS`.
        input: path of the song relative to the folder of songs, with slashes.
        output: path of the track relative to the folder of tracks, with slashes.
        length: how long the track should be.
    """

    source: Location
    target: Location
    format: str
    input: str
    output: str
    length: Length


@dataclass(frozen=True)
class Naming:
    """How tracks are named: a pattern with {stem}, {minutes} (3m00s, or plus-3m00s), {ext} and {model}.

    After {minutes}, a `preview` is called one.
    `lengths` are those of single songs, by their path relative to the folder of songs; all others have `length`.
    Without a `format`, each track has the format that its song's name ends in, or FLAC. Raises UsageError for a
    pattern with other fields, with a slash, or that ends in the suffix of another format.
    """

    length: Length
    model: str
    pattern: str = DEFAULT_NAME
    format: str | None = None
    lengths: Mapping[str, Length] = field(default_factory=dict)
    preview: bool = False

    def __post_init__(self) -> None:
        try:
            fields = [
                field + (f"!{conversion}" if conversion else "") + (f":{width}" if width else "")
                for _, field, width, conversion in string.Formatter().parse(self.pattern)
                if field is not None
            ]
            example = self.track_name(Path("song.flac"))[0] if set(fields) <= set(_FIELDS) else ""
        except (ValueError, IndexError, KeyError):
            fields, example = [self.pattern], ""
        if unknown := [field for field in fields if field not in _FIELDS]:
            known = ", ".join(f"{{{field}}}" for field in _FIELDS)
            raise UsageError(f"{self.pattern!r}: a name can't contain {unknown[0]!r}; the fields are {known}")
        if "/" in self.pattern or os.sep in self.pattern:
            raise UsageError(f"{self.pattern!r}: a name can't contain a slash; tracks keep their songs' folders")
        named = Path(example).suffix and format_of(Path(example))
        if not self.pattern.endswith(".{ext}") and (not self.format or named != self.format):
            raise UsageError(f"{self.pattern!r}: a name must end in .{{ext}}, or in the suffix of its format")

    def track_name(self, song: PurePath) -> tuple[str, str]:
        """Return the name of a song's track, and its format."""
        format, length = self.format or format_of(song) or "flac", self.length_of(song)
        minutes = "plus-" * length.beyond + clock(length.minutes * 60) + "-preview" * self.preview
        ext = FORMATS[format].suffixes[0].removeprefix(".")
        fields = {"minutes": minutes, "ext": ext, "model": Path(self.model).name}
        stem = fitting_stem(stem_of(song), rest=self.pattern.format(stem="", **fields))
        return self.pattern.format(stem=stem, **fields), format

    def length_of(self, song: PurePath) -> Length:
        """Return how long the track of a song should be."""
        return self.lengths.get(song.as_posix(), self.length)


def find_jobs(
    songs: Location, tracks: Location, naming: Naming, *, include: Sequence[str], exclude: Sequence[str]
) -> tuple[list[Job], Found]:
    """Find the songs in a folder and all folders below, as `find_songs` does, and name the track of each.

    Return what was left out, too. At a URL, songs are recognised by their names. Files inside `tracks` are not songs.

    Raises UsageError where two tracks would have one name, where a track would replace a song, and for an empty
    pattern; UnreadableAudio where there is no song, or a URL can't be listed; CannotWrite where `tracks` is a URL
    that can't be listed, or a path that is no folder.
    """
    for pattern in (*include, *exclude):
        if not PurePath(pattern).parts or "**" in pattern:
            raise UsageError(f"{pattern!r}: not a supported pattern; write *.mp3, demos/* or the name of a folder")
    if isinstance(songs, Path) and not is_folder(songs):
        raise UnreadableAudio(f"{songs}: no such folder; name one with songs")
    if same_folder(songs, tracks):
        raise UsageError(f"{tracks}: holds the songs; name another folder for the tracks")
    if isinstance(tracks, Path) and os.path.lexists(tracks) and not is_folder(tracks):
        raise CannotWrite(f"{tracks}: is a file; name a folder for the tracks")
    patterns = Patterns(include, exclude)
    listed: dict[PurePath, RemotePath] = {}
    if isinstance(songs, RemotePath):
        listed = _files(songs, tracks, patterns)
        found = named_songs(list(listed), patterns)
    else:
        found = find_songs(songs, without=Path(canonical(tracks)), patterns=patterns)
    existing = _list(tracks, CannotWrite) if isinstance(tracks, RemotePath) else {}
    jobs = []
    for path in found.songs:
        name, format = naming.track_name(path)
        track = path.with_name(name)
        target = tracks / track if isinstance(tracks, Path) else tracks.missing(track)
        target = existing.get(track.as_posix(), target)
        jobs.append(
            Job(
                listed.get(path, songs / path),
                target,
                format,
                path.as_posix(),
                track.as_posix(),
                naming.length_of(path),
            )
        )
    if not jobs:
        reason = found.summary() or "name another folder, or other patterns"
        raise UnreadableAudio(f"{songs}: no songs in this folder; {reason}")
    _refuse_collisions(jobs)
    return jobs, found


def _files(songs: RemotePath, tracks: Location, patterns: Patterns) -> dict[PurePath, RemotePath]:
    tracks_name = canonical(tracks)
    tracks_inside = f"{tracks_name}/".startswith(f"{songs}/")
    files: dict[PurePath, RemotePath] = {}
    for name, song in _list(songs, UnreadableAudio).items():
        path = PurePosixPath(name)
        if tracks_inside and song.url.startswith(f"{tracks_name}/"):
            continue
        if not {"", ".", ".."}.isdisjoint(name.split("/")) and not patterns.excludes(path):
            raise UsageError(f"{song}: this name leads out of its folder", hint="exclude")
        files[path] = song
    return files


def _list(folder: RemotePath, error_type: type[ExtrapError]) -> dict[str, RemotePath]:
    try:
        return folder.files()
    except OSError as error:
        raise error_type(f"{folder}: cannot be listed: {error.strerror}") from None


def _refuse_collisions(jobs: list[Job]) -> None:
    songs = {canonical(job.source) for job in jobs}
    inputs: dict[Location, str] = {}
    for job in jobs:
        other = inputs.setdefault(job.target, job.input)
        if other != job.input:
            raise UsageError(f"{job.target}: {other} and {job.input} would both be written there", hint="name")
        if canonical(job.target) in songs:
            raise UsageError(f"{job.target}: is one of the songs; use another folder for the tracks", hint="name")
