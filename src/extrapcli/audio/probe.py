"""What a file says of itself, without decoding it."""

from pathlib import Path

import av


def seconds_of(path: Path) -> float:
    """How long a song lasts by what its file says; 0 where it says nothing, or is no audio."""
    try:
        with path.open("rb") as file, av.open(file, "r") as container:  # FFmpeg takes some names for addresses
            return (container.duration or 0) / av.time_base
    except (av.FFmpegError, OSError):
        return 0.0
