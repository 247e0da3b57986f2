"""The folder of songs that a server may be given: read only, and never left."""

import threading
from math import inf
from pathlib import Path
from time import monotonic

from extrapcli.finding import find_songs

LISTED_SECONDS = 3.0


class Library:
    """A folder of songs. Safe to be used from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock, self._listed, self._listed_at = threading.Lock(), list[str](), -inf

    def songs(self, since: float | None = None) -> list[str]:
        """List the songs, none that a link leads to elsewhere, as they were a few seconds ago or `since` a moment."""
        since = monotonic() - LISTED_SECONDS if since is None else since
        with self._lock:
            if self._listed_at < since:
                self._listed_at = monotonic()
                found = (song.as_posix() for song in find_songs(self.folder).songs)
                self._listed = [song for song in found if _is_text(song) and inside(self.folder, song)]
            return self._listed

    def __contains__(self, named: str) -> bool:
        """Tell whether a song is there at this moment."""
        now = monotonic()
        return inside(self.folder, named) is not None and (named in self.songs() or named in self.songs(since=now))


def inside(folder: Path, named: str) -> Path | None:
    """Return the file of that name in a folder, wherever links lead; None for one outside, and for no plain file."""
    try:
        path = (folder / named).resolve(strict=True)
        return path if path.is_file() and path.is_relative_to(folder.resolve()) else None
    except (OSError, ValueError, RuntimeError):  # the last for a link to itself
        return None


def _is_text(name: str) -> bool:
    """Tell whether a name of a file is text, which not all are."""
    return not any("\ud800" <= c <= "\udfff" for c in name)
