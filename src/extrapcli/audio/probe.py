"""Look into a file without decoding it: how long it is, and whether it is sound at all."""

import io
from itertools import islice
from pathlib import Path

import av

from extrapcli.audio.streams import open_with_ffmpeg, open_with_sndfile

PROBE_BYTES = 1 << 16
PROBE_FRAMES = 3  # one may be found in any file


def declared_seconds(path: Path) -> float:
    """Return the length in seconds that a file declares, 0 where it declares none or isn't audio."""
    if not path.is_file():  # reading a pipe could block for ever
        return 0.0
    try:
        with path.open("rb") as stream:
            container = open_with_ffmpeg(stream)
            if container is None:
                return 0.0
            with container:
                return (container.duration or 0) / av.time_base
    except (av.FFmpegError, OSError):
        return 0.0


def holds_sound(path: Path) -> bool:
    """Return whether a file is audio, or a video with sound, by what it holds: its first frames can be decoded.

    Raises OSError where the file can't be read.
    """
    with path.open("rb") as stream:
        start = io.BytesIO(stream.read(PROBE_BYTES))
        if file := open_with_sndfile(start):
            file.close()
            return True
        container = open_with_ffmpeg(stream)
        if container is None:
            return False
        with container:
            try:
                return len(list(islice(container.decode(audio=0), PROBE_FRAMES))) == PROBE_FRAMES
            except (av.FFmpegError, IndexError, ValueError):
                return False
