"""Chunks of containers: whether a file holds all the bytes of sound that it declares.

Decoders return what is left of a truncated file without complaint. Only declared sizes count here: programs that
write to a pipe leave sizes open, and nothing can be missing of those.
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

PLACEHOLDERS, PLACEHOLDER_BYTES = (0x7F000000, 0x7FFF0000, 0x80000000, 0xFFFF0000), 0x10000
"""Where the ranges of 32-bit sizes begin that programs leave when they write to a pipe and don't know the size."""

LARGEST = 2**62
"""Sizes of 64 bits from here on are placeholders, too."""

W64_MAGIC, W64_DATA = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", b"data\xf3\xac\xd3\x11"
W64_OPEN_SIZE = (2**62).to_bytes(8, "little")
ASF_MAGIC, ASF_DATA = bytes.fromhex("3026b2758e66cf11"), bytes.fromhex("3626b2758e66cf11")
EBML_MAGIC, EBML_SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
AU_MAGIC, AU_DATA_OFFSET, AU_SIZE = b".snd", 4, 8
MPEG_AUDIO_IN_WAV = (b"\x50\0", b"\x55\0")
WAVE_FORMAT_EXTENSIBLE = b"\xfe\xff"
"""Format codes in a WAV's `fmt ` chunk: of MPEG audio, layers II and III, and of one that has its code further on."""


class Chunk(NamedTuple):
    """A chunk's name, where its content begins, and its size; None where the size is left open."""

    name: bytes
    start: int
    size: int | None


class Content(NamedTuple):
    """The bytes of sound in a file, from `start` to before `end`, and how many more than these are declared.

    `is_open`: the file doesn't say how many there are.
    """

    start: int
    end: int
    missing: int
    is_open: bool


def content(stream: BinaryIO) -> Content | None:
    """Find the sound by the chunks of WAV, W64, AIFF, AVI, CAF, AU, MP4, Matroska and ASF files; None without any.

    In MP4, where the sound may be in several chunks, it is what lies in the last one.
    """
    file_bytes = stream.seek(0, os.SEEK_END)
    found = None
    for name, start, size in chunks(stream):
        if name in (b"data", b"SSND", b"BODY", b"movi", b"mdat", W64_DATA, ASF_DATA, EBML_SEGMENT):
            end = file_bytes if size is None else min(start + size, file_bytes)
            missing = 0 if size is None else max(0, start + size - file_bytes)
            found = Content(start, end, missing, size is None)
            if name != b"mdat":
                break
    return found


def mpeg_audio_in_wav(stream: BinaryIO) -> Content | None:
    """Return where MPEG audio lies in a WAV, or another RIFF file, that is made for it; None for all others."""
    form = _wave_format(stream)
    code = form[24:26] if form.startswith(WAVE_FORMAT_EXTENSIBLE) else form[:2]
    if code not in MPEG_AUDIO_IN_WAV and _read(stream, 8, 4) != b"RMP3":
        return None
    file_bytes = stream.seek(0, os.SEEK_END)
    return content(stream) or Content(file_bytes, file_bytes, 0, is_open=False)


def wave_mask(stream: BinaryIO) -> int:
    """Return the channel mask that a WAV declares, 0 where it has none."""
    form = _wave_format(stream)
    return int.from_bytes(form[20:24], "little") if form.startswith(WAVE_FORMAT_EXTENSIBLE) else 0


def _wave_format(stream: BinaryIO) -> bytes:
    """Return the beginning of a WAV's `fmt ` chunk, nothing where it has none."""
    return next((_read(stream, chunk.start, 26) for chunk in chunks(stream) if chunk.name == b"fmt "), b"")


def has_lost_its_index(stream: BinaryIO) -> bool:
    """Return whether an MP4 file lacks the index, often at its end, without which nothing in it can be found."""
    if _read(stream, 4, 4) != b"ftyp":
        return False
    file_bytes = stream.seek(0, os.SEEK_END)
    return all(name != b"moov" or start + (size or 0) > file_bytes for name, start, size in chunks(stream))


def is_fragmented(stream: BinaryIO) -> bool:
    """Return whether an MP4 file has its index in pieces, so that the length at its beginning is an estimate."""
    return _read(stream, 4, 4) in (b"ftyp", b"styp") and any(chunk.name == b"moof" for chunk in chunks(stream))


def readable_sizes(stream: BinaryIO) -> dict[int, bytes]:
    """Return bytes to replace, by their position, where libraries don't know that a size is left open."""
    head = _read(stream, 0, 12)
    if head.startswith(AU_MAGIC):
        return {AU_SIZE: b"\xff" * 4} if any(chunk.size is None for chunk in chunks(stream)) else {}
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:] == b"WAVE":
        for name, start, size in chunks(stream):
            if name == b"data" and size is None:
                return {0: b"RIFF" + b"\xff" * 4, start - 4: b"\xff" * 4}
    if _read(stream, 0, 16) == W64_MAGIC:
        for name, start, size in chunks(stream):
            if name == W64_DATA and size is None:
                return {16: W64_OPEN_SIZE, start - 8: W64_OPEN_SIZE}
    return {}


def chunks(stream: BinaryIO) -> Iterator[Chunk]:
    """Find the chunks, boxes or elements of a file at the outermost level; none in formats without them."""
    head = _read(stream, 0, 16)
    match head[:4]:
        case b"RIFF" | b"RF64" | b"BW64":
            return riff_chunks(stream)
        case b"RIFX" | b"FORM":
            return riff_chunks(stream, ">")
        case b"caff":
            return _caf_chunks(stream)
        case _ if head.startswith(AU_MAGIC):
            start, size = struct.unpack_from(">2I", head, AU_DATA_OFFSET) if len(head) >= 12 else (0, 0)
            return iter([Chunk(b"data", start, _known(size))])
        case _ if head == W64_MAGIC:
            return _guid_chunks(stream, position=40, alignment=8)
        case _ if head.startswith(ASF_MAGIC):
            return _guid_chunks(stream, position=0, alignment=1)
        case _ if head.startswith(EBML_MAGIC):
            return _ebml_elements(stream)
        case _ if head[4:8] in (b"ftyp", b"styp", b"moov", b"mdat"):
            return _mp4_boxes(stream)
        case _:
            return iter(())


def _known(size: int) -> int | None:
    """Return a size of 32 bits, None where it is a placeholder."""
    is_placeholder = any(first <= size < first + PLACEHOLDER_BYTES for first in PLACEHOLDERS)
    return None if size == 0 or is_placeholder else size


def riff_chunks(stream: BinaryIO, byte_order: str = "<", position: int = 12) -> Iterator[Chunk]:
    """Yield the chunks of WAV, AIFF and AVI from a position on, up to what has no name.

    64-bit WAVs have the size of the sound in ds64 (EBU Tech 3306).
    """
    data_bytes = 0
    while len(head := _read(stream, position, 12)) >= 8:
        name, size = struct.unpack_from(byte_order + "4sI", head)
        if not all(0x20 <= byte < 0x7F for byte in name):
            return
        start = position + 8
        if name == b"ds64":
            (data_bytes,) = struct.unpack("<Q", _read(stream, start + 8, 8).ljust(8, b"\0"))
        elif name == b"LIST" and head[8:] == b"movi":
            name = b"movi"
        if name == b"data" and size == 0xFFFFFFFF and 0 < data_bytes < LARGEST:
            size = data_bytes
            yield Chunk(name, start, size)
        else:
            yield Chunk(name, start, _known(size))
        position = start + size + size % 2


def _caf_chunks(stream: BinaryIO) -> Iterator[Chunk]:
    position = 8
    while len(head := _read(stream, position, 12)) == 12:
        name, size = struct.unpack(">4sq", head)
        is_open = not 0 <= size < LARGEST
        yield Chunk(name, position + 12, None if is_open else size)
        if is_open:
            return
        position += 12 + size


def _guid_chunks(stream: BinaryIO, *, position: int, alignment: int) -> Iterator[Chunk]:
    """Yield the chunks of W64 and ASF, named by the first half of a GUID; sizes include the 24 bytes before them."""
    while len(head := _read(stream, position, 24)) == 24:
        name, size = struct.unpack("<8s8xQ", head)
        is_open = size <= 24 or size >= LARGEST
        yield Chunk(name, position + 24, None if is_open else size - 24)
        if is_open:
            return
        position += -(-size // alignment) * alignment


def _mp4_boxes(stream: BinaryIO) -> Iterator[Chunk]:
    position = 0
    while len(head := _read(stream, position, 16)) >= 8:
        size, name = struct.unpack_from(">I4s", head)
        header = 8
        if size == 1 and len(head) == 16:
            header, size = 16, int.from_bytes(head[8:], "big")
        yield Chunk(name, position + header, size - header if size >= header else None)
        if size < header:
            return
        position += size


def _ebml_elements(stream: BinaryIO) -> Iterator[Chunk]:
    """Yield the EBML header and the segment of a Matroska file (RFC 8794, 4 and 5)."""
    position = 0
    while head := _read(stream, position, 12):
        id_bytes = 9 - head[0].bit_length()
        size_bytes = 9 - head[id_bytes].bit_length() if id_bytes < len(head) else 9
        start = id_bytes + size_bytes
        if id_bytes > 4 or size_bytes > 8 or start > len(head):
            return
        bits = 7 * size_bytes
        size = int.from_bytes(head[id_bytes:start], "big") & (1 << bits) - 1
        is_open = size == (1 << bits) - 1
        yield Chunk(head[:id_bytes], position + start, None if is_open else size)
        if is_open:
            return
        position += start + size


def _read(stream: BinaryIO, position: int, size: int) -> bytes:
    try:
        stream.seek(position)
    except (OSError, OverflowError, ValueError):  # a position that no file has
        return b""
    return stream.read(size)
