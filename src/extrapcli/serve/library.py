"""The folder of songs that a server may be given: read only, and never left."""

from pathlib import Path, PurePosixPath

from extrapcli.finding import find_songs, why_no_song


def inside(library: Path, named: str) -> Path | None:
    """Return the file of that name in a folder, wherever links lead; None for one outside, and for no plain file."""
    try:
        path = (library / named).resolve(strict=True)
        return path if path.is_file() and path.is_relative_to(library.resolve()) else None
    except (OSError, ValueError, RuntimeError):  # the last for a link to itself
        return None


def songs_in(library: Path) -> list[str]:
    """List the songs in a folder and below, none that a link leads to elsewhere."""
    found = (song.as_posix() for song in find_songs(library).songs)
    return [song for song in found if is_text(song) and inside(library, song)]


def holds(library: Path, named: str) -> bool:
    """Tell whether a name is that of a song in a folder, written as `songs_in` writes it, by no link to a folder."""
    path = PurePosixPath(named)
    hidden = any(part.startswith(".") for part in path.parts)
    if path.as_posix() != named or hidden or Path(named).anchor or not inside(library, named):
        return False
    direct = (library / path).parent.resolve() == library.resolve() / path.parent
    return direct and why_no_song(library / path) is None


def is_text(name: str) -> bool:
    """Tell whether a name of a file is text, which not all are."""
    return not any("\ud800" <= c <= "\udfff" for c in name)
