"""What a file says about its own length, where decoders quietly give what is left of a cut file."""

import io
import struct
import zlib
from typing import BinaryIO, NamedTuple

from extrapcli.audio.mpeg import HEADER_BYTES, Header, frames, span

STREAMED_BYTES = 0x7FFF0000
"""From this size on, a 32-bit chunk size comes from a program that wrote to a pipe and could not know it."""

OGG_HEADER_BYTES = 27
REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class DeclaredLength(NamedTuple):
    """`samples` per channel that ought to be there, 0 if unsaid or met; whether the data ends within a unit."""

    samples: int = 0
    cut_off: bool = False


def starts_like_mpeg(stream: BinaryIO) -> bool:
    """Whether the first bytes are an ID3 tag or the sync word of MPEG audio."""
    stream.seek(0)
    start = stream.read(3)
    return start == b"ID3" or (start[:1] == b"\xff" and start[1:2] >= b"\xe0")


def without_junk(stream: BinaryIO) -> BinaryIO:
    """Return MPEG audio without what lies before and behind its frames, other streams as they are."""
    stream.seek(0)
    data = stream.read()
    first, end = span(data)
    return io.BytesIO(data[first:end]) if end else stream


def declared_length(stream: BinaryIO) -> DeclaredLength:
    """Compare what WAV, AIFF, Ogg and MP3 files say of their length with how long they are."""
    stream.seek(0)
    magic = stream.read(4)
    if magic in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
        return _declared_by_chunks(stream, "<" if magic in (b"RIFF", b"RF64") else ">")
    if magic == b"OggS":
        return DeclaredLength(cut_off=not ogg_is_intact(stream))
    return _declared_by_mpeg(stream) if starts_like_mpeg(stream) else DeclaredLength()


def _declared_by_chunks(stream: BinaryIO, byte_order: str) -> DeclaredLength:
    file_bytes = stream.seek(0, 2)
    position, long_bytes = 12, 0
    bytes_per_second = sample_rate = aiff_samples = 0
    while position + 8 <= file_bytes:
        stream.seek(position)
        chunk, size = struct.unpack(byte_order + "4sI", stream.read(8))
        head = stream.read(24)
        if chunk == b"ds64" and len(head) >= 16:
            (long_bytes,) = struct.unpack_from("<Q", head, 8)
        elif chunk == b"fmt " and len(head) >= 12:
            sample_rate, bytes_per_second = struct.unpack_from(byte_order + "II", head, 4)
        elif chunk == b"COMM" and len(head) >= 6:
            (aiff_samples,) = struct.unpack_from(">I", head, 2)
        elif chunk in (b"data", b"SSND"):
            wanted = long_bytes if size == 0xFFFFFFFF and long_bytes else size
            missing = position + 8 + wanted - file_bytes
            if missing <= 0 or (size >= STREAMED_BYTES and not long_bytes):
                return DeclaredLength()
            return DeclaredLength(aiff_samples or wanted * sample_rate // max(bytes_per_second, 1))
        position += 8 + size + size % 2
    return DeclaredLength()


def ogg_is_intact(stream: BinaryIO) -> bool:
    """Whether a file is a row of whole Ogg pages, each with the checksum that it declares; junk may follow."""
    stream.seek(0)
    data = stream.read()
    position = 0
    while data[position : position + 4] == b"OggS" and len(data) >= position + OGG_HEADER_BYTES:
        segments = data[position + 26]
        table = position + OGG_HEADER_BYTES
        end = table + segments + sum(data[table : table + segments])
        page = bytearray(data[position:end])
        declared = int.from_bytes(page[22:26], "little")
        page[22:26] = bytes(4)
        if len(page) != end - position or _ogg_checksum(page) != declared:
            return False
        position = end
    return position > 0 and b"OggS" not in data[position:]


def _ogg_checksum(page: bytearray) -> int:
    """Ogg's CRC-32 is that of zlib with all bits in reverse and nothing inverted."""
    reverse = 0xFFFFFFFF ^ zlib.crc32(page.translate(REVERSED_BITS), 0xFFFFFFFF)
    return int(f"{reverse:032b}"[::-1], 2)


def _declared_by_mpeg(stream: BinaryIO) -> DeclaredLength:
    stream.seek(0)
    data = stream.read()
    declared = whole = end = 0
    cut_off = False
    first: Header | None = None
    for position, header in frames(data):
        if first is None:
            first = header
            declared = _declared_frames(data, position, header)
            whole = -1 if declared else 0
        if position + header.length <= len(data):
            whole += 1
            end = position + header.length
        else:
            cut_off = position == end
    if first is None:
        return DeclaredLength()
    missing = declared - whole
    # Some encoders count the frame that carries the count.
    return DeclaredLength(declared * first.samples if missing > 1 else 0, cut_off and (missing > 0 or not declared))


def _declared_frames(data: bytes, position: int, header: Header) -> int:
    """How many frames a Xing, Info or VBRI tag in the first frame announces, 0 without one."""
    xing = position + HEADER_BYTES + header.side_info_bytes
    vbri = position + HEADER_BYTES + 32
    if data[xing : xing + 4] in (b"Xing", b"Info") and len(data) >= xing + 12 and data[xing + 7] & 1:
        return int.from_bytes(data[xing + 8 : xing + 12], "big")
    if data[vbri : vbri + 4] == b"VBRI" and len(data) >= vbri + 18:
        return int.from_bytes(data[vbri + 14 : vbri + 18], "big")
    return 0
