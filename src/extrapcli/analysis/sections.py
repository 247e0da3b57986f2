"""The sections of a song, and its phrases."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A section of a song.

    Attributes:
        begin: in seconds from the beginning of the song.
        end: where the next one begins, or the music ends.
        label: `A`, `B`, ...; sections that sound alike have the same one.
        phrases: where its phrases begin, in seconds; the first at its own beginning.
    """

    begin: float
    end: float
    label: str
    phrases: tuple[float, ...]
