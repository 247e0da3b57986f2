"""The INFO list of a WAV, text by codes of four letters, and its `bext` chunk, of recorders (EBU Tech 3285).

Codes: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft, 1991), and later custom.
"""

import re
import struct
from pathlib import Path
from typing import BinaryIO

from extrapcli.audio.containers import chunks, riff_chunks
from extrapcli.audio.tags.text import decode

NAMES = {
    "INAM": "title", "IART": "artist", "IPRD": "album", "ICRD": "date", "IGNR": "genre", "ITRK": "tracknumber",
    "IPRT": "tracknumber", "ICMT": "comment", "ICOP": "copyright", "ILNG": "language", "IMUS": "composer",
    "IWRI": "lyricist", "IENG": "engineer", "IPRO": "producer", "IMED": "media", "IKEY": "keywords",
    "ISBJ": "subject", "ISRC": "source", "ICMS": "commissioned", "ITCH": "technician", "IARL": "archivallocation",
    "ISFT": "encoder",
}  # fmt: skip
_CODES = {name: code for code, name in reversed(NAMES.items()) if name != "encoder"}
_CODE = re.compile("I[A-Z0-9]{3}")
_BEXT_BYTES = {
    "description": 256, "originator": 32, "originator_reference": 32, "origination_date": 10, "origination_time": 8,
}  # fmt: skip
_HEADER = struct.Struct("<4sI")


def read_info(source: BinaryIO) -> list[tuple[str, str]]:
    """Return name and value of each text in the INFO lists of a WAV, or nothing where it is none."""
    source.seek(0)
    if source.read(4) not in (b"RIFF", b"RF64", b"BW64"):
        return []
    found = []
    for name, start, size in chunks(source):
        source.seek(start)
        if name != b"LIST" or not size or source.read(4) != b"INFO":
            continue
        for code, begin, length in riff_chunks(source, position=start + 4):
            if begin > start + size:
                break
            source.seek(begin)
            text = source.read(min(length or 0, start + size - begin))
            key = code.decode()
            found.append((NAMES.get(key, key), decode(text.rstrip(b"\0"))))
    return found


def read_bext(source: BinaryIO) -> list[tuple[str, str]]:
    """Return name and value, by FFmpeg's names, of each text in a `bext` chunk, or nothing where there is none."""
    found = []
    for start in [chunk.start for chunk in chunks(source) if chunk.name == b"bext"]:
        source.seek(start)
        for name, length in _BEXT_BYTES.items():
            found.append((name, decode(source.read(length).partition(b"\0")[0])))
    return found


def append_info(path: Path, text: dict[str, list[str]]) -> None:
    """Append an INFO list with the text that has a code to a WAV. Raises OSError."""
    info = b"INFO"
    for name, values in text.items():
        if code := _CODES.get(name, name if _CODE.fullmatch(name) else ""):
            value = "; ".join(values).encode() + b"\0"
            info += _HEADER.pack(code.encode(), len(value)) + value + bytes(len(value) % 2)
    if info == b"INFO":
        return
    with path.open("r+b") as file:
        file.write(bytes(file.seek(0, 2) % 2))
        file.write(_HEADER.pack(b"LIST", len(info)) + info)
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))
