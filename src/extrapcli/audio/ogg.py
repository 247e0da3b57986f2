"""Ogg pages: check their checksums and give a stream a fixed serial number (RFC 3533)."""

import zlib
from pathlib import Path
from typing import BinaryIO

from mutagen.ogg import OggPage

HEADER_BYTES = 27
_REVERSED_BYTES = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def pages_are_intact(stream: BinaryIO) -> bool:
    """Return whether a stream consists of complete Ogg pages with correct checksums. Junk may follow the last one."""
    stream.seek(0)
    data = stream.read()
    position = 0
    while data[position : position + 4] == b"OggS" and len(data) >= position + HEADER_BYTES:
        segments = data[position + 26]
        table = position + HEADER_BYTES
        end = table + segments + sum(data[table : table + segments])
        page = bytearray(data[position:end])
        declared = int.from_bytes(page[22:26], "little")
        page[22:26] = bytes(4)
        if len(page) != end - position or checksum(bytes(page)) != declared:
            return False
        position = end
    return position > 0 and b"OggS" not in data[position:]


def checksum(page: bytes) -> int:
    """Return Ogg's CRC-32 of a page whose checksum field is zero.

    It has the polynomial of zlib's, but takes the most significant bit first and inverts nothing.
    """
    reversed_crc = 0xFFFFFFFF ^ zlib.crc32(page.translate(_REVERSED_BYTES), 0xFFFFFFFF)
    return int(f"{reversed_crc:032b}"[::-1], 2)


def reset_serial_number(path: Path) -> None:
    """Set the serial number, which libsndfile picks at random, to 1: the same samples must give the same bytes."""
    with path.open("r+b") as file:
        while True:
            begin = file.tell()
            try:
                page = OggPage(file)
            except EOFError:
                return
            page.serial = 1
            file.seek(begin)
            file.write(page.write())
