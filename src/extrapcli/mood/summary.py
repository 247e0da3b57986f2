"""The mood of a song in words and as a curve of text, for a person, and in plain values, for a program."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from extrapcli.analysis import Analysis
from extrapcli.analysis.grid import means
from extrapcli.analysis.summary import clock, each_second
from extrapcli.mood import Scale, Stretch, extremes, kept_level

ROWS, LEAST_COLUMNS, MOST_COLUMNS = 8, 20, 120
MARGIN = "lively |"
TICK_COLUMNS = 12


def lines(analysis: Analysis, *, columns: int) -> Iterator[str]:
    """Tell the mood of a song, and draw it as a curve that is so many columns wide, 20 to 120."""
    scale = Scale.of(analysis)
    yield f"song: {analysis.song.name}"
    yield from _curve(analysis, scale, min(max(columns, LEAST_COLUMNS), MOST_COLUMNS) - len(MARGIN))
    for name, stretch in zip(("calmest", "liveliest"), extremes(analysis, scale), strict=True):
        energy = scale.calm + stretch.level * (scale.lively - scale.calm)
        yield (
            f"{name} {stretch.seconds:.0f} seconds: from {clock(stretch.begin)}, level {stretch.level:.2f}, "
            f"energy {energy:.2f}"
        )
    yield f"a continuation begins at {clock(_left(analysis))}: level {kept_level(analysis, scale):.2f}"
    yield f"level 0, calm, is an energy of {scale.calm:.2f}, and level 1, lively, one of {scale.lively:.2f}"


def facts(analysis: Analysis) -> dict[str, Any]:
    """Return the mood of a song, as JSON can hold it; times are in seconds."""
    scale = Scale.of(analysis)
    calmest, liveliest = extremes(analysis, scale)
    energy = each_second(analysis.energy, analysis.song.seconds)
    return {
        "song": analysis.song.name,
        "seconds": analysis.song.seconds,
        "calm_energy": round(scale.calm, 3),
        "lively_energy": round(scale.lively, 3),
        "level_each_second": scale.levels(np.array(energy)).round(3).tolist(),
        "calmest": _fact(calmest),
        "liveliest": _fact(liveliest),
        "left_at": round(_left(analysis), 3),
        "kept_level": round(kept_level(analysis, scale), 3),
    }


def _fact(stretch: Stretch) -> dict[str, float]:
    return {"begin": round(stretch.begin, 1), "seconds": round(stretch.seconds, 1), "level": round(stretch.level, 3)}


def _left(analysis: Analysis) -> float:
    rate = analysis.song.sample_rate
    return analysis.bounds.leaves_at(rate) / rate


def _curve(analysis: Analysis, scale: Scale, columns: int) -> Iterator[str]:
    """Draw the level over time, from calm at the bottom to lively at the top."""
    edges = np.linspace(0, analysis.song.seconds, columns + 1)
    levels = scale.levels(means(analysis.energy[:, None].astype(np.float32), edges)[:, 0].astype(np.float64))
    heights = np.clip(np.round(levels * ROWS), 0, ROWS)
    for row in range(ROWS, 0, -1):
        margin = MARGIN if row == ROWS else "calm |".rjust(len(MARGIN)) if row == 1 else "|".rjust(len(MARGIN))
        yield (margin + "".join("#" if height >= row else " " for height in heights)).rstrip()
    ticks = [clock(at / columns * analysis.song.seconds) for at in range(0, columns, TICK_COLUMNS)]
    yield " " * len(MARGIN) + "".join(tick.ljust(TICK_COLUMNS) for tick in ticks).rstrip()
