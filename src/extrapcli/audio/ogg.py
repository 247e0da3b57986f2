"""Ogg pages: find them, check their checksums and give a stream a fixed serial number (RFC 3533)."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mutagen.ogg import OggPage

HEADER_BYTES = 27
MAGIC = b"OggS"
SOUND_MAGIC = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")
SERIAL_NUMBER = 1  # of every stream that extrap writes
_FIRST_OF_STREAM = 2
_REVERSED_BYTES = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Page(NamedTuple):
    """A page that is complete and has the right checksum.

    `samples`, Ogg's granule position, counts those of its stream to the end of the page. `begins_stream`: it is the
    first of its stream, which has the serial number `stream` and counts its pages by `number`.
    """

    start: int
    end: int
    samples: int
    begins_stream: bool
    stream: int
    number: int


class Link(NamedTuple):
    """One of the files that a chained stream is joined from, or all of an ordinary one.

    It takes the bytes from `start` to before `end`. `is_intact`: its pages follow one another; junk may follow them.
    `lacks_pages`: by their numbers, some are missing. `streams` counts those of sound that it holds at the same time.
    """

    start: int
    end: int
    pages: list[Page]
    is_intact: bool
    lacks_pages: bool
    streams: int


def pages(data: bytes) -> Iterator[Page]:
    """Find the intact pages among all that the bytes hold."""
    position = data.find(MAGIC)
    while position >= 0:
        end = _page_end(data, position)
        if end:
            kind, samples, stream, number = struct.unpack_from("<BqII", data, position + 5)
            yield Page(position, end, samples, bool(kind & _FIRST_OF_STREAM), stream, number)
        position = data.find(MAGIC, end or position + 1)


def links(data: bytes) -> list[Link]:
    """Divide an Ogg file into those it is joined from.

    All streams of a file begin before any goes on, so a stream that begins later begins another file.
    """
    chain: list[list[Page]] = []
    before = False
    for page in pages(data):
        if not chain or (page.begins_stream and not before):
            chain.append([])
        chain[-1].append(page)
        before = page.begins_stream
    starts = [0] + [link[0].start for link in chain[1:]]
    ends = [*starts[1:], len(data)]
    return [
        Link(
            start,
            end,
            link,
            _is_intact(data, link, start, end),
            _lacks_pages(link),
            sum(_begins_sound(data, page) for page in link),
        )
        for link, start, end in zip(chain, starts, ends, strict=False)
    ]


def damaged_at(link: Link) -> int:
    """Return the samples of a damaged link up to its first damage."""
    position, samples = link.start, 0
    for page in link.pages:
        if page.start != position:
            break
        position, samples = page.end, max(samples, page.samples)
    return samples


def _begins_sound(data: bytes, page: Page) -> bool:
    content = page.start + HEADER_BYTES + data[page.start + HEADER_BYTES - 1]
    return page.begins_stream and data.startswith(SOUND_MAGIC, content)


def _is_intact(data: bytes, link: list[Page], start: int, end: int) -> bool:
    follow = all(page.start == before for page, before in zip(link, [start] + [p.end for p in link], strict=False))
    return follow and data.find(MAGIC, link[-1].end, end) < 0


def _lacks_pages(link: list[Page]) -> bool:
    """Return whether the numbers of a stream's pages jump within its sound: after its head, a recording may begin."""
    last: dict[int, Page] = {}
    for page in link:
        before = last.get(page.stream)
        if before and before.samples > 0 and page.number > before.number + 1:
            return True
        last[page.stream] = page
    return False


def _page_end(data: bytes, position: int) -> int:
    """Return where the page at a position ends, 0 where it is cut off or its checksum is wrong."""
    if len(data) < position + HEADER_BYTES:
        return 0
    table = position + HEADER_BYTES
    segments = data[table - 1]
    end = table + segments + sum(data[table : table + segments])
    page = bytearray(data[position:end])
    declared = int.from_bytes(page[22:26], "little")
    page[22:26] = bytes(4)
    return end if len(page) == end - position and checksum(bytes(page)) == declared else 0


def checksum(page: bytes) -> int:
    """Return Ogg's CRC-32 of a page whose checksum field is zero.

    It has the polynomial of zlib's, but takes the most significant bit first and inverts nothing.
    """
    reversed_crc = 0xFFFFFFFF ^ zlib.crc32(page.translate(_REVERSED_BYTES), 0xFFFFFFFF)
    return int(f"{reversed_crc:032b}"[::-1], 2)


def reset_serial_number(path: Path) -> None:
    """Set the serial number, which libsndfile picks at random: the same samples must give the same bytes."""
    with path.open("r+b") as file:
        while True:
            begin = file.tell()
            try:
                page = OggPage(file)
            except EOFError:
                return
            page.serial = SERIAL_NUMBER
            file.seek(begin)
            file.write(page.write())
