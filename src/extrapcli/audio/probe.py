"""Read a file's declared length without decoding it."""

from pathlib import Path

import av

from extrapcli.audio.streams import open_with_ffmpeg


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
