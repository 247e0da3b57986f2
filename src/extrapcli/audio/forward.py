"""Encode a track into a pipe as it is made: whatever is written is final.

The header comes from a finished file with the same tags and next to no sound, and takes the place of the encoder's.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple

import numpy as np
from mutagen.ogg import OggPage

from extrapcli.audio import ogg
from extrapcli.audio.clipping import Clip
from extrapcli.audio.encode import ENCODER_ERRORS, TrackWriter, encode, open_track, os_error
from extrapcli.audio.song import Song, Tags
from extrapcli.audio.stream_headers import flac_header, flac_header_bytes, wav_ends, wav_sound_bytes
from extrapcli.audio.tags import write_tags

STREAMED = ("wav", "flac", "ogg", "opus", "mp3")
"""The formats that can be written into a pipe. MP4 can't: its index lists all of the sound."""

_HEADER_PACKETS = {"ogg": 3, "opus": 2}  # Vorbis I, 4.2; RFC 7845, 3
_ENDLESS_WAV_TAGS = "its tags were left out: a WAV without end has no place for them"

Filter = Callable[[bytes], bytes]
"""Takes the next bytes that an encoder makes, and returns those to pass on."""


class _Around(NamedTuple):
    """What a stream has before and after the encoder's sound, the filter that leaves only that, and notes on tags."""

    header: bytes
    sound: Filter
    trailer: bytes
    notes: list[str]


@contextmanager
def stream_track(
    sink: BinaryIO, song: Song, tags: Tags, *, format: str, expected_samples: int | None, clip: Clip = "clamp"
) -> Iterator[TrackWriter]:
    """Encode a track that sounds like a song into a buffered stream, such as a pipe, as it is written.

    The sound is that of `open_track`, in one of the formats `STREAMED`. The header with the tags is written at once,
    and all that the encoder has made of a block after each block. `expected_samples` per channel must follow, None
    for a track without end. WAV, Ogg and Opus are byte for byte the finished file, but a float WAV has no peak.
    What only the end would tell is left open: in FLAC the checksum, in MP3 the number of bytes, and all lengths of a
    track without end.

    Raises OSError, from the encoder; and whatever the sink raises, out of `write` or at the end.
    """
    try:
        around = _around(song, tags, format, expected_samples)
        sink.write(around.header)
        sink.flush()
        target = _Appended(sink, around.sound)
        with encode(target, song, format=format, expected_samples=expected_samples, clip=clip) as track:
            track.notes += around.notes
            yield track
        sink.write(around.trailer)
        sink.flush()
    except ENCODER_ERRORS as error:
        raise os_error(error) from None


class _Appended:
    """A file that passes on what is appended, through a filter, and ignores what is written at earlier positions.

    Libraries that call it from C print errors and go on, so errors wait for the next `flush`.
    """

    def __init__(self, sink: BinaryIO, sound: Filter) -> None:
        self._sink, self._filter = sink, sound
        self._position, self._end = 0, 0
        self._error: BaseException | None = None

    def write(self, data: bytes, /) -> int:
        new = data[max(0, self._end - self._position) :]
        self._position += len(data)
        self._end = max(self._end, self._position)
        if new:
            self._attempt(lambda: self._sink.write(self._filter(new)))
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._position = offset + (0, self._position, self._end)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        self._attempt(self._sink.flush)
        if self._error:
            raise self._error

    def _attempt(self, action: Callable[[], object]) -> None:
        if not self._error:
            try:
                action()
            except BaseException as error:  # also of Ctrl+C, which may come at any moment
                self._error = error


class _AfterMetadata:
    """Drops the metadata of FLAC."""

    def __init__(self) -> None:
        self._begin, self._is_over = b"", False

    def __call__(self, data: bytes) -> bytes:
        if self._is_over:
            return data
        self._begin += data
        size = flac_header_bytes(self._begin)
        self._is_over = size > 0
        return self._begin[size:] if size else b""


class _AfterPages:
    """Drops the pages of Ogg up to the last of so many packets, and numbers the others from `number` on."""

    def __init__(self, packets: int, number: int) -> None:
        self._packets, self._number, self._begin = packets, number, b""

    def __call__(self, data: bytes) -> bytes:
        self._begin += data
        passed = b""
        while found := next(ogg.pages(self._begin), None):
            page = OggPage(io.BytesIO(self._begin[: found.end]))
            self._begin = self._begin[found.end :]
            if self._packets:
                self._packets -= _packets_ended(page)
            else:
                page.serial, page.sequence = ogg.SERIAL_NUMBER, self._number
                self._number += 1
                passed += page.write()
        return passed


def _around(song: Song, tags: Tags, format: str, samples: int | None) -> _Around:
    with TemporaryDirectory(prefix="extrap-") as folder:
        path = Path(folder) / "header"
        with open_track(path, song, format=format, expected_samples=samples or 0) as track:
            track.write(np.zeros((0 if format == "wav" else 1, song.channels), np.float32))
        bare = path.read_bytes()
        if format != "wav":
            notes = write_tags(path, format, tags)
        elif samples is not None:
            notes = write_tags(path, format, tags, more_bytes=wav_sound_bytes(bare, samples))
        else:
            notes = [*tags.notes, *([_ENDLESS_WAV_TAGS] if tags.text or tags.pictures or tags.native else [])]
        file = path.read_bytes()
    match format:
        case "wav":
            header, trailer = wav_ends(file, samples)
            return _Around(header, _all, trailer, notes)
        case "flac":
            return _Around(flac_header(file, samples), _AfterMetadata(), b"", notes)
        case "mp3":
            return _Around(file[: len(file) - len(bare)], _all, b"", notes)
        case _:
            header, pages = _ogg_header(file, _HEADER_PACKETS[format])
            return _Around(header, _AfterPages(_HEADER_PACKETS[format], pages), b"", notes)


def _all(data: bytes) -> bytes:
    return data


def _ogg_header(file: bytes, packets: int) -> tuple[bytes, int]:
    """Return the pages with the first packets of an Ogg file, and how many pages these are."""
    stream, pages = io.BytesIO(file), 0
    while packets > 0:
        packets -= _packets_ended(OggPage(stream))
        pages += 1
    return file[: stream.tell()], pages


def _packets_ended(page: OggPage) -> int:
    return len(page.packets) - (not page.complete)
