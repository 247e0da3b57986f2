"""How far the work on a song has come, for whoever wants to be told."""

from typing import Protocol


class Progress(Protocol):
    """Shows how far one song has come."""

    def decoded(self, name: str, seconds: float) -> None: ...

    def written(self, share: float, blocks: int) -> None:
        """Show that this share of the track, 0 to 1, is written, in so many blocks."""
        ...

    def doing(self, what: str) -> None:
        """Show what is being done now."""
        ...


class NoProgress:
    """Shows nothing."""

    def decoded(self, name: str, seconds: float) -> None: ...

    def written(self, share: float, blocks: int) -> None: ...

    def doing(self, what: str) -> None: ...
