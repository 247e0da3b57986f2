"""Read a file's declared length without decoding it."""

import os
from pathlib import Path
from typing import BinaryIO

import av

from extrapcli.audio.containers import content, mpeg_audio_in_wav, readable_sizes
from extrapcli.audio.readers import UNKNOWN_FRAMES
from extrapcli.audio.streams import open_with_ffmpeg, open_with_sndfile, section
from extrapcli.audio.tag_sizes import leading_tags_end


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


def _declared_seconds(stream: BinaryIO) -> float:
    start, end = leading_tags_end(stream), stream.seek(0, os.SEEK_END)
    sound = section(stream, start, end)
    sound = section(sound, 0, end - start, readable_sizes(sound))
    file = None if mpeg_audio_in_wav(sound) else open_with_sndfile(sound)
    if file is not None:
        with file:
            return file.frames / file.samplerate if file.frames < UNKNOWN_FRAMES else 0.0
    container = open_with_ffmpeg(sound)
    if container is None:
        return 0.0
    with container:
        found = content(sound)
        is_guess = container.format.name == "avi" and (found is None or found.is_open)
        return 0.0 if is_guess else (container.duration or 0) / av.time_base
