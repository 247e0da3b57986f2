"""MP3: the info frame, which tells how many samples a file holds and how many at its ends are padding.

Layout: the Xing header and its LAME extension, http://gabriel.mp3-tech.org/mp3infotag.html.
"""

import struct
from typing import BinaryIO

SAMPLES_PER_FRAME = {3: 1152, 2: 576, 0: 576}  # by the version bits: MPEG 1, 2 and 2.5
DECODER_DELAY = 529
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_BITRATES = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_FRAMES, _BYTES, _TOC, _QUALITY = 1, 2, 4, 8


def declared_samples(source: BinaryIO) -> int | None:
    """Samples per channel that the info frame of an MP3 declares, or None. Leaves the stream at its start."""
    source.seek(0)
    head = source.read(10)
    if head[:3] == b"ID3" and len(head) == 10:
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        source.seek(10 + size)
        head = b""
    frame = head + source.read(256)
    source.seek(0)
    if len(frame) < 64 or frame[0] != 0xFF or frame[1] & 0xE6 not in (0xE2,):
        return None
    version, mono = frame[1] >> 3 & 3, frame[3] >> 6 == 3
    at = 4 + _side_info(version, mono)
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    if version == 1 or frame[at : at + 4] not in (b"Xing", b"Info") or not flags & _FRAMES:
        return None
    samples = int.from_bytes(frame[at + 8 : at + 12], "big") * SAMPLES_PER_FRAME[version]
    lame = at + 8 + 4 * bool(flags & _FRAMES) + 4 * bool(flags & _BYTES) + 100 * bool(flags & _TOC)
    lame += 4 * bool(flags & _QUALITY)
    if frame[lame : lame + 4] in (b"LAME", b"Lavc", b"Lavf"):
        ends = int.from_bytes(frame[lame + 21 : lame + 24], "big")
        samples -= (ends >> 12) + (ends & 0xFFF)
    return samples


def _side_info(version: int, mono: bool) -> int:
    """Bytes between the header of a frame and its data."""
    if version == 3:
        return 17 if mono else 32
    return 9 if mono else 17


def info_frame(first_header: bytes, *, frames: int, size: int, delay: int, padding: int) -> bytes:
    """The frame to put before `frames` frames, of which `first_header` is the first 4 bytes.

    `size` is that of the file, this frame included. `delay` and `padding` are the samples, up to 4095, that
    a player must drop at the beginning and end. The frame has the same length for the same header, whatever
    the numbers: it can be written first as a placeholder and again when they are known.
    """
    version, mono = first_header[1] >> 3 & 3, first_header[3] >> 6 == 3
    rate = _RATES[version][first_header[2] >> 2 & 3]
    at = 4 + _side_info(version, mono)
    body = struct.pack(">4sIII", b"Xing", _FRAMES | _BYTES | _TOC, frames, size)
    body += bytes(i * 256 // 100 for i in range(100))
    lame = b"LAME3.100" + bytes(12) + ((delay & 0xFFF) << 12 | padding & 0xFFF).to_bytes(3, "big") + bytes(12)
    needed = at + len(body) + len(lame)
    lengths = [SAMPLES_PER_FRAME[version] // 8 * kilobits * 1000 // rate for kilobits in _BITRATES[version == 3]]
    index, length = next((i, length) for i, length in enumerate(lengths) if length >= needed)
    header = bytes([0xFF, first_header[1] | 1, index << 4 | first_header[2] & 0x0C, first_header[3]])
    return (header + bytes(at - 4) + body + lame).ljust(length, b"\0")
