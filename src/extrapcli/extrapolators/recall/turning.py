"""Where a track is turned while it is played, to the line that each layer comes to next; and which joins it has."""

from collections.abc import Iterator, Sequence

import numpy as np

from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Block
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.playhead import Playhead
from extrapcli.extrapolators.recall.way import Start


def next_start(grid: Grid, playheads: Sequence[Playhead], rate: int, seconds: float, *, jumps: bool) -> Start | None:
    """Return how to go on from the first line after `seconds` of the track.

    If all layers are to jump there, it is a bar line. The last layer leads: each of the others is at the line at the
    same position in the bar that is nearest to where it plays. None where it plays beyond the last line by then.
    """
    offsets = [playhead.offset / rate for playhead in playheads]
    lines = np.arange(len(grid) - 1)
    if jumps and grid.keeps_bars:
        lines = lines[grid.phases[:-1] == 0]
    lines = lines[grid.times[lines] >= seconds + offsets[-1]]
    if not len(lines):
        return None
    line = int(lines[0])
    at = float(grid.times[line]) - offsets[-1]
    same = np.flatnonzero(grid.phases[:-1] == grid.phases[line])
    nearest = [int(same[np.argmin(np.abs(grid.times[same] - at - offset))]) for offset in offsets[:-1]]
    stay = tuple(at - playhead.jumped_at / rate for playhead in playheads)
    return Start((*nearest, line), at, 0.0, stay=stay, jumps=jumps)


def with_joins(blocks: Iterator[Block], numbers: Sequence[int]) -> Iterator[Block]:
    """Pass the blocks of a track on; raise UsageError at its end where it has no joins of these numbers."""
    count = 0
    for block in blocks:
        count += block.jump is not None
        yield block
    if max(numbers, default=0) > count:
        raise UsageError(f"there is no join {max(numbers)}: the track has {count}", hint="another")
