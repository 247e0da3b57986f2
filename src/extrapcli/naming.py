"""Which files are songs, and the name and format of each track."""

import io
import re
import sys
from pathlib import Path

from extrapcli.atomic import STDOUT, make_folder
from extrapcli.audio.decode import decode
from extrapcli.audio.formats import FORMATS, format_of, held_rate, is_audio_name, unsupported
from extrapcli.audio.song import Song
from extrapcli.continuation import clock
from extrapcli.errors import UnreadableAudio, UsageError

STDIN = Path("-")
_TRACK_NAME = re.compile(r"(?P<song>.+)-\d+m\d\ds")


def read_song(source: Path, *, salvage: bool = False) -> Song:
    """Decode a file, or standard input for `-`. Raises as `decode` does."""
    if source == STDIN:
        return decode(io.BytesIO(sys.stdin.buffer.read()), name="standard input", salvage=salvage)
    return decode(source, name=str(source), salvage=salvage)


def songs_among(sources: list[Path]) -> list[Path]:
    """Replace each folder by the songs below it, sorted, leaving out tracks made from one of them.

    A file counts as a song by its suffix. Raises UnreadableAudio for a folder without any.
    """
    songs: list[Path] = []
    for source in sources:
        if not source.is_dir() or source == STDIN:
            songs.append(source)
            continue
        inside = sorted(p for p in source.rglob("*") if is_audio_name(p) and p.is_file())
        stems = {p.with_suffix("") for p in inside}
        found = [p for p in inside if not ((m := _TRACK_NAME.fullmatch(p.stem)) and p.with_name(m["song"]) in stems)]
        if not found:
            raise UnreadableAudio(f"{source}: no songs in this folder; name a folder or file with audio")
        songs.extend(found)
    return songs


def check_destination(songs: list[Path], out: Path | None, *, into_folder: bool) -> None:
    """Refuse what can't work before any song is decoded; make the folder that tracks go to."""
    if STDIN in songs and out is None:
        raise UsageError("standard input has no folder for the track", hint="out")
    if out == STDOUT:
        if len(songs) > 1:
            raise UsageError("standard output takes one song; name a folder for several")
        if sys.stdout.isatty():
            raise UsageError("standard output is a terminal; send it to a file or a program")
    elif out is not None and into_folder:
        if out.exists() and not out.is_dir():
            raise UsageError(f"{out}: is a file; several tracks need a folder")
        make_folder(out)


def choose_format(asked: str | None, out: Path | None, song: Song) -> str:
    """Choose the format of a track: as asked, as its name says, as the song's where it can hold the track, else FLAC.

    Beyond FLAC's highest sample rate, it is WAV. Raises UsageError for contradictions and for a format that can't
    hold the song, not even at another sample rate.
    """
    if asked and asked not in FORMATS:
        raise UsageError(f"no format is called {asked!r}; choose one of {', '.join(FORMATS)}")
    is_file = out is not None and out != STDOUT and not out.is_dir()
    named = format_of(out) if out and is_file else None
    if asked and named and asked != named:
        raise UsageError(f"{out}: is named as {named}, but the format asked for is {asked}; make them agree")
    if out and is_file and not asked and not named and out.suffix:
        raise UsageError(f"{out}: no format is called {out.suffix!r}; choose one of {', '.join(FORMATS)}")
    chosen = asked or named
    if chosen:
        if reason := unsupported(chosen, held_rate(chosen, song.sample_rate), song.channels):
            raise UsageError(f"{song.name}: {reason}", hint="format")
        return chosen
    suited = [song.format, "flac"] if song.format else ["flac"]
    return next((f for f in suited if not unsupported(f, song.sample_rate, song.channels)), "wav")


def track_path(song: Path, out: Path | None, ending: str) -> Path:
    """Return `out` itself, or the song's name with another `ending` in the folder `out`, or beside the song."""
    if song == STDIN:
        song = Path("standard-input")
    if out is None:
        return song.with_name(song.stem + ending)
    return out / (song.stem + ending) if out.is_dir() and out != STDOUT else out


def track_ending(format: str, seconds: float) -> str:
    """`-3m00s.flac` for a track of three minutes."""
    return f"-{clock(seconds)}{FORMATS[format].suffixes[0]}"
