"""Find the passages of a song that repeat without a seam: those whose end leads back to their beginning."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.base import Loop, LoopQuery
from extrapcli.extrapolators.recall.cutting import Cutter
from extrapcli.extrapolators.recall.descriptors import Times
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.material import Material
from extrapcli.extrapolators.recall.version import Cut
from extrapcli.extrapolators.recall.whole import WholeSound
from extrapcli.ranges import LEAST_LOOP_SECONDS

LEAST_SECONDS, LEAST_SHARE = 8.0, 0.25  # of a loop, or that share of the music, if nothing else is asked for
SHORT_SECONDS, SHORT_COST = 60.0, 0.7  # each halving of a loop below a minute costs so much
AMID_COST, NEAR_SECONDS = 0.3, 0.15  # of each end of a loop that lies amid a section, so far from its beginning
OTHER_TEMPO = 0.15  # share by which bars may be longer or shorter than most, where the tempo is found half or double
MARGIN_SECONDS, MARGIN_SHARE = 0.7, 0.1  # of the music before a loop, or that share of it: its join lies there
LOOSE_SECONDS = 0.04  # between moments that a loop may begin at, where there are no bars
MOST_LOOSE = 6_000
TRIED, ROWS = 48, 128
SAME_SECONDS, SAME_SHARE = 0.5, 0.8  # loops of one length that lie over each other are the same


def find_loops(material: Material, grid: Grid, query: LoopQuery, *, fade_seconds: float | None) -> list[Loop]:
    """Return the loops of a song that are looked for, the best first.

    They begin and end at bar lines or, where there are none, at any moment. There are none where the song is too
    short for what is asked for.
    """
    sound = WholeSound(material, grid)
    cutter = Cutter(sound, fade_seconds, keep_levels=True)
    found = []
    if query.bars and not sound.beats.has_pulse:
        return []
    cheapest = _cheapest(sound, query, at_bars=sound.metre > 0)
    if not cheapest and not query.bars:
        cheapest = _cheapest(sound, query, at_bars=False)
    for cost, cut, number in cheapest:
        (aligned,) = cutter.align([cut])
        jump = cutter.describe(aligned)
        loop = Loop(aligned.splice.target, aligned.departure, cutter.rate, aligned.splice.fade, number, jump)
        found.append((cost + aligned.cost, loop))
    distinct: list[Loop] = []
    for _, loop in sorted(found, key=lambda pair: pair[0]):
        if not any(_are_same(loop, other) for other in distinct):
            distinct.append(loop)
    return distinct


def _cheapest(sound: WholeSound, query: LoopQuery, *, at_bars: bool) -> list[tuple[float, Cut, int | None]]:
    """Return the cheapest cuts from the end of a loop to its beginning: cost, cut, and number of bars."""
    leave, reach = _moments(sound, at_bars=at_bars)
    if not len(leave):
        return []
    bars, least, most = query.bars, query.least, query.most
    ends, begins = np.ones(len(leave), bool), np.ones(len(reach), bool)
    if query.near:
        begins, ends = (_nearest(times, at) for times, at in zip((reach, leave), query.near, strict=True))
    if least is None:
        any_length = bars or query.near
        least = 0.0 if any_length else min(LEAST_SECONDS, LEAST_SHARE * float(leave[-1] - reach[0]))
    numbers = np.arange(len(leave))
    sections = np.array([section.begin for section in sound.material.analysis.sections])
    usual = float(np.median(np.diff(leave))) if len(leave) > 1 else 1.0
    amid = AMID_COST * (np.abs(leave[:, None] - sections).min(axis=1) > NEAR_SECONDS)
    found: list[tuple[float, Cut, int | None]] = []
    for at in range(0, len(leave), ROWS):
        rows = leave[at : at + ROWS]
        seconds = rows[:, None] - reach
        possible = (seconds >= max(least, LEAST_LOOP_SECONDS)) & (seconds <= (most or np.inf))
        possible &= ends[at : at + ROWS, None] & begins
        if at_bars:
            apart = numbers[at : at + ROWS, None] - numbers
            possible &= (apart == bars) if bars else (apart > 0)
            possible &= np.abs(seconds / np.maximum(apart, 1) / usual - 1) < OTHER_TEMPO
        if not possible.any():
            continue
        short = SHORT_COST * np.log2(np.maximum(1, SHORT_SECONDS / np.maximum(seconds, LEAST_LOOP_SECONDS)))
        cost = np.where(possible, sound.costs(rows, reach) + short, np.inf)
        if at_bars:
            cost += amid[at : at + ROWS, None] + amid
        for flat in np.argsort(cost, axis=None, kind="stable")[:TRIED].tolist():
            row, column = divmod(flat, len(reach))
            if possible[row, column]:
                number = at + row - column if at_bars and sound.beats.has_pulse else None
                found.append((float(cost[row, column]), Cut(float(rows[row]), float(reach[column]), 0.0), number))
    return sorted(found, key=lambda candidate: candidate[0])[:TRIED]


def _moments(sound: WholeSound, *, at_bars: bool) -> tuple[Times, Times]:
    """Return the moments at which loops may end, and at which they may begin."""
    bounds, rate, grid = sound.material.bounds, sound.material.song.sample_rate, sound.grid
    begin, end = bounds.begin / rate, bounds.end / rate
    begin += min(MARGIN_SECONDS, MARGIN_SHARE * (end - begin))
    if at_bars:
        lines = grid.times[(grid.phases == 0) & (grid.times > begin) & (grid.times <= end)]
        return lines, lines
    return np.append(grid.times[(grid.times > begin) & (grid.times < end)], end), np.arange(
        begin, end, max(LOOSE_SECONDS, (end - begin) / MOST_LOOSE)
    )


def _nearest(times: Times, seconds: float) -> NDArray[np.bool_]:
    """Mark the time that is nearest to another."""
    nearest: NDArray[np.bool_] = np.arange(len(times)) == np.argmin(np.abs(times - seconds))
    return nearest


def _are_same(one: Loop, other: Loop) -> bool:
    """Tell whether two loops are as long and lie over each other for the most part."""
    lengths = one.end - one.begin, other.end - other.begin
    over = min(one.end, other.end) - max(one.begin, other.begin)
    return abs(lengths[0] - lengths[1]) < SAME_SECONDS * one.sample_rate and over > SAME_SHARE * max(lengths)
