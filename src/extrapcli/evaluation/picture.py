"""The picture of an analysis: waveform, bars, sections, loudness, energy and chords of a song above each other."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extrapcli.analysis import Analysis
from extrapcli.analysis.summary import brief, chord_runs, clock
from extrapcli.atomic import atomic_file, is_folder, is_same_file, refuse_existing
from extrapcli.errors import CannotWrite, MissingDependency, UsageError
from extrapcli.evaluation.drawing import chord_colour, outline, section_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
WIDTH_INCHES, HEIGHT_INCHES, DOTS_PER_INCH = 12, 6, 110
COLUMNS = 2000  # of the waveform
MOST_BAR_LINES = 300  # in a longer song, only the lines of phrases are drawn
LEAST_NAME_SHARE = 0.012  # of the width: a chord that takes less has no name
LEAST_LUFS = -60.0
TICKS_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
MOST_TICKS = 14
INK, FAINT = "#333333", "#8a8a8a"
ENERGY_COLOUR, LOUDNESS_COLOUR = "#d1495b", "#2b7bba"


def check_picture(path: Path, song: Path, *, overwrite: bool) -> None:
    """Check that a picture of a song can be written, before the work.

    Raises MissingDependency without matplotlib, UsageError for a name that ends otherwise or is the song's,
    CannotWrite for a file that exists or a folder that doesn't.
    """
    if not find_spec("matplotlib"):
        raise MissingDependency('a picture needs matplotlib: pip install "extrapcli[report]"')
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: is no picture by its name; name it .png, .svg or .pdf")
    if is_same_file(path, song):
        raise UsageError(f"{path}: is the song itself; write the picture under another name")
    if not is_folder(path.parent):
        raise CannotWrite(f"{path}: there is no folder {path.parent}; make it first")
    refuse_existing(path, overwrite)


def draw_analysis(analysis: Analysis, path: Path, *, overwrite: bool = False) -> None:
    """Draw an analysis into a PNG, SVG or PDF file, by its name."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=(5, 3, 2.2))
    _draw_waveform(above, analysis)
    _draw_curves(middle, analysis)
    _draw_chords(below, analysis)
    draw_minutes(below, analysis.song.seconds)
    figure.suptitle(f"{plain_name(analysis)}: {brief(analysis)}", fontsize=12)
    save(figure, path, overwrite=overwrite)


def save(figure: Figure, path: Path, *, overwrite: bool) -> None:
    """Write a figure into a PNG, SVG or PDF file, by its name."""
    with atomic_file(path, overwrite=overwrite) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=DOTS_PER_INCH)


def plain_name(analysis: Analysis) -> str:
    """Return the name of the song as a title takes it."""
    return Path(analysis.song.name).name.replace("$", r"\$")  # which would begin a formula


def draw_minutes(axis: Axes, seconds: float) -> None:
    """Let an axis of time run up to so many seconds, in minutes and seconds."""
    from matplotlib.ticker import MultipleLocator

    axis.set_xlim(0, seconds)
    step = next((step for step in TICKS_SECONDS if seconds <= MOST_TICKS * step), TICKS_SECONDS[-1])
    axis.xaxis.set_major_locator(MultipleLocator(step))
    axis.xaxis.set_major_formatter(lambda seconds, _: clock(seconds).removesuffix(".0"))
    axis.set_xlabel("minutes:seconds")


def draw_outline(axis: Axes, analysis: Analysis) -> None:
    """Draw the waveform of a song."""
    low, high = outline(analysis.mono, COLUMNS)
    at = np.arange(len(low)) / len(low) * analysis.song.seconds
    axis.fill_between(at, low, high, color=INK, alpha=0.75, linewidth=0, step="post")


def _draw_waveform(axis: Axes, analysis: Analysis) -> None:
    colours = section_colours(analysis.sections)
    for section in analysis.sections:
        axis.axvspan(section.begin, section.end, color=colours[section.label], alpha=0.45, linewidth=0)
        axis.text(
            (section.begin + section.end) / 2,
            1.13,
            section.label,
            ha="center",
            va="center",
            fontsize=12,
            clip_on=True,
        )
        axis.axvline(section.begin, color=INK, linewidth=1.2)
    draw_outline(axis, analysis)
    phrases = [phrase for section in analysis.sections for phrase in section.phrases]
    downbeats = analysis.beats.downbeats if analysis.beats.has_pulse else np.zeros(0)
    if len(downbeats) <= MOST_BAR_LINES:
        axis.vlines(downbeats, -1.1, -1.0, color=INK, linewidth=0.6)
    axis.vlines(phrases, -1.1, -0.9, color=INK, linewidth=1.6)
    axis.set(ylim=(-1.1, 1.26), yticks=[], ylabel="waveform, sections;\nbelow: phrases and bars")


def _draw_curves(axis: Axes, analysis: Analysis) -> None:
    times = np.arange(len(analysis.energy)) / len(analysis.energy) * analysis.song.seconds
    axis.fill_between(times, 0, analysis.energy, color=ENERGY_COLOUR, alpha=0.25, linewidth=0)
    axis.plot(times, analysis.energy, color=ENERGY_COLOUR, linewidth=1.4)
    axis.set(ylim=(0, 1))
    axis.set_ylabel("energy, 0 to 1", color=ENERGY_COLOUR)
    other = axis.twinx()
    loudness = np.maximum(analysis.loudness, LEAST_LUFS)
    other.plot(times, loudness, color=LOUDNESS_COLOUR, linewidth=0.7, alpha=0.8)
    other.set(ylim=(min(-40.0, float(np.percentile(loudness, 5)) - 3), 0))
    other.set_ylabel("loudness, LUFS", color=LOUDNESS_COLOUR)


def _draw_chords(axis: Axes, analysis: Analysis) -> None:
    for begin, end, name in chord_runs(analysis.chords):
        if name == "-":
            continue
        axis.broken_barh([(begin, end - begin)], (0, 1), facecolor=chord_colour(name), edgecolor="white")
        if end - begin > LEAST_NAME_SHARE * analysis.song.seconds:
            axis.text((begin + end) / 2, 0.5, name, ha="center", va="center", fontsize=8, clip_on=True)
    axis.set(ylim=(0, 1), yticks=[], ylabel="chords")
