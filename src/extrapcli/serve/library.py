"""The folder of songs that a server may be given: read only, and never left."""

from pathlib import Path


def inside(library: Path, named: str) -> Path | None:
    """Return the file of that name in a folder, wherever links lead; None for one outside, and for no plain file."""
    try:
        path = (library / named).resolve(strict=True)
        return path if path.is_file() and path.is_relative_to(library.resolve()) else None
    except (OSError, ValueError, RuntimeError):  # the last for a link to itself
        return None
