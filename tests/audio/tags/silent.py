"""Short tracks without tags, in every format, for tests of tags."""

import io
import struct
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mutagen
import mutagen.id3
from mutagen.id3 import BitPaddedInt, Frames

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
    size = BitPaddedInt.to_str(sum(map(len, frames)), width=4)
    return b"ID3\x03\0\0" + size + b"".join(frames)


def mp3(*frames: bytes) -> bytes:
    """An MP3 with these frames."""
    return id3_tag(*frames) + _sound("mp3")


SAMPLES: dict[str, dict[str, Any]] = {
    "APIC": {"encoding": 3, "mime": "image/png", "type": 4, "desc": "über", "data": b"\x89PNG\r\n\x1a\n"},
    "ASPI": {"S": 0, "L": 10, "N": 2, "b": 8, "Fi": [1, 2]},
    "LINK": {"frameid": "TIT2", "url": "http://example.org", "data": b""},
    "POPM": {"email": "me@example.org", "rating": 196, "count": 7},
    "COMM": {"encoding": 3, "lang": "deu", "desc": "über", "text": ["Text"]},
    "USLT": {"encoding": 1, "lang": "eng", "desc": "", "text": "La la"},
    "SYLT": {"encoding": 3, "lang": "eng", "format": 2, "type": 1, "desc": "", "text": [("La", 100), ("la", 900)]},
    "TDRC": {"encoding": 0, "text": ["1999-12-31"]},
    "TRCK": {"encoding": 0, "text": ["3/9"]},
}  # fmt: skip


def sample(name: str) -> Any:
    """An ID3 frame of this name."""
    frame = Frames[name]
    if name in SAMPLES:
        return frame(**SAMPLES[name])
    if issubclass(frame, mutagen.id3.TimeStampTextFrame):
        return frame(encoding=3, text=["2001-02-03"])
    if issubclass(frame, mutagen.id3.PairedTextFrame):
        return frame(encoding=3, people=[["piano", "Ann"], ["producer", "Bob"]])
    if issubclass(frame, mutagen.id3.TextFrame):
        return frame(encoding=1, text=["One", "Zwölf 愛"]) if name != "TXXX" else frame(3, "A Name", ["One", "Two"])
    if issubclass(frame, mutagen.id3.UrlFrame) and name != "WXXX":
        return frame(url="http://example.org/ä")
    values = {"desc": "about", "owner": "http://example.org", "data": b"\x00\x01data", "url": "http://example.org"}
    names = {spec.name for spec in frame._framespec}
    return frame(**{key: value for key, value in values.items() if key in names})
