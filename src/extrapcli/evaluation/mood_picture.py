"""Pictures of moods: that of a song over its waveform, and that of a track beside the one that was wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extrapcli.analysis.summary import clock
from extrapcli.evaluation.picture import (
    ENERGY_COLOUR,
    FAINT,
    INK,
    WIDTH_INCHES,
    draw_minutes,
    draw_outline,
    plain_name,
    save,
)
from extrapcli.mood import Scale, extremes

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from extrapcli.analysis import Analysis
    from extrapcli.mood.meter import Mood

HEIGHT_INCHES, FOLLOWING_HEIGHT_INCHES = 4.5, 3.0
LOWEST, HIGHEST = -0.4, 1.6  # levels


def draw_mood(analysis: Analysis, path: Path, *, overwrite: bool = False) -> None:
    """Draw the mood of a song into a PNG, SVG or PDF file, by its name."""
    from matplotlib.figure import Figure

    scale, seconds = Scale.of(analysis), analysis.song.seconds
    levels = np.clip(scale.levels(analysis.energy), LOWEST, HIGHEST)
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 3))
    draw_outline(above, analysis)
    above.set(ylim=(-1.1, 1.1), yticks=[], ylabel="waveform")
    _draw_scale(below)
    times = np.arange(len(levels)) / len(levels) * seconds
    below.fill_between(times, LOWEST, levels, color=ENERGY_COLOUR, alpha=0.25, linewidth=0)
    below.plot(times, levels, color=ENERGY_COLOUR, linewidth=1.4)
    calmest, liveliest = extremes(analysis, scale)
    for name, stretch, height, side in (
        ("calmest", calmest, LOWEST + 0.06, "bottom"),
        ("liveliest", liveliest, HIGHEST - 0.06, "top"),
    ):
        end = stretch.begin + stretch.seconds
        below.plot(
            [stretch.begin, end],
            [max(stretch.level, LOWEST + 0.04)] * 2,
            color=INK,
            linewidth=4,
            solid_capstyle="butt",
        )
        late = stretch.begin > seconds / 2
        below.text(
            end if late else stretch.begin,
            height,
            f"{name} {stretch.seconds:.0f} s: {clock(stretch.begin)}",
            ha="right" if late else "left",
            va=side,
        )
        below.axvspan(stretch.begin, end, color=INK, alpha=0.12, linewidth=0)
    draw_minutes(below, seconds)
    figure.suptitle(f"{plain_name(analysis)}: calm and lively", fontsize=12)
    save(figure, path, overwrite=overwrite)


def draw_following(mood: Mood, path: Path, *, overwrite: bool = False) -> None:
    """Draw the mood of a track beside the one that was wanted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, FOLLOWING_HEIGHT_INCHES), layout="constrained")
    axis = figure.subplots()
    _draw_scale(axis)
    seconds = mood.from_seconds + 0.5 + np.arange(len(mood.wanted))
    axis.fill_between(seconds, LOWEST, mood.reached, color=ENERGY_COLOUR, alpha=0.25, linewidth=0)
    axis.plot(seconds, mood.reached, color=ENERGY_COLOUR, linewidth=1.4, label="reached")
    axis.plot(seconds, mood.wanted, color=INK, linewidth=1.8, linestyle="--", label="wanted")
    axis.axvspan(0, mood.from_seconds, color=FAINT, alpha=0.2, linewidth=0)
    axis.text(mood.from_seconds / 2, 0.5, "the song", ha="center", va="center")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    draw_minutes(axis, mood.from_seconds + len(mood.wanted))
    save(figure, path, overwrite=overwrite)


def _draw_scale(axis: Axes) -> None:
    axis.axhline(0, color=FAINT, linewidth=0.8)
    axis.axhline(1, color=FAINT, linewidth=0.8)
    axis.set(ylim=(LOWEST, HIGHEST), yticks=[0, 1], yticklabels=["calm", "lively"])
