"""Mutations of containers: their chunks, pages and frames, and the tags around them, in places where they may not be.

A file is divided into pieces by its own format. What comes out mostly has correct sizes and checksums, so that it
gets past the libraries' first look.
"""

import re
import struct
from collections.abc import Callable
from itertools import pairwise
from random import Random

from mutagen.id3 import BitPaddedInt

from extrapcli.audio import ogg
from tests.fuzz.mutate import NUMBERS, Mutation, mutate_bytes, overwrite, with_checksums

FRAME = bytes.fromhex("fffb9064") + bytes(413)
BLOCK_BYTES = 512


def mutate_container(data: bytes, other: bytes, rng: Random) -> bytes:
    """Delete, repeat, exchange or replace pieces, put tags or pieces of another file between them, or join files."""
    if rng.random() < 0.15:
        return data + _tag(rng) * rng.choice((0, 1, 2)) + other
    pieces, others = _pieces(data), _pieces(other)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = int(len(pieces) * rng.random())
        end = at + 1 + int(rng.random() ** 4 * (len(pieces) - at))
        match rng.randrange(8):
            case 0:
                pieces.insert(rng.choice((0, at, len(pieces))), _tag(rng))
            case 1:
                del pieces[at:end]
            case 2:
                pieces[at:end] *= 2
            case 3:
                pieces.insert(int(len(pieces) * rng.random()), pieces.pop(at))
            case 4:
                pieces[at:end] = [bytes([rng.choice((0, 0xFF))]) * len(piece) for piece in pieces[at:end]]
            case 5:
                pieces.insert(at, rng.choice(others))
            case 6:
                del pieces[at:]
            case 7:
                pieces[at] = mutate_bytes(pieces[at], rng.choice(others), rng)
        if not pieces:
            return data
    return _with_sizes(b"".join(pieces), rng)


def mutate_song(data: bytes, other: bytes, rng: Random) -> bytes:
    """Change bytes, pieces of the container, or both, and mostly correct the checksums of Ogg pages."""
    mutations: list[Mutation] = rng.choice(([mutate_bytes], [mutate_container], [mutate_container, mutate_bytes]))
    for mutate in mutations:
        data = mutate(data, other, rng)
    return with_checksums(data) if data[:4] == ogg.MAGIC and rng.random() < 0.8 else data


def _tag(rng: Random) -> bytes:
    """Make a tag with content that looks like MPEG frames; its size is sometimes wrong."""
    content = FRAME * rng.randrange(6) + rng.randbytes(rng.choice((0, 3, 200)))
    size = rng.choice((len(content), len(content), len(content), rng.choice(NUMBERS) % 2**28))
    padded = BitPaddedInt.to_str(size, width=4)
    ape = struct.pack("<IIII8x", 2000, (size + 32) % 2**32, 1, 1 << 31)
    match rng.randrange(7):
        case 0 | 1:
            return b"ID3" + bytes([rng.choice((2, 3, 4)), 0, 0]) + padded + content
        case 2:
            return b"ID3\x04\0\x10" + padded + content + b"3DI\x04\0\x10" + padded
        case 3:
            return b"APETAGEX" + ape[:15] + b"\xa0" + ape[16:] + content + b"APETAGEX" + ape
        case 4:
            return content + b"APETAGEX" + ape[:12] + bytes(4) + ape[16:]
        case 5:
            return b"LYRICSBEGIN" + content + b"%06dLYRICS200" % ((size + 11) % 10**6)
        case _:
            return b"TAG" + bytes(125)


def _pieces(data: bytes) -> list[bytes]:
    """Divide a file where its format does; every byte is in one piece."""
    dividers: dict[bytes, Callable[[bytes], list[int]]] = {
        b"RIFF": lambda data: _chunk_starts(data, "<"),
        b"RF64": lambda data: _chunk_starts(data, "<"),
        b"FORM": lambda data: _chunk_starts(data, ">"),
        ogg.MAGIC: lambda data: [found.start() for found in re.finditer(ogg.MAGIC, data)],
    }
    if data[4:8] == b"ftyp":
        starts = _box_starts(data)
    elif data[:4] in dividers:
        starts = dividers[data[:4]](data)
    elif data[:3] == b"ID3" or (data[:1] == b"\xff" and data[1:2] >= b"\xe0"):
        starts = [found.start() for found in re.finditer(rb"\xff[\xe2-\xff][\x10-\xef]|ID3|TAG|APETAGEX", data)]
    else:
        starts = list(range(0, len(data), BLOCK_BYTES))
    edges = sorted({0, *starts, len(data)})
    return [data[start:end] for start, end in pairwise(edges)] or [data]


def _chunk_starts(data: bytes, byte_order: str) -> list[int]:
    position, starts = 12, []
    while position + 8 <= len(data):
        starts.append(position)
        (size,) = struct.unpack_from(byte_order + "I", data, position + 4)
        position += 8 + size + size % 2
    return starts


def _box_starts(data: bytes) -> list[int]:
    position, starts = 0, []
    while position + 8 <= len(data):
        starts.append(position)
        (size,) = struct.unpack_from(">I", data, position)
        position += max(8, size)
    return starts


def _with_sizes(data: bytes, rng: Random) -> bytes:
    """Correct the size of a RIFF file, or give one of its chunks or a FLAC file a size that is left open."""
    if data[:4] == b"RIFF" and rng.random() < 0.7:
        data = overwrite(data, 4, struct.pack("<I", (len(data) - 8) % 2**32))
    if data[:4] in (b"RIFF", b"RF64", b"FORM") and rng.random() < 0.3:
        at = data.find(b"SSND" if data[:4] == b"FORM" else b"data")
        data = overwrite(data, at + 4, rng.choice((bytes(4), b"\xff" * 4, b"\xff\xff\xff\x7f"))) if at > 0 else data
    if data[:4] == b"fLaC" and rng.random() < 0.3:
        data = overwrite(data, 22, bytes(4))
    return data
