"""Find the songs in a folder and all folders below, and say what is left out and why."""

import errno
import os
import re
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from extrapcli.audio.formats import is_audio_name, is_companion_name, stem_of
from extrapcli.audio.probe import holds_sound
from extrapcli.errors import UnreadableAudio
from extrapcli.words import listed

HIDDEN, NOT_AUDIO, MADE_BEFORE = "hidden", "not audio", "made before"
_USUAL = (HIDDEN, NOT_AUDIO, MADE_BEFORE)
_TRACK_NAME = re.compile(
    r"(?P<song>.+?)-((plus-|played-)?\d+m\d\ds(-preview)?(-take\d+|-\d+)?|loop(ed)?|intro|outro)", re.DOTALL
)
_NAMED = 3  # of the unusual ones in the summary


@dataclass
class Found:
    """What lies in a folder, by paths relative to it: songs, and what is none, with the reason in a few words."""

    songs: list[PurePath] = field(default_factory=list)
    left_out: list[tuple[PurePath, str]] = field(default_factory=list)

    def summary(self) -> str:
        """Count what is left out by reason, and name what is unusual: `3 left out: 2 not audio, 1 empty (x.raw)`."""
        counts = Counter(reason for _, reason in self.left_out)
        parts = []
        for reason, count in counts.most_common():
            names = [] if reason in _USUAL else [str(path) for path, why in self.left_out if why == reason]
            named = f" ({listed(names, most=_NAMED)})" if names else ""
            parts.append(f"{count} {reason}{named}")
        return f"{len(self.left_out)} left out: {', '.join(parts)}" if parts else ""


@dataclass(frozen=True)
class Patterns:
    """Which files count: those that match a pattern of `include`, or all without any, and none of `exclude`.

    A pattern such as `*.mp3` or `demos/*` is matched from the right; one of `exclude` can also name a folder.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def excludes(self, path: PurePath) -> bool:
        return any(part.match(pattern) for part in (path, *path.parents) for pattern in self.exclude)

    def includes(self, path: PurePath) -> bool:
        return any(path.match(pattern) for pattern in self.include)


def find_songs(root: Path, *, without: Path | None = None, patterns: Patterns | None = None) -> Found:
    """Find the songs in a folder and below, sorted; leave out the folder `without`, where tracks go.

    A file is a song where its name ends like that of audio, even if it then turns out to be damaged, or where it
    holds sound that can be decoded. Tracks and loops made earlier, beside their songs, don't count. Links are
    followed, but no folder is entered twice: one that lies below `root` counts there, not where a link leads to it.
    Files that match a pattern of `include` are songs whatever they hold.
    """
    patterns = patterns or Patterns()
    found = Found()
    entered = {os.path.realpath(without)} - {os.path.realpath(root)} if without else set[str]()
    folders, links = [PurePath()], list[PurePath]()
    while folders or links:
        folder = (folders or links).pop(0)
        real = os.path.realpath(root / folder)
        if real in entered:
            continue
        entered.add(real)
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError:
            found.left_out.append((folder, "folder that cannot be read"))
            continue
        for entry in entries:
            path = folder / entry.name
            if patterns.excludes(path):
                continue
            if _is_folder(entry) and path.name.startswith(".") and not patterns.include:
                found.left_out.append((path, HIDDEN))
            elif _is_folder(entry):
                (links if entry.is_symlink() else folders).append(path)
            elif patterns.include:
                found.songs += [path] if patterns.includes(path) else []
            elif reason := _why_no_song(root / path):
                found.left_out.append((path, reason))
            else:
                found.songs.append(path)
    found.songs.sort()
    _set_tracks_aside(found, patterns)
    found.left_out.sort()
    return found


def named_songs(paths: Sequence[PurePath], patterns: Patterns) -> Found:
    """Tell songs among files, of which only the names are known, by what these end in."""
    found = Found()
    for path in sorted(paths):
        if patterns.excludes(path):
            continue
        hidden = any(part.startswith(".") for part in path.parts)
        if patterns.includes(path) if patterns.include else is_audio_name(path) and not hidden:
            found.songs.append(path)
        elif not patterns.include:
            found.left_out.append((path, HIDDEN if hidden else NOT_AUDIO))
    _set_tracks_aside(found, patterns)
    return found


def _set_tracks_aside(found: Found, patterns: Patterns) -> None:
    """Leave out files that are named like tracks of songs beside them, unless they were asked for."""
    names = {path.with_name(stem_of(path)) for path in found.songs}
    songs, found.songs = found.songs, []
    for path in songs:
        made = None if patterns.include else _TRACK_NAME.fullmatch(stem_of(path))
        if made and path.with_name(made["song"]) in names:
            found.left_out.append((path, MADE_BEFORE))
        else:
            found.songs.append(path)


def check_regular(path: Path, name: str) -> None:
    """Raise UnreadableAudio for a pipe or device among the songs of a folder, where reading could wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UnreadableAudio(f"{name}: cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise UnreadableAudio(f"{name}: not a regular file", hint="exclude")


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _why_no_song(path: Path) -> str | None:
    if path.name.startswith("."):
        return HIDDEN
    if is_audio_name(path):
        return None
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return "pipe or device"
        if is_companion_name(path):
            return NOT_AUDIO
        if not found.st_size:
            return "empty"
        return None if holds_sound(path) else NOT_AUDIO
    except OSError as error:
        broken = error.errno in (errno.ENOENT, errno.ELOOP)
        return "broken link" if broken else "that cannot be read"
