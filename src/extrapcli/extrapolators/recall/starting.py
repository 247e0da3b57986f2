"""Where a song may be left: the best first jumps of the whole sound."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import release
from extrapcli.extrapolators.recall.alignment import AlignedJump, align_jump
from extrapcli.extrapolators.recall.costs import Costs
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.material import Material
from extrapcli.extrapolators.recall.playhead import Playhead
from extrapcli.extrapolators.recall.way import OTHER_SECONDS, Start, Step, no_way

FIRST_CANDIDATES = 24
NEAR_SECONDS = 0.3
FIRST_WEIGHT = 4.0


def first_starts(
    material: Material, grid: Grid, costs: Costs, playheads: list[Playhead], fade_seconds: float | None
) -> tuple[list[Start], dict[Start, AlignedJump]]:
    """Align the best first jumps of the whole sound, away from the song's end."""
    bounds, rate = material.bounds, material.song.sample_rate
    if bounds.ends_by_itself:
        line = min(int(np.searchsorted(grid.times, bounds.leaves_at(rate) / rate)), len(grid) - 2)
        return [Start(line, float(grid.times[line]), 0.0, left=False)], {}
    leave = bounds.end / rate
    last = int(np.searchsorted(grid.times, leave + 1e-6)) - 1
    after = leave - grid.times[last]
    targets = grid.times[:-2][grid.phases[:-2] == grid.phases[last]] + after
    if not grid.keeps_bars:
        targets = np.arange(grid.times[0], leave, 1 / material.hops_per_second)
    inside = (targets > 1.0 + bounds.begin / rate) & (targets < leave - 2)
    targets = targets[inside] if inside.any() else targets[: len(targets) // 2 + 1]
    cost = costs.whole.jump_costs(np.array([leave]), targets, ahead=False)[0]
    order = _distinct(targets, cost)
    starts, jumps = [], {}
    for k in order:
        aligned = align_jump(
            material,
            playheads,
            playheads,
            bounds.end,
            round(targets[k] * rate),
            fixed=False,
            fade_seconds=fade_seconds,
        )
        line = min(int(np.searchsorted(grid.times, aligned.splice.target / rate + 0.25)), len(grid) - 2)
        seconds = aligned.departure / rate + grid.times[line] - aligned.splice.target / rate
        start = Start(line, seconds, FIRST_WEIGHT * float(cost[k]) + aligned.cost)
        starts.append(start)
        jumps[start] = aligned
        for layer in material.layers:
            release(layer.samples)
            release(layer.mono)
    return starts, jumps


def other_start(
    jumps: dict[Start, AlignedJump],
    first: Start,
    way: Iterator[Start | Step],
    grid: Grid,
    passes: int,
    search: Callable[[list[Start]], Iterator[Start | Step]],
) -> tuple[Start, Iterator[Start | Step]]:
    """Return the first jump and the way from there; another one, `passes` times, none of which begins earlier.

    Raises UsageError.
    """
    begin = _fades_at(jumps[first])
    starts = [start for start, aligned in jumps.items() if _fades_at(aligned) >= begin]
    for _ in range(passes):
        passed = grid.times[first.line]
        starts = [start for start in starts if abs(grid.times[start.line] - passed) >= OTHER_SECONDS]
        if not starts:
            raise no_way()
        way = search(starts)
        found = next(way)
        assert isinstance(found, Start)
        first = found
    return first, way


def _fades_at(aligned: AlignedJump) -> int:
    """Return the sample of the track at which the crossfade of a jump begins."""
    return aligned.departure - aligned.splice.fade.samples


def _distinct(targets: NDArray[np.float64], cost: NDArray[np.floating]) -> list[int]:
    """Return the cheapest few targets, cheapest first, of which no two are near each other."""
    taken: list[int] = []
    for k in np.argsort(cost, kind="stable"):
        if all(abs(targets[k] - targets[other]) >= NEAR_SECONDS for other in taken):
            taken.append(int(k))
        if len(taken) == FIRST_CANDIDATES:
            break
    return taken
