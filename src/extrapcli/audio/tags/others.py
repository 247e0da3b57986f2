"""Tags of formats that extrap only reads: APEv2, Windows Media, and all that FFmpeg knows."""

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import av
import mutagen.apev2
from av.stream import Disposition

from extrapcli.audio.song import Picture
from extrapcli.audio.streams import open_with_ffmpeg
from extrapcli.audio.tags import riff
from extrapcli.audio.tags.pictures import from_asf, picture
from extrapcli.audio.tags.text import decode

STARS_BY_WINDOWS = (1, 13, 38, 63, 87)  # the least of WM/SharedUserRating for 1 to 5 stars: 1, 25, 50, 75, 99
_APE_COVERS = {"cover art (front)": 3, "cover art (back)": 4}
_READ_BY_MUTAGEN = ("mp3", "flac", "ogg", "mov")


class Metadata(NamedTuple):
    """What FFmpeg reads. `odd` are the names of text that is not UTF-8."""

    pairs: list[tuple[str, str]]
    odd: set[str]
    pictures: list[Picture]
    chapters: int


def ape_pairs(tags: Any) -> Iterator[tuple[str, str]]:
    """Yield name and value of each text in an APEv2 tag."""
    for name, value in tags.items():
        if value.kind == mutagen.apev2.TEXT:
            yield from ((name, text) for text in value)
        elif value.kind == mutagen.apev2.EXTERNAL:
            yield name, str(value)


def ape_pictures(tags: Any) -> Iterator[Picture]:
    """Yield the covers in an APEv2 tag: each is a file's name, NUL, and its content."""
    for name, value in tags.items():
        if name.lower() in _APE_COVERS and value.kind == mutagen.apev2.BINARY:
            yield picture(value.value.partition(b"\0")[2], "", _APE_COVERS[name.lower()])


def asf_pairs(tags: Any) -> Iterator[tuple[str, str]]:
    """Yield name and value of each text, number and flag of Windows Media."""
    for name, attribute in tags:
        value = attribute.value
        if name == "WM/SharedUserRating" and isinstance(value, int):
            value = 20 * sum(value >= least for least in STARS_BY_WINDOWS)
        if isinstance(value, bool):
            value = int(value)
        if not isinstance(value, bytes):
            yield name, str(value)


def asf_pictures(tags: Any) -> Iterator[Picture]:
    """Yield the pictures of Windows Media."""
    for name, attribute in tags:
        if name == "WM/Picture" and isinstance(attribute.value, bytes):
            yield from from_asf(attribute.value)


def read_with_ffmpeg(source: BinaryIO) -> Metadata | None:
    """Read the metadata of the container and of its first audio stream; return None where FFmpeg knows neither."""
    container = open_with_ffmpeg(source, metadata_errors="surrogateescape")
    if container is None:
        return None
    with container:
        kind = container.format.name.split(",")[0]
        found: dict[str, str] = {}
        for metadata in (container.metadata, *(stream.metadata for stream in container.streams.audio[:1])):
            found |= metadata
        names = {name: riff.NAMES.get(name, name) if kind in ("wav", "avi") else name for name in found}
        raw = {names[name]: value.encode("utf-8", "surrogateescape") for name, value in found.items()}
        odd = {names[name] for name, value in found.items() if any("\udc80" <= c <= "\udcff" for c in value)}
        pairs = [(name, decode(value)) for name, value in raw.items() if not name.startswith("id3v2_priv.")]
        pairs = [pair for pair in pairs if pair != ("language", "und")]
        pictures = [] if kind in _READ_BY_MUTAGEN else list(_attached(container))
        return Metadata(pairs, odd, pictures, len(container.chapters()))


def _attached(container: Any) -> Iterator[Picture]:
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            try:
                yield picture(bytes(next(container.demux(stream))))
            except (av.FFmpegError, StopIteration):
                continue
