"""MPEG audio as a row of frames: enough of ISO/IEC 11172-3 to find, count and index them."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

BITRATES_KBPS = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By MPEG version (2 stands for 2.5 too) and layer; index 0 is the free format, which is not supported."""

SAMPLE_RATES = {0b11: (44100, 48000, 32000), 0b10: (22050, 24000, 16000), 0b00: (11025, 12000, 8000)}
"""By the version bits of the header: MPEG 1, 2, 2.5."""

HEADER_BYTES = 4


class Header(NamedTuple):
    """The four bytes that begin a frame."""

    version: int
    layer: int
    sample_rate: int
    channels: int
    length: int

    @property
    def samples(self) -> int:
        """Samples per channel in one frame."""
        if self.layer == 1:
            return 384
        return 576 if self.layer == 3 and self.version == 2 else 1152

    @property
    def side_info_bytes(self) -> int:
        """Bytes between the header of a layer III frame and its main data."""
        if self.version == 1:
            return 17 if self.channels == 1 else 32
        return 9 if self.channels == 1 else 17


def parse_header(data: bytes, position: int = 0) -> Header | None:
    """Return the frame header at a position, or None if there is none or it is of the free format."""
    if len(data) < position + HEADER_BYTES or data[position] != 0xFF or data[position + 1] < 0xE0:
        return None
    _, kind, rates, mode = data[position : position + HEADER_BYTES]
    version_bits, layer = kind >> 3 & 3, 4 - (kind >> 1 & 3)
    bitrate_index, rate_index, padding = rates >> 4, rates >> 2 & 3, rates >> 1 & 1
    if version_bits == 1 or layer == 4 or bitrate_index in (0, 15) or rate_index == 3:
        return None
    version = 1 if version_bits == 3 else 2
    sample_rate = SAMPLE_RATES[version_bits][rate_index]
    bits_per_second = 1000 * BITRATES_KBPS[version, layer][bitrate_index]
    if layer == 1:
        length = (12 * bits_per_second // sample_rate + padding) * 4
    else:
        samples = 576 if layer == 3 and version == 2 else 1152
        length = samples // 8 * bits_per_second // sample_rate + padding
    return Header(version, layer, sample_rate, 1 if mode >> 6 == 3 else 2, length)


def frames(data: bytes, position: int = 0) -> Iterator[tuple[int, Header]]:
    """Give the position and header of each frame, past tags and junk between them.

    A frame counts if another of its kind, or the end of the data, follows where it ends.
    The last one may reach beyond the end of the data.
    """
    while position < len(data):
        header = parse_header(data, position)
        if header is None or not _goes_on(data, position, header):
            position = data.find(b"\xff", position + 1)
            if position < 0:
                return
            continue
        yield position, header
        position += header.length


def span(data: bytes) -> tuple[int, int]:
    """Return where the first frame begins and the last that adjoins another ends; two zeros without frames."""
    first = end = last_end = 0
    for position, header in frames(data):
        if not last_end:
            first, last_end = position, position + header.length
        elif position == last_end:
            end = last_end = position + header.length
        else:
            last_end = position + header.length
    # The last frame is followed by no other, and frames() passes over it where junk follows.
    last = parse_header(data, end)
    return first, end + last.length if last and end else end


def _goes_on(data: bytes, position: int, header: Header) -> bool:
    end = position + header.length
    if end + HEADER_BYTES > len(data) or data[end : end + 3] in (b"TAG", b"APE", b"LYR", b"ID3", b"\0\0\0"):
        return True
    following = parse_header(data, end)
    return following is not None and following[:3] == header[:3]


HAS_FRAMES, HAS_BYTES, HAS_TOC = 1, 2, 4


def info_frame(first: bytes, *, frames: int, size: int, delay: int, padding: int) -> bytes:
    """Make the frame that tells players how many samples an MP3 has, to go before `frames` others.

    `first` is the header of the first of those, `size` the bytes of them all and this one. `delay` and
    `padding` are the samples, up to 4095, to drop at the beginning and the end. Its length depends on the
    header alone, so it can be written first as a placeholder and again when the numbers are known.

    Layout: the Xing header with LAME's extension, http://gabriel.mp3-tech.org/mp3infotag.html.
    """
    tag = struct.pack(">4sIII", b"Xing", HAS_FRAMES | HAS_BYTES | HAS_TOC, frames, size)
    tag += bytes(percent * 256 // 100 for percent in range(100))
    tag += b"LAME3.100" + bytes(12) + (delay << 12 | padding).to_bytes(3, "big") + bytes(12)
    for bitrate_index in range(1, 15):
        header = bytes([0xFF, first[1] | 1, bitrate_index << 4 | first[2] & 0x0C, first[3]])
        parsed = parse_header(header)
        if parsed and parsed.length >= HEADER_BYTES + parsed.side_info_bytes + len(tag):
            return (header + bytes(parsed.side_info_bytes) + tag).ljust(parsed.length, b"\0")
    raise ValueError(f"{first.hex()} begins no frame of MPEG audio")
