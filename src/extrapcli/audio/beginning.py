"""Decode the beginning of a song, so that it can be played while the rest is decoded."""

import io
import os
from dataclasses import replace
from math import inf
from pathlib import Path

from extrapcli.audio import ogg
from extrapcli.audio.decode import decode
from extrapcli.audio.probe import declared_seconds
from extrapcli.audio.song import Song
from extrapcli.audio.tag_sizes import leading_tags_end
from extrapcli.audio.tags import read_tags
from extrapcli.errors import ExtrapError

LONG_SECONDS = 60.0
LEAST_SECONDS, SHARE = 10.0, 0.02  # which are decoded of a song
VORBIS, SOUND_BYTES = b"\x01vorbis", 512
LOST_SECONDS = 1.0  # at the end of what is decoded, where the file was cut


def decode_beginning(path: Path, name: str, most_seconds: float = inf) -> Song | None:
    """Decode the first ten seconds of a song, or more of a very long one; None where that can't be done or is all.

    It has all of the song's tags, and no notes. A song that declares more than `most_seconds` gives None, too.
    The samples are those that `decode` gives, unless the file is odd: make sure of it when all is decoded.
    """
    seconds = declared_seconds(path)
    if not LONG_SECONDS <= seconds <= most_seconds:
        return None
    share = (LEAST_SECONDS + LOST_SECONDS) / seconds + SHARE
    try:
        with path.open("rb") as file:
            tags, size = leading_tags_end(file), file.seek(0, os.SEEK_END)
            file.seek(0)
            begin = file.read(tags + round((size - tags) * share))
            song_tags = read_tags(file)
        if begin.startswith(ogg.MAGIC):
            if VORBIS not in begin[:SOUND_BYTES]:  # Opus is decoded by another library, if its end is odd
                return None
            *_, last = [0, *(page.end for page in ogg.pages(begin))]
            begin = begin[:last]
        song = decode(io.BytesIO(begin), name=name, salvage=True)
    except (ExtrapError, OSError):
        return None
    lost = round(LOST_SECONDS * song.sample_rate)
    return replace(song, samples=song.samples[: max(0, len(song.samples) - lost)], tags=song_tags, notes=[])
