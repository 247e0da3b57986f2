"""What of a file's sound is missing, in words."""

from collections.abc import Sequence
from typing import NamedTuple

MOST_NAMED = 3


class Loss(NamedTuple):
    """Sound that a file declares but doesn't hold, or that can't be decoded.

    It is missing at `start`; `seconds` is None where the file doesn't tell how much it is. `to_end`: nothing follows.
    `is_filled`: silence stands in its place.
    """

    start: float
    seconds: float | None
    to_end: bool = False
    is_filled: bool = False


def absent_seconds(losses: Sequence[Loss]) -> float:
    """Return how much of the sound is missing without anything in its place, as far as it's known."""
    return sum(loss.seconds or 0 for loss in losses if not loss.is_filled)


def sentence(losses: Sequence[Loss], decoded_seconds: float) -> str:
    """Say what is missing of a song, of which so many seconds could be decoded, and where."""
    total = decoded_seconds + absent_seconds(losses)
    return "; ".join(first_few([_clause(loss, total) for loss in losses]))


def first_few(texts: list[str]) -> list[str]:
    """Return the first of some texts, and how many more there are."""
    more = len(texts) - MOST_NAMED
    return texts if more <= 0 else [*texts[:MOST_NAMED], f"there are {more} more such places"]


def _clause(loss: Loss, total: float) -> str:
    if loss.seconds is None:
        return f"it {'breaks off' if loss.to_end else 'is damaged'} at {loss.start:.2f} s"
    end = "the end" if loss.to_end else f"{loss.start + loss.seconds:.2f} s"
    return f"the sound between {loss.start:.2f} s and {end}, {loss.seconds:.2f} s of {total:.2f} s, is missing"
