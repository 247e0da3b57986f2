"""Short tracks without tags, in every format, for tests of tags."""

import io
import shutil
import struct
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mutagen

from extrapcli.audio.song import Tags
from extrapcli.audio.tags import read_tags, write_tags
from tests.audio.test_round_trip import bursts, write


@cache
def _sound(format: str) -> bytes:
    with TemporaryDirectory() as folder:
        return write(Path(folder) / "x", bursts(4800, 1, 48000), format, 48000, "s16").read_bytes()


def make_track(path: Path, format: str) -> Path:
    """Write a tenth of a second of sound."""
    path.write_bytes(_sound(format))
    return path


def tagged(path: Path, format: str, tags: Tags) -> Any:
    """Write a track with these tags and return what mutagen finds in it."""
    write_tags(make_track(path, format), format, tags)
    return mutagen.File(path)


def read(data: bytes | Path) -> Tags:
    return read_tags(io.BytesIO(data if isinstance(data, bytes) else data.read_bytes()))


def id3_frame(name: str, content: bytes) -> bytes:
    return name.encode() + struct.pack(">IH", len(content), 0) + content


def id3_tag(*frames: bytes) -> bytes:
    """An ID3v2.3 tag; each frame is shorter than 128 bytes, so that its size is the same in ID3v2.4."""
    size = sum(map(len, frames))
    return (
        b"ID3\x03\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127]) + b"".join(frames)
    )


def mp3(*frames: bytes) -> bytes:
    """An MP3 with these frames."""
    return id3_tag(*frames) + _sound("mp3")


def copy(source: Path, target: Path) -> Path:
    return Path(shutil.copyfile(source, target))
