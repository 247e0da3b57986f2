"""A way through a song, line by line: where it begins, what happens at each line, and how long layers stay."""

from dataclasses import dataclass

from extrapcli.errors import UsageError

OTHER_SECONDS = 2.0
"""How far apart lines are that are different ways."""


def no_way() -> UsageError:
    """Make the error for a join from which every other way was passed over, or that leads to the ending."""
    reason = "all other ways were passed over, or it leads to the ending"
    return UsageError(f"a join that should go another way can't: {reason}", hint="another")


@dataclass(frozen=True)
class Stays:
    """How long a layer stays between jumps, in seconds: `shortest` at least, and `longest` at most if possible."""

    shortest: float
    longest: float


@dataclass(frozen=True)
class Start:
    """A way to begin: at second `seconds` of the track, the whole sound comes to a line of the song.

    `left` says whether it has left the song by then; if not, the first jump is one of all layers. Each layer may have
    a line of its own, and have stayed for some seconds already. `jumps` says that all layers jump at once. Where
    lines are `passed`, some layer jumps at once, but not to those, nor near them.
    """

    line: int | tuple[int, ...]
    seconds: float
    cost: float
    left: bool = True
    stay: float | tuple[float, ...] = 0.0
    jumps: bool = False
    passed: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Step:
    """What happens at a line of the track, for each layer.

    `left` is the line of the song that it has come to, `lines` that from which it plays on; `jumped` says whether it
    jumps there. `seconds` is where in the track that is, as far as the search can tell. The last step `lands` on the
    song's own ending. One with a `departure` is taken at that sample of the track.
    """

    left: tuple[int, ...]
    lines: tuple[int, ...]
    jumped: tuple[bool, ...]
    seconds: float
    lands: bool = False
    departure: int | None = None
