"""Where tags lie in a file of audio frames, by the sizes that they declare.

Sources: id3.org (ID3v1, ID3v2.2 to 2.4, Lyrics3 v1 and v2) and wiki.hydrogenaud.io (APEv1 and APEv2, enhanced ID3v1).
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from mutagen.id3 import BitPaddedInt

HEAD_BYTES = 32  # enough to tell a tag's size
ID3_BYTES, APE_BYTES, V1_BYTES, ENHANCED_BYTES = 10, 32, 128, 227
_APE_IS_HEADER = 1 << 29
_APE_HAS_HEADER = 1 << 31
_LYRICS_BEGIN, _LYRICS_1, _LYRICS_2 = b"LYRICSBEGIN", b"LYRICSEND", b"LYRICS200"
_MAX_LYRICS_1_BYTES, _MAX_LYRICS_2_BYTES = 5100, 10**6
_MAX_APE_BYTES = 2**24  # so that the search for a footer ends
_BLOCK_BYTES = 1 << 16
_MAX_ZEROS_OF_MP4 = 3


def tag_bytes(data: bytes, position: int) -> int:
    """Return how many bytes the tag takes that begins with its name at a position, 0 where none does.

    A damaged tag may extend past the end.
    """
    head = data[position : position + HEAD_BYTES]
    if size := _leading_bytes(head):
        return size
    if head.startswith(b"TAG"):
        return ENHANCED_BYTES if head[3:4] == b"+" else V1_BYTES
    if head.startswith(_LYRICS_BEGIN):
        return _lyrics_bytes(data, position)
    return 0


def nameless_tag_bytes(data: bytes, position: int) -> int:
    """Return the size of an APE tag that has only a footer, which says that it begins at this position; else 0."""
    at = data.find(b"APETAGEX", position, position + _MAX_APE_BYTES)
    if at < 0 or at + APE_BYTES > len(data):
        return 0
    size, _, flags = struct.unpack_from("<3I", data, at + 12)
    return size if at + APE_BYTES - size == position and not flags & _APE_HAS_HEADER else 0


def leading_tags_end(stream: BinaryIO) -> int:
    """Return where the tags at the beginning of a file end, and the zeros that some programs leave after them.

    That is the end of the file where a tag declares more than there is.
    """
    position, size = 0, 1
    while size:
        size = _leading_bytes(_read(stream, position, HEAD_BYTES)) or (position and _zeros(stream, position))
        position += size
    return min(position, stream.seek(0, os.SEEK_END))


def trailing_tags_start(stream: BinaryIO) -> int:
    """Return where the tags at the end of a file begin."""
    return min(trailing_tags(stream), default=stream.seek(0, os.SEEK_END))


def trailing_tags(stream: BinaryIO) -> Iterator[int]:
    """Yield where each tag at the end of a file begins, the last one first."""
    start = stream.seek(0, os.SEEK_END)
    while size := _trailing_bytes(stream, start):
        start -= size
        yield start


def _leading_bytes(head: bytes) -> int:
    """Return the size of the ID3v2 or APE tag that has this head, or of the bare footer of an APE tag."""
    if head.startswith(b"ID3"):
        return _id3_bytes(head)
    if head.startswith(b"APETAGEX") and len(head) == APE_BYTES:
        _, size, _, flags = struct.unpack_from("<4I", head, 8)
        return APE_BYTES + size if flags & _APE_IS_HEADER else APE_BYTES
    return 0


def _zeros(stream: BinaryIO, position: int) -> int:
    """Return how many zeros lie at a position, but 0 for a few, with which MP4 files begin."""
    start, sound = position, b""
    while not sound and (block := _read(stream, position, _BLOCK_BYTES)):
        sound = block.lstrip(b"\0")
        position += len(block) - len(sound)
    return position - start if position - start > _MAX_ZEROS_OF_MP4 else 0


def _id3_bytes(head: bytes) -> int:
    """Return the size of an ID3v2 tag by its header or footer. Seven bits of each byte of a size count."""
    size = head[6:ID3_BYTES]
    if len(head) < ID3_BYTES or 0xFF in head[3:5] or not BitPaddedInt.has_valid_padding(size):
        return 0
    has_footer = head[3] >= 4 and head[5] & 0x10
    return ID3_BYTES * (2 if has_footer else 1) + int(BitPaddedInt(size))


def _lyrics_bytes(data: bytes, position: int) -> int:
    """Return the size of a Lyrics3 tag, whose end has either a fixed mark or the size of all before it."""
    first_version = data.find(_LYRICS_1, position, position + _MAX_LYRICS_1_BYTES)
    at, last = position, position + _MAX_LYRICS_2_BYTES
    while (at := data.find(_LYRICS_2, at + 1, last)) >= 0:
        if data[at - 6 : at] == b"%06d" % (at - 6 - position):
            return at + len(_LYRICS_2) - position
    return first_version + len(_LYRICS_1) - position if first_version >= 0 else 0


def _trailing_bytes(stream: BinaryIO, end: int) -> int:
    """Return the size of the tag that ends at a position, 0 where none does or it would begin before the file."""
    tail = _read(stream, end - V1_BYTES, V1_BYTES) if end >= V1_BYTES else b""
    size = 0
    if tail.startswith(b"TAG"):
        enhanced = end - V1_BYTES - ENHANCED_BYTES
        size = V1_BYTES + (ENHANCED_BYTES if enhanced >= 0 and _read(stream, enhanced, 4) == b"TAG+" else 0)
    elif tail[-APE_BYTES:].startswith(b"APETAGEX"):
        _, ape_bytes, _, flags = struct.unpack_from("<4I", tail, V1_BYTES - APE_BYTES + 8)
        size = ape_bytes + (APE_BYTES if flags & _APE_HAS_HEADER else 0)
    elif tail[-ID3_BYTES:].startswith(b"3DI"):
        size = _id3_bytes(tail[-ID3_BYTES:])
    elif tail.endswith(_LYRICS_2) and tail[-15:-9].isdigit():
        size = int(tail[-15:-9]) + 15
    elif tail.endswith(_LYRICS_1):
        start = max(0, end - _MAX_LYRICS_1_BYTES)
        found = _read(stream, start, end - start).rfind(_LYRICS_BEGIN)
        size = end - start - found if found >= 0 else 0
    return size if size <= end else 0


def _read(stream: BinaryIO, position: int, size: int) -> bytes:
    stream.seek(position)
    return stream.read(size)
