"""Headers of WAV and FLAC for sound that is still to come: those of a finished file, with other lengths in them."""

import io
import struct

from extrapcli.audio.containers import chunks

OPEN_SIZE = 0xFFFFFFFF  # as FFmpeg and SoX write it into a pipe, and a RIFF whose sizes are in ds64 has it
_FLAC_MAGIC = b"fLaC"
_FLAC_STREAMINFO = 8  # where its content begins (RFC 9639, 8.2)


def wav_sound_bytes(file: bytes, samples: int) -> int:
    """Return how many bytes so many samples per channel take in a WAV with the header of this one."""
    block_align = file.index(b"fmt ") + 20
    return samples * int.from_bytes(file[block_align : block_align + 2], "little")


def wav_ends(file: bytes, samples: int | None) -> tuple[bytes, bytes]:
    """Return what comes before and after the sound of a WAV with so many samples per channel, None without end.

    `file` is one without any sound. Its peak is left out; for sound without end, so is all that has to be known first
    or comes last.
    """
    header, trailer = file[:12], b""
    left_out = {b"PEAK"} if samples is not None else {b"PEAK", b"fact"}
    for name, start, size in chunks(io.BytesIO(file)):
        if name == b"data":
            header, trailer = header + file[start - 8 : start], file[start:]
        elif not trailer and name not in left_out:
            header += file[start - 8 : start + (size or 0)]
    patched = bytearray(header)
    if samples is None:
        patched[4:8] = patched[-4:] = struct.pack("<I", OPEN_SIZE)
        return bytes(patched), b""
    sound_bytes = wav_sound_bytes(file, samples)
    trailer = bytes(sound_bytes % 2) + trailer
    riff_bytes = len(header) + sound_bytes + len(trailer) - 8
    if header.startswith(b"RF64"):
        patched[20:44] = struct.pack("<QQQ", riff_bytes, sound_bytes, samples)
        return bytes(patched), trailer
    patched[4:8], patched[-4:] = struct.pack("<I", riff_bytes), struct.pack("<I", sound_bytes)
    if (fact := header.find(b"fact")) >= 0:
        patched[fact + 8 : fact + 12] = struct.pack("<I", samples)
    return bytes(patched), trailer


def flac_header(file: bytes, samples: int | None) -> bytes:
    """Return all metadata of a FLAC file, for so many samples per channel, and unknown frame sizes and checksum."""
    header = bytearray(file[: flac_header_bytes(file)])
    sizes, rate, checksum = _FLAC_STREAMINFO + 4, _FLAC_STREAMINFO + 10, _FLAC_STREAMINFO + 18
    total_bits = 36
    shape = int.from_bytes(header[rate:checksum], "big") >> total_bits
    total = samples if samples is not None and samples < 2**total_bits else 0
    header[sizes:rate] = bytes(rate - sizes)
    header[rate:checksum] = (shape << total_bits | total).to_bytes(8, "big")
    header[checksum : checksum + 16] = bytes(16)
    return bytes(header)


def flac_header_bytes(begin: bytes) -> int:
    """Return the size of a FLAC file's metadata, 0 where its beginning doesn't hold all of it."""
    position, is_last = len(_FLAC_MAGIC), False
    while not is_last:
        if len(begin) < position + 4:
            return 0
        is_last = bool(begin[position] & 0x80)
        position += 4 + int.from_bytes(begin[position + 1 : position + 4], "big")
    return position if position <= len(begin) else 0
