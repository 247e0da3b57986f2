"""MPEG audio frames: their headers, and the index in the first one (the part of ISO/IEC 11172-3 needed for that)."""

import struct
from typing import BinaryIO, NamedTuple

BITRATES_KBPS = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By MPEG version (2 includes 2.5) and layer. Index 0 is the free format, which isn't supported."""

SAMPLE_RATES = {0b11: (44100, 48000, 32000), 0b10: (22050, 24000, 16000), 0b00: (11025, 12000, 8000)}
"""In Hz, by the version bits of the header: MPEG 1, 2 and 2.5."""

HEADER_BYTES = 4
HAS_FRAMES, HAS_BYTES, HAS_TOC = 1, 2, 4  # flags of the Xing header
XING_BYTES = 152  # of a Xing header with all of these, and LAME's extension


class FrameHeader(NamedTuple):
    """The four-byte header of a frame; `length` is that of the whole frame in bytes."""

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
    def kind(self) -> tuple[int, int, int]:
        """Version, layer and sample rate, which don't change within a stream."""
        return self[:3]

    @property
    def side_info_bytes(self) -> int:
        """Bytes between the header of a layer III frame and its main data."""
        if self.version == 1:
            return 17 if self.channels == 1 else 32
        return 9 if self.channels == 1 else 17


class Index(NamedTuple):
    """The number of frames after the one that has the index, and of bytes with it; 0 for one that is not given."""

    frames: int
    bytes: int


def looks_like_mpeg(stream: BinaryIO) -> bool:
    """Return whether a stream starts with an ID3 or APE tag or the sync word of MPEG audio."""
    stream.seek(0)
    start = stream.read(8)
    return start.startswith((b"ID3", b"APETAGEX")) or (start[:1] == b"\xff" and start[1:2] >= b"\xe0")


def parse_header(data: bytes, position: int = 0) -> FrameHeader | None:
    """Return the frame header at a position, or None where there is none or it is of the free format."""
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
    return FrameHeader(version, layer, sample_rate, 1 if mode >> 6 == 3 else 2, length)


def is_free_format(head: bytes) -> bool:
    """Return whether the first four bytes of a frame say that its bit rate isn't in the table."""
    with_any_rate = head[:2] + bytes([head[2] | 0x10]) + head[3:4] if len(head) >= HEADER_BYTES else b""
    return parse_header(with_any_rate) is not None and head[2] >> 4 == 0


def read_index(data: bytes, position: int, header: FrameHeader) -> Index | None:
    """Return what a Xing, Info or VBRI header in a frame declares; None without one, or where it leaves it open."""
    xing = position + HEADER_BYTES + header.side_info_bytes
    if data[xing : xing + 4] in (b"Xing", b"Info") and len(data) >= xing + 16:
        numbers = struct.unpack_from(">II", data, xing + 8)
        has_frames = data[xing + 7] & HAS_FRAMES
        frames = numbers[0] if has_frames else 0
        size = numbers[bool(has_frames)] if data[xing + 7] & HAS_BYTES else 0
        return Index(frames, size) if frames or size else None
    vbri = position + HEADER_BYTES + 32
    if data[vbri : vbri + 4] == b"VBRI" and len(data) >= vbri + 18:
        size, frames = struct.unpack_from(">II", data, vbri + 10)
        return Index(frames, size) if frames else None
    return None


def xing_frame(first: bytes, *, frames: int, size: int | None, delay: int, padding: int) -> bytes:
    """Make the Xing frame with LAME's extension, which tells players how many samples an MP3 has.

    It goes before `frames` others; `first` is the header of the first of them and `size` the bytes of all of them
    and this one, None where they aren't known. `delay` and `padding`, 0 to 4095, are the samples to drop at the
    beginning and the end. The frame's length depends on `first` alone, so it can be written again with the size.

    Layout: http://gabriel.mp3-tech.org/mp3infotag.html
    """
    if size is None:
        tag = struct.pack(">4sII", b"Xing", HAS_FRAMES, frames)
    else:
        tag = struct.pack(">4sIII", b"Xing", HAS_FRAMES | HAS_BYTES | HAS_TOC, frames, size)
        tag += bytes(percent * 256 // 100 for percent in range(100))
    tag += b"LAME3.100" + bytes(12) + (delay << 12 | padding).to_bytes(3, "big") + bytes(12)
    tag = tag.ljust(XING_BYTES, b"\0")
    for bitrate_index in range(1, 15):
        header = bytes([0xFF, first[1] | 1, bitrate_index << 4 | first[2] & 0x0C, first[3]])
        parsed = parse_header(header)
        if parsed and parsed.length >= HEADER_BYTES + parsed.side_info_bytes + len(tag):
            return (header + bytes(parsed.side_info_bytes) + tag).ljust(parsed.length, b"\0")
    raise ValueError(f"{first.hex()} is not the header of an MPEG audio frame")
