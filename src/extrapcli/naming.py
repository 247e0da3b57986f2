"""Which files are songs, and the name and format of each track."""

import io
import os
import re
import sys
from dataclasses import dataclass
from math import inf
from pathlib import Path, PurePath

from extrapcli.atomic import MAX_NAME_BYTES, STDOUT, is_folder, is_special, make_folder, refuse_terminal
from extrapcli.audio.beginning import decode_beginning
from extrapcli.audio.decode import decode
from extrapcli.audio.formats import FORMATS, format_of, held_rate, is_audio_suffix, stem_of, unsupported
from extrapcli.audio.song import Song
from extrapcli.continuation import clock
from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.finding import check_regular, find_songs

STDIN = Path("-")
_SUFFIX = re.compile(r"\.[A-Za-z]{2,4}")
_ROOM_FOR_REPORT = len(".html")


@dataclass(frozen=True)
class Source:
    """A song to continue; `below` is the folder where it lies inside the folder that was named, if it was one."""

    path: Path
    below: PurePath | None = None

    def check(self) -> None:
        """Raise UnreadableAudio where this was found in a folder and can't be read, or only without end."""
        if self.below is not None:
            check_regular(self.path, str(self.path))


def read_song(source: Path, *, salvage: bool = False) -> Song:
    """Decode a file, or standard input for `-`. Raises as `decode` does."""
    if source == STDIN:
        return decode(io.BytesIO(_standard_input()), name="standard input", salvage=salvage)
    return decode(source, name=str(source), salvage=salvage)


def read_beginning(source: Path, most_seconds: float = inf) -> Song | None:
    """Decode the beginning of a long song in a file, as `decode_beginning` does; None for anything else."""
    if is_special(source) or not source.is_file():
        return None
    return decode_beginning(source, str(source), most_seconds)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise UsageError("standard input is closed; name a file")
    if sys.stdin.isatty():
        raise UsageError("standard input is a terminal; send it a song from a file or a program")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise UnreadableAudio(f"standard input: cannot be read ({error.strerror})") from None


def songs_among(sources: list[Path], out: Path | None) -> tuple[list[Source], list[str]]:
    """Replace each folder by the songs below it, sorted; return a line about what is left out of each folder, too.

    The folder `out` is left out. Raises UnreadableAudio for a folder without any song.
    """
    songs: list[Source] = []
    lines = []
    for source in sources:
        if source == STDIN or not is_folder(source):
            songs.append(Source(source))
            continue
        found = find_songs(source, without=out)
        songs += [Source(source / path, path.parent) for path in found.songs]
        if not found.songs:
            reason = found.summary() or "name a folder or file with audio"
            raise UnreadableAudio(f"{source}: no songs in this folder; {reason}")
        if found.left_out:
            lines.append(f"{source}: {found.summary()}")
    return songs, lines


def check_destination(songs: list[Source], out: Path | None, *, into_folder: bool) -> None:
    """Refuse what can't work before any song is decoded; make the folder that tracks go to.

    `into_folder` says that `out` is meant as one, which it is in any case for several songs or those of a folder.
    """
    several = len(songs) > 1 or any(song.below is not None for song in songs)
    if out is None and (pipe := next((s.path for s in songs if s.below is None and is_special(s.path)), None)):
        name = "standard input" if pipe == STDIN else f"{pipe}: a pipe"
        raise UsageError(f"{name} has no folder for the track", hint="out")
    if out == STDOUT:
        if len(songs) > 1:
            raise UsageError("standard output takes one song; name a folder for several")
        refuse_terminal()
    elif out is not None and (into_folder or several) and not is_folder(out):
        if os.path.lexists(out):
            raise UsageError(f"{out}: is a file; several tracks need a folder")
        if not into_folder and format_of(out):
            raise UsageError(
                f"{out}: is named like one track; for several songs, or those of a folder, name a folder"
            )
        make_folder(out)


def choose_format(asked: str | None, out: Path | None, song: Song) -> str:
    """Choose the format of a track: as asked, as its name says, as the song's where it can hold the track, else FLAC.

    Beyond FLAC's highest sample rate, it is WAV. Raises UsageError for contradictions and for a format that can't
    hold the song, not even at another sample rate.
    """
    if asked and asked not in FORMATS:
        raise UsageError(f"no format is called {asked!r}; choose one of {', '.join(FORMATS)}")
    is_file = out is not None and out != STDOUT and not is_folder(out)
    named = format_of(out) if out and is_file else None
    if asked and named and asked != named:
        raise UsageError(f"{out}: is named as {named}, but the format asked for is {asked}; make them agree")
    if out and is_file and not asked and not named and (is_audio_suffix(out) or _SUFFIX.fullmatch(out.suffix)):
        known = ", ".join(FORMATS)
        raise UsageError(f"{out}: no format is called {out.suffix!r}; there are {known}", hint="format")
    chosen = asked or named
    if chosen:
        check_format(chosen, song)
        return chosen
    suited = [song.format, "flac"] if song.format else ["flac"]
    return next((f for f in suited if not unsupported(f, song.sample_rate, song.channels)), "wav")


def check_format(format: str, song: Song) -> None:
    """Raise UsageError where a format can't hold a song, not even at another sample rate."""
    if reason := unsupported(format, held_rate(format, song.sample_rate), song.channels):
        raise UsageError(f"{song.name}: {reason}", hint="format")


def track_path(song: Path, out: Path | None, ending: str, *, below: PurePath | None = None) -> Path:
    """Return `out` itself, or the song's name with another `ending`, beside the song or `below` the folder `out`."""
    name = fitting_stem(stem_of(Path("standard-input") if song == STDIN else song), ending) + ending
    if out is None:
        return song.with_name(name)
    return out / (below or "") / name if out != STDOUT and is_folder(out) else out


def fitting_stem(stem: str, rest: str) -> str:
    """Return a stem without its middle where, with the rest of a name, it is too long for a file with a report.

    Long names of songs that belong together mostly differ at their ends.
    """
    while stem and len(os.fsencode(stem + rest)) > MAX_NAME_BYTES - _ROOM_FOR_REPORT:
        middle = len(stem) // 2
        stem = stem[:middle] + stem[middle + 1 :]
    return stem


def take_path(path: Path, number: int) -> Path:
    """Return the path of one of several takes: `song-3m00s-take2.flac` for `song-3m00s.flac`."""
    return path.with_name(f"{path.stem}-take{number}{path.suffix}")


def track_ending(format: str, seconds: float, *, preview: bool = False) -> str:
    """`-3m00s.flac` for a track of three minutes, or `-3m00s-preview.flac`."""
    return f"-{clock(seconds)}{'-preview' * preview}{FORMATS[format].suffixes[0]}"
