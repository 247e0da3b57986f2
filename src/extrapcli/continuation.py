"""The use case: one song in, one track out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.song import Song
from extrapcli.audio.spooled import pieces
from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Extrapolator, Jump


@dataclass(frozen=True)
class Length:
    """How long a track shall be: `minutes` in all, or `minutes` beyond the song."""

    minutes: float
    beyond: bool = False

    def samples(self, song: Song) -> int:
        """The samples of the whole track; raise UsageError where the song has that many already."""
        asked = round(self.minutes * 60 * song.sample_rate)
        if self.beyond:
            return len(song.samples) + asked
        if asked <= len(song.samples):
            raise UsageError(
                f"{song.name}: lasts {clock(song.seconds)} already, not less than the {clock(self.minutes * 60)} "
                "asked for; say how much to add with --add MINUTES"
            )
        return asked


@dataclass(frozen=True)
class Join:
    """Where a block met what came before: the second in the track at which its crossfade begins."""

    seconds: float
    fade_seconds: float
    jump: Jump | None = None  # where in the song it went, if it plays the song's own sound


@dataclass(frozen=True)
class Continuation:
    """How a track was continued; `copied_seconds` of it play one place of the song as it stands."""

    joins: list[Join]
    copied_seconds: float


def continue_song(
    song: Song,
    wanted: int,
    extrapolator: Extrapolator,
    write: Callable[[NDArray[np.floating]], None],
    progress: Callable[[int, int], None] = lambda written, blocks: None,
) -> Continuation:
    """Write a track of exactly `wanted` samples that begins with the song, piece by piece.

    `write` gets `(n, channels)` in the song's dtype: the song itself, untouched, up to where the first block
    begins, then block after block. `progress` gets the numbers of samples and blocks so far. No more than a
    block is held at a time.
    """
    joins: list[Join] = []
    copied = 0
    copies = False
    pending: NDArray[np.floating] = song.samples
    written = 0
    for block in extrapolator.blocks(song, wanted):
        assert written <= block.start <= written + len(pending), "a block begins before the one before it ends"
        for piece in pieces(pending[: block.start - written]):
            write(piece)
        copied += copies * (block.start - written)
        written, copies = block.start, block.copy
        joins.append(Join(written / song.sample_rate, block.fade_samples / song.sample_rate, block.jump))
        progress(written, len(joins))
        pending = block.samples.astype(song.samples.dtype, copy=False)
    for piece in pieces(pending[: wanted - written]):
        write(piece)
    progress(wanted, len(joins))
    return Continuation(joins, (copied + copies * (wanted - written)) / song.sample_rate)


def clock(seconds: float) -> str:
    """`3m05s` for 185 seconds; whole seconds, rounded."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s"
