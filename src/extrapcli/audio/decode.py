"""Decode any audio file to a `Song`."""

import io
import operator
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.channels import COMMON
from extrapcli.audio.containers import content, has_lost_its_index
from extrapcli.audio.file_kinds import read_parts
from extrapcli.audio.joining import join
from extrapcli.audio.loss import sentence
from extrapcli.audio.mpeg import is_free_format
from extrapcli.audio.silence import is_silent
from extrapcli.audio.song import Samples, Song
from extrapcli.audio.spooled import chunks
from extrapcli.audio.streams import is_encrypted, section
from extrapcli.audio.tag_sizes import leading_tags_end
from extrapcli.audio.tags import read_tags
from extrapcli.errors import UnreadableAudio, UsageError

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/")  # one slash: a path has no two in a row
MIN_RATE, MAX_RATE = 1000, 1_000_000  # Hz; beyond these, resampling could make a small file very large
MAX_CHANNELS = max(COMMON)
MAX_AMPLITUDE = 2.0**31  # some programs write 32-bit integers as floats; squares of larger values would overflow


def decode(source: Path | BinaryIO, *, name: str | None = None, salvage: bool = False) -> Song:
    """Decode the default audio stream of a file, or the first one, complete and sample-exact.

    `source` is a path or a seekable binary stream. `name` is what the song and errors are called, by default the name
    of the file. Encoder delay and padding are removed as far as the file declares them. Files that are joined, or
    chained, make one song at the first one's sample rate. `salvage` takes what can be decoded of a damaged file, with
    silence in the place of what can't where the file tells how long that is; the song's notes say what is lost.

    Raises UnreadableAudio where the file doesn't exist, isn't audio, is damaged, holds less than it declares, has a
    sample rate outside 1 kHz to 1 MHz, holds NaN, infinite or absurdly large values, or nothing above -90 dBFS;
    CannotWrite where a long song finds no room in the folder for temporary files.
    """
    if not isinstance(source, Path):
        return _decode(source, name or "the input", salvage)
    name = name or source.name
    try:
        with source.open("rb") as stream:
            return _decode(_seekable(stream, name), name, salvage)
    except FileNotFoundError:
        if _ADDRESS.match(str(source)):
            raise UnreadableAudio(f"{name}: an address; extrap downloads nothing, so download it first") from None
        raise UnreadableAudio(f"{name}: no such file") from None
    except (IsADirectoryError, PermissionError):
        if os.path.isdir(source):  # noqa: PTH112  # for which Windows raises PermissionError
            raise UnreadableAudio(f"{name}: a folder, not a file; name a song in it") from None
        raise UnreadableAudio(f"{name}: no permission to read it; change its permissions or copy it") from None
    except OSError as error:
        raise UnreadableAudio(f"{name}: cannot be read ({error.strerror}); copy it from its source again") from None


def _seekable(stream: BinaryIO, name: str) -> BinaryIO:
    """Return a file as it is, and a pipe read to its end. Raises UnreadableAudio for a device."""
    mode = os.fstat(stream.fileno()).st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise UnreadableAudio(f"{name}: a device, not a file; give it a song")
    return stream if stat.S_ISREG(mode) else io.BytesIO(stream.read())


def _decode(stream: BinaryIO, name: str, salvage: bool) -> Song:
    if stream.seek(0, os.SEEK_END) == 0:
        raise UnreadableAudio(f"{name}: an empty file; copy it from its source again")
    parts = list(read_parts(stream))
    if not parts:
        raise UnreadableAudio(f"{name}: {_why_unreadable(stream)}")
    whole = join(parts)
    samples, sample_rate, layout = whole.pieces[0]
    _check_rate(sample_rate, name)
    _check_channels(samples.shape[1], name)
    notes = list(whole.notes)
    if whole.losses:
        lost = sentence(whole.losses, whole.seconds)
        if not salvage:
            hint = "salvage" if whole.seconds else None
            raise UnreadableAudio(f"{name}: cut off or damaged: {lost}; copy it from its source again", hint=hint)
        silent = "; silence stands in its place" if any(loss.is_filled for loss in whole.losses) else ""
        notes.append(lost + silent)
    song = Song(
        name=name,
        samples=samples,
        sample_rate=sample_rate,
        depth=whole.depth,
        format=whole.format,
        tags=read_tags(stream),
        notes=notes,
        layout=layout,
        lossy=whole.lossy,
    )
    _check_values(song)
    return song


def _why_unreadable(stream: BinaryIO) -> str:
    start = leading_tags_end(stream)
    if start == stream.seek(0, os.SEEK_END):
        return "cut off or damaged: it ends within its tags, before any sound; copy it from its source again"
    if has_lost_its_index(stream):
        return (
            "cut off or damaged: the index that an MP4 needs, often at its end, is not in its place; "
            "copy it from its source again"
        )
    sound = section(stream, start, stream.seek(0, os.SEEK_END))
    if (found := content(sound)) and found.missing:
        return (
            f"cut off or damaged: {found.missing} bytes that it declares are missing at its end, and nothing before "
            "them can be decoded; copy it from its source again"
        )
    if is_encrypted(sound):
        return "encrypted by the shop that sold it; give it a copy without that protection"
    stream.seek(start)
    if is_free_format(stream.read(4)):
        return "a free-format MP3, which few programs can decode; convert it to WAV with LAME"
    return "not audio that can be decoded; give it a song, for example WAV, FLAC or MP3"


def song_from_samples(samples: NDArray[np.floating], sample_rate: int, name: str) -> Song:
    """Make a song from an array `(n,)` or `(n, channels)`.

    Raises UsageError for another type or shape, UnreadableAudio where the samples are empty, silent or not finite, or
    the rate is absurd.
    """
    samples = np.asarray(samples)
    try:
        sample_rate = operator.index(sample_rate)
    except TypeError:
        raise UsageError(f"a sample rate of {sample_rate!r} is not a whole number; give it in Hz, as 44100") from None
    if not np.issubdtype(samples.dtype, np.floating):
        raise UsageError(f"samples are {samples.dtype}; give floats between -1 and 1")
    if samples.ndim not in (1, 2):
        raise UsageError(f"samples have the shape {samples.shape}; give (n,) or (n, channels)")
    if samples.ndim == 2 and not 1 <= samples.shape[1] <= MAX_CHANNELS:
        raise UsageError(
            f"samples have {samples.shape[1]} channels; give (n, channels) with 1 to {MAX_CHANNELS} channels"
        )
    rows = samples[:, None] if samples.ndim == 1 else samples
    double = samples.dtype.itemsize > 4
    sound: Samples = rows.astype(np.float64, copy=False) if double else rows.astype(np.float32, copy=False)
    _check_rate(sample_rate, name)
    song = Song(name, sound, sample_rate, "f64" if double else "f32", None)
    _check_values(song)
    return song


def _check_rate(sample_rate: int, name: str) -> None:
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise UnreadableAudio(
            f"{name}: a sample rate of {sample_rate} Hz is not supported; convert it to 8000 to 192000 Hz"
        )


def _check_channels(channels: int, name: str) -> None:
    if channels > MAX_CHANNELS:
        raise UnreadableAudio(
            f"{name}: has {channels} channels, more than {MAX_CHANNELS}; keep some or mix them down"
        )


def _check_values(song: Song) -> None:
    name = song.name
    if not len(song.samples):
        raise UnreadableAudio(f"{name}: contains no samples; give it a song that isn't empty")
    ranges = [(float(chunk.min()), float(chunk.max())) for chunk in chunks(song.samples)]
    if not np.isfinite(ranges).all():
        raise UnreadableAudio(f"{name}: some samples are infinite or NaN; export it again")
    if np.abs(ranges).max() > MAX_AMPLITUDE:
        raise UnreadableAudio(f"{name}: some samples are larger than 2^31 times full scale; export it again")
    if is_silent(song.as_heard.steps.power):
        raise UnreadableAudio(f"{name}: silent from start to end; give it a song that isn't")
