"""Where a track goes: its format, its name, and that it appears under it only when it is whole."""

import errno
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from extrapcli.audio.formats import FORMATS, format_of, is_audio_name, unsupported
from extrapcli.audio.song import Song
from extrapcli.continuation import clock
from extrapcli.errors import CannotWrite, UnreadableAudio, UsageError

STDOUT = Path("-")
_NO_UNNAMED_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}
_TRACK_NAME = re.compile(r"(?P<song>.+)-\d+m\d\ds")


def songs_among(sources: list[Path]) -> list[Path]:
    """Replace each folder by the songs below it, sorted, leaving out tracks made from one of them.

    A file counts as a song by its suffix. Raises UnreadableAudio for a folder without any.
    """
    songs: list[Path] = []
    for source in sources:
        if not source.is_dir() or source == STDOUT:
            songs.append(source)
            continue
        inside = sorted(p for p in source.rglob("*") if is_audio_name(p) and p.is_file())
        stems = {p.with_suffix("") for p in inside}
        found = [p for p in inside if not ((m := _TRACK_NAME.fullmatch(p.stem)) and p.with_name(m["song"]) in stems)]
        if not found:
            raise UnreadableAudio(f"{source}: no songs in this folder; name a folder or file with audio")
        songs.extend(found)
    return songs


def choose_format(asked: str | None, out: Path | None, song: Song) -> str:
    """The format of a track: as asked, as its name says, as the song's where it holds it, else FLAC.

    Raises UsageError for contradictions and for a format that cannot hold the song.
    """
    is_file = out is not None and out != STDOUT and not out.is_dir()
    named = format_of(out) if out and is_file else None
    if asked and named and asked != named:
        raise UsageError(f"{out}: is named as {named}, but --format says {asked}; make them agree")
    if out and is_file and not asked and not named and out.suffix:
        raise UsageError(f"{out}: no format is called {out.suffix!r}; choose one of {', '.join(FORMATS)}")
    chosen = asked or named
    if chosen:
        if reason := unsupported(chosen, song.sample_rate, song.channels):
            raise UsageError(f"{song.name}: {reason}; choose another --format, such as flac")
        return chosen
    if song.format and not unsupported(song.format, song.sample_rate, song.channels):
        return song.format
    return "flac"


def track_path(song: Path, out: Path | None, format: str, seconds: float) -> Path:
    """`-o` itself, or `NAME-3m00s.ext` in the folder that `-o` names, or beside the song."""
    name = f"{song.stem}-{clock(seconds)}{FORMATS[format].suffixes[0]}"
    if out is None:
        return song.with_name(name)
    return out / name if out.is_dir() else out


def make_folder(path: Path) -> None:
    """Make a folder and those above it; raise CannotWrite where that can't be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be made: {error.strerror}") from None


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise CannotWrite where there is a folder of that name, or a file that may not be overwritten."""
    if path.is_dir():
        raise CannotWrite(f"{path}: is a folder")
    if path.exists() and not overwrite:
        raise CannotWrite(f"{path}: exists already; choose another name, or say --overwrite")


@contextmanager
def whole_file(path: Path, *, source: Path, overwrite: bool) -> Iterator[Path]:
    """Give a file beside `path` to write to; it takes that name when the block ends well, else it is removed.

    For `-` the finished file is copied to standard output. Raises UsageError where `path` is `source`,
    CannotWrite where it exists and may not be overwritten or where its folder can't be written.
    """
    try:
        with _file_for_stdout() if path == STDOUT else _file_beside(path, source, overwrite) as whole:
            yield whole
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written: {error.strerror or error}") from None


@contextmanager
def _file_for_stdout() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "track"
        yield whole
        with whole.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


@contextmanager
def _file_beside(path: Path, source: Path, overwrite: bool) -> Iterator[Path]:
    if path.exists() and source.exists() and path.samefile(source):
        raise UsageError(f"{path}: is the song itself; write the track under another name")
    refuse_existing(path, overwrite)
    with _unnamed_file(path.parent) as unnamed:
        if unnamed is not None:
            whole = Path(f"/proc/self/fd/{unnamed}")
            yield whole
            refuse_existing(path, overwrite)
            _give_name(unnamed, path)
            return
    handle, name = tempfile.mkstemp(prefix=".extrap-", suffix=".partial", dir=path.parent)
    os.close(handle)
    whole = Path(name)
    _named_parts.add(whole)
    try:
        yield whole
        refuse_existing(path, overwrite)
        whole.chmod(0o666 & ~_umask())
        whole.replace(path)
    finally:
        whole.unlink(missing_ok=True)
        _named_parts.discard(whole)


_named_parts: set[Path] = set()


def forget_parts() -> None:
    """Remove what this process has written of files that are not whole, for one that leaves without further ado."""
    for part in _named_parts:
        part.unlink(missing_ok=True)


@contextmanager
def _unnamed_file(folder: Path) -> Iterator[int | None]:
    """A file without a name, which vanishes with the process whatever ends it; None where the system has none."""
    if not hasattr(os, "O_TMPFILE") or not Path("/proc/self/fd").is_dir():
        yield None
        return
    try:
        handle = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError as error:
        if error.errno not in _NO_UNNAMED_FILES:
            raise
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _give_name(unnamed: int, path: Path) -> None:
    source = f"/proc/self/fd/{unnamed}"
    try:
        os.link(source, path, src_dir_fd=unnamed)  # with a dir_fd, os.link follows the link that /proc has
    except FileExistsError:
        named = path.with_name(f".extrap-{secrets.token_hex(8)}.partial")
        os.link(source, named, src_dir_fd=unnamed)
        try:
            named.replace(path)
        except OSError:
            named.unlink()
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
