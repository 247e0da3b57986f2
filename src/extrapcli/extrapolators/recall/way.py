"""A way through a song, line by line: where it begins, what happens at each line, and how long layers stay."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stays:
    """How long a layer stays between jumps, in seconds: `shortest` at least, and `longest` at most if possible."""

    shortest: float
    longest: float


@dataclass(frozen=True)
class Start:
    """A way to begin: at second `seconds` of the track, the whole sound comes to a line of the song.

    `left` says whether it has left the song by then; if not, the first jump is one of all layers. Each layer may have
    a line of its own, and have stayed for some seconds already. `jumps` says that all layers jump at once.
    """

    line: int | tuple[int, ...]
    seconds: float
    cost: float
    left: bool = True
    stay: float | tuple[float, ...] = 0.0
    jumps: bool = False


@dataclass(frozen=True)
class Step:
    """What happens at a line of the track, for each layer.

    `left` is the line of the song that it has come to, `lines` that from which it plays on; `jumped` says whether it
    jumps there. `seconds` is where in the track that is, as far as the search can tell. The last step `lands` on the
    song's own ending.
    """

    left: tuple[int, ...]
    lines: tuple[int, ...]
    jumped: tuple[bool, ...]
    seconds: float
    lands: bool = False
