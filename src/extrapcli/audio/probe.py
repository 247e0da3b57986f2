"""Look into a file without decoding it: how long it is, and whether it is sound at all."""

import io
import os
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import av

from extrapcli.audio.containers import content, readable_sizes
from extrapcli.audio.readers import UNKNOWN_FRAMES
from extrapcli.audio.streams import open_with_ffmpeg, open_with_sndfile, section
from extrapcli.audio.tag_sizes import leading_tags_end

PROBE_BYTES = 1 << 16
PROBE_FRAMES = 3  # one may be found in any file


def declared_seconds(path: Path) -> float:
    """Return the length in seconds that a file declares, 0 where it declares none or isn't audio.

    That of MPEG audio is estimated.
    """
    if not path.is_file():  # reading a pipe could block for ever
        return 0.0
    try:
        with path.open("rb") as stream:
            return _declared_seconds(stream)
    except (av.FFmpegError, OSError):
        return 0.0


def holds_sound(path: Path) -> bool:
    """Return whether a file is audio, or a video with sound, by what it holds: its first frames can be decoded.

    Raises OSError where the file can't be read.
    """
    with path.open("rb") as stream:
        sound = section(stream, leading_tags_end(stream), stream.seek(0, os.SEEK_END))
        if file := open_with_sndfile(io.BytesIO(sound.read(PROBE_BYTES))):
            file.close()
            return True
        container = open_with_ffmpeg(sound)
        if container is None:
            return False
        with container:
            try:
                return len(list(islice(container.decode(audio=0), PROBE_FRAMES))) == PROBE_FRAMES
            except (av.FFmpegError, IndexError, ValueError):
                return False


def _declared_seconds(stream: BinaryIO) -> float:
    start, end = leading_tags_end(stream), stream.seek(0, os.SEEK_END)
    sound = section(stream, start, end)
    sound = section(sound, 0, end - start, readable_sizes(sound))
    if file := open_with_sndfile(sound):
        with file:
            return file.frames / file.samplerate if file.frames < UNKNOWN_FRAMES else 0.0
    container = open_with_ffmpeg(sound)
    if container is None:
        return 0.0
    with container:
        found = content(sound)
        is_guess = container.format.name == "avi" and (found is None or found.is_open)
        return 0.0 if is_guess else (container.duration or 0) / av.time_base
