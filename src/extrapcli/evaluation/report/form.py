"""The analysis of a song as the page draws it: along the song, and along the track that plays it in another order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import to_hex

from extrapcli.analysis import Analysis
from extrapcli.analysis.summary import brief, chord_runs
from extrapcli.evaluation.drawing import chord_colour, section_colours
from extrapcli.evaluation.report import pictures
from extrapcli.evaluation.results import MeasuredJoin

NO_BARS = "So no bar lines are drawn, and positions in the song are given in minutes and seconds."


@dataclass(frozen=True)
class Stretch:
    """A stretch of sound that plays the song as it is from a position on.

    Attributes:
        begin: in seconds of the sound.
        end: in seconds of the sound.
        position: in seconds of the song, where the stretch begins.
    """

    begin: float
    end: float
    position: float


def stretches(joins: Sequence[MeasuredJoin], *, head_seconds: float, track_seconds: float) -> list[Stretch]:
    """Tell which stretches of the song a track plays: its head, then as its joins jump.

    Where layers jump one by one, it is the harmonic one that counts. Of joins that don't say where they go, only the
    head is known.
    """
    jumps = [(join, join.jump) for join in joins if join.jump and join.jump.layer != "percussive"]
    begins = [0.0, *(join.seconds + join.fade_seconds for join, _ in jumps)]
    ends = [*begins[1:], track_seconds if jumps else head_seconds]
    positions = [0.0, *(jump.to_seconds for _, jump in jumps)]
    return [Stretch(*row) for row in zip(begins, ends, positions, strict=True)]


def found(analysis: Analysis, track: Sequence[Stretch]) -> dict[str, Any]:
    """Return what the page draws of an analysis, as JSON can hold it; times are in seconds."""
    beats, seconds = analysis.beats, analysis.song.seconds
    words = f"{brief(analysis)}."
    return {
        "words": words[0].upper() + words[1:] + ("" if beats.has_pulse else f" {NO_BARS}"),
        "bar_seconds": beats.metre * 60 / beats.bpm if beats.has_pulse else None,
        "metre": beats.metre,
        "song": _form(analysis, [Stretch(0.0, seconds, 0.0)]),
        "track": _form(analysis, track),
        "waveform": pictures.waveform(analysis.song.samples),
        "chords": [
            {"begin": round(begin, 3), "end": round(end, 3), "name": name, "colour": _hex(chord_colour(name))}
            for begin, end, name in chord_runs(analysis.chords)
            if name != "-"
        ],
        "voice": np.round(analysis.voice.phrases, 3).tolist(),
        "energy": pictures.line(analysis.energy),
    }


def _form(analysis: Analysis, played: Sequence[Stretch]) -> dict[str, Any]:
    """Return the sections, bar lines with their numbers, and beats of sound that plays stretches of the song."""
    colours = section_colours(analysis.sections)
    beats = analysis.beats
    numbers = np.cumsum(beats.positions == 0)
    sections, bars, times = [], [], []
    for stretch in played:
        shift = stretch.begin - stretch.position
        for section in analysis.sections:
            begin, end = max(section.begin + shift, stretch.begin), min(section.end + shift, stretch.end)
            if begin < end:
                colour = _hex(colours[section.label])
                sections.append(
                    {"begin": round(begin, 3), "end": round(end, 3), "name": section.label, "colour": colour}
                )
        if beats.has_pulse:
            at = beats.times + shift
            inside = (at >= stretch.begin) & (at < stretch.end)
            first = inside & (beats.positions == 0)
            times += np.round(at[inside], 3).tolist()
            bars += list(zip(np.round(at[first], 3).tolist(), numbers[first].tolist(), strict=True))
    return {"sections": sections, "bars": bars, "beats": times}


def _hex(colour: tuple[float, float, float, float]) -> str:
    return str(to_hex(colour, keep_alpha=True))
