"""What a file says of itself, without decoding it."""

from pathlib import Path

import av

from extrapcli.audio.streams import open_with_ffmpeg


def seconds_of(path: Path) -> float:
    """How long a song lasts by what its file says; 0 where it says nothing, or is no audio."""
    if not path.is_file():  # a pipe would never end
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
