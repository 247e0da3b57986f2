"""The length that a file declares. Decoders return what is left of a truncated file without complaint."""

import struct
from typing import BinaryIO, NamedTuple

from extrapcli.audio import ogg
from extrapcli.audio.mpeg import FrameHeader, declared_frames, iter_frames, looks_like_mpeg

STREAMED_BYTES = 0x7FFF0000
"""Chunk sizes from here on are placeholders, left by programs that wrote to a pipe and didn't know the size."""


class DeclaredLength(NamedTuple):
    """`samples` per channel that the file declares but doesn't hold, else 0; whether its data ends mid-frame."""

    samples: int = 0
    cut_off: bool = False


def declared_length(stream: BinaryIO) -> DeclaredLength:
    """Compare the length that a WAV, AIFF, Ogg or MPEG audio file declares with the data it holds."""
    stream.seek(0)
    magic = stream.read(4)
    if magic in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
        return _declared_by_chunks(stream, "<" if magic in (b"RIFF", b"RF64") else ">")
    if magic == b"OggS":
        return DeclaredLength(cut_off=not ogg.pages_are_intact(stream))
    return _declared_by_mpeg(stream) if looks_like_mpeg(stream) else DeclaredLength()


def _declared_by_chunks(stream: BinaryIO, byte_order: str) -> DeclaredLength:
    file_bytes = stream.seek(0, 2)
    position, ds64_bytes = 12, 0
    bytes_per_second = sample_rate = aiff_samples = 0
    while position + 8 <= file_bytes:
        stream.seek(position)
        chunk, size = struct.unpack(byte_order + "4sI", stream.read(8))
        content = stream.read(24)
        if chunk == b"ds64" and len(content) >= 16:
            (ds64_bytes,) = struct.unpack_from("<Q", content, 8)
        elif chunk == b"fmt " and len(content) >= 12:
            sample_rate, bytes_per_second = struct.unpack_from(byte_order + "II", content, 4)
        elif chunk == b"COMM" and len(content) >= 6:
            (aiff_samples,) = struct.unpack_from(">I", content, 2)
        elif chunk in (b"data", b"SSND"):
            declared_bytes = ds64_bytes if size == 0xFFFFFFFF and ds64_bytes else size
            missing = position + 8 + declared_bytes - file_bytes
            if missing <= 0 or (size >= STREAMED_BYTES and not ds64_bytes):
                return DeclaredLength()
            return DeclaredLength(aiff_samples or declared_bytes * sample_rate // max(bytes_per_second, 1))
        position += 8 + size + size % 2
    return DeclaredLength()


def _declared_by_mpeg(stream: BinaryIO) -> DeclaredLength:
    stream.seek(0)
    data = stream.read()
    declared = complete = end = 0
    cut_off = False
    first: FrameHeader | None = None
    for position, header in iter_frames(data):
        if first is None:
            first = header
            declared = declared_frames(data, position, header)
            complete = -1 if declared else 0  # the frame that declares the count isn't part of it
        if position + header.length <= len(data):
            complete += 1
            end = position + header.length
        else:
            cut_off = position == end
    if first is None:
        return DeclaredLength()
    missing = declared - complete
    # Some encoders do count that frame, so one missing frame proves nothing.
    return DeclaredLength(declared * first.samples if missing > 1 else 0, cut_off and (missing > 0 or not declared))
