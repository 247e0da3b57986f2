"""Say in a file which of its samples repeat, where games and players look for it.

That is in the comments LOOPSTART and LOOPLENGTH of Ogg Vorbis, Opus and FLAC, as RPG Maker introduced them and SDL
and others read them, and in the chunk `smpl` of WAV (Multimedia Data Standards Update, IBM and Microsoft, 1994).
"""

import struct
from pathlib import Path
from typing import Any

import mutagen.flac
import mutagen.oggopus
import mutagen.oggvorbis

MARKED = ("wav", "flac", "ogg", "opus")
"""The formats that can say it."""

OPUS_RATE = 48_000  # at which players count the samples of Opus, whatever rate it was made of
_COMMENTED = {"flac": mutagen.flac.FLAC, "ogg": mutagen.oggvorbis.OggVorbis, "opus": mutagen.oggopus.OggOpus}
_MIDDLE_C = 60
_SMPL = struct.Struct("<4sI9I6I")


def mark_loop(path: Path, format: str, *, sample_rate: int, begin: int, length: int) -> list[str]:
    """Mark `length` samples from `begin` on as the loop of a finished file; return a note where there is no place.

    Raises OSError.
    """
    if format == "wav":
        return _append_smpl(path, sample_rate, begin, length)
    opened: Any = _COMMENTED[format]
    file = opened(path)
    if file.tags is None:
        file.add_tags()
    scale = OPUS_RATE / sample_rate if format == "opus" else 1
    file["LOOPSTART"], file["LOOPLENGTH"] = str(round(begin * scale)), str(round(length * scale))
    file.save()
    return []


def _append_smpl(path: Path, sample_rate: int, begin: int, length: int) -> list[str]:
    period = round(1e9 / sample_rate)
    sampler = (0, 0, period, _MIDDLE_C, 0, 0, 0, 1, 0)
    forward = (0, 0, begin, begin + length - 1, 0, 0)
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        if size + _SMPL.size >= 2**32:
            return ["its loop was not marked: a WAV of more than 4 GB has no place for that"]
        file.write(bytes(size % 2))
        file.write(_SMPL.pack(b"smpl", _SMPL.size - 8, *sampler, *forward))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))
    return []
