"""Look into a file without decoding it: how long it is, and whether it is sound at all."""

import io
import os
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import av
from av.stream import Disposition

from extrapcli.audio.containers import content, readable_sizes
from extrapcli.audio.readers import UNKNOWN_FRAMES
from extrapcli.audio.streams import open_with_ffmpeg, open_with_sndfile, section
from extrapcli.audio.tag_sizes import leading_tags_end
from extrapcli.errors import UnreadableAudio

PROBE_BYTES = 1 << 16
COVER = Disposition.attached_pic
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


def video_seconds(path: Path) -> float:
    """Return how long a video is, by its picture where that says so; of a file without one, how long it is.

    Raises UnreadableAudio where there is no such file, or it doesn't say.
    """
    if not path.is_file():
        raise UnreadableAudio(f"{path}: {'is no file' if path.exists() else 'no such file'}; name a video")
    seconds = 0.0
    with path.open("rb") as stream, suppress(av.FFmpegError):
        if container := open_with_ffmpeg(stream):
            with container:
                pictures = [video for video in container.streams.video if not video.disposition & COVER]
                lasting = [
                    float(video.duration * video.time_base)
                    for video in pictures
                    if video.duration and video.time_base
                ]
                if pictures:
                    seconds = max([*lasting, 0.0]) or (container.duration or 0) / av.time_base
    seconds = seconds or declared_seconds(path)
    if not seconds > 0:
        raise UnreadableAudio(f"{path}: doesn't say how long it is; give the length in minutes")
    return seconds


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
