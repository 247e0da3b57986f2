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
from extrapcli.extrapolators.base import ALL

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

    Where layers jump one by one, it is the harmonic one that counts. New bars are left out. Of joins that don't say
    where they go, only the head is known.
    """
    places: list[tuple[float, float | None]] = [(0.0, 0.0)]
    for join in joins:
        if join.is_new:
            places.append((join.seconds, None))
        elif join.sounds:
            places.append((join.sounds[0].seconds, join.sounds[0].song_seconds))
        elif join.jump and join.jump.layer != "percussive":
            places.append((join.seconds + join.fade_seconds, join.jump.to_seconds))
    return _played(places, track_seconds if len(places) > 1 else head_seconds)


def new_bars(analysis: Analysis, joins: Sequence[MeasuredJoin], track_seconds: float) -> dict[str, Any] | None:
    """Return where a track has new bars, and of which sections its layers are; None if it has none."""
    sounds = [sound for join in joins for sound in join.sounds]
    names = sorted({sound.layer for sound in sounds} - {ALL}, reverse=True)
    if not names:
        return None
    ends = [*(join.seconds for join in joins[1:]), track_seconds]
    spans = [(join.seconds, end) for join, end in zip(joins, ends, strict=True) if join.is_new]
    layers = []
    for name in names:
        places = [(0.0, 0.0), *((one.seconds, one.song_seconds) for one in sounds if one.layer in (name, ALL))]
        layers.append({"name": name, "sections": _sections(analysis, _played(places, track_seconds))})
    return {"spans": np.round(spans, 3).tolist(), "layers": layers}


def _played(places: Sequence[tuple[float, float | None]], end: float) -> list[Stretch]:
    """Play the song from each begin and position on up to the next begin; nothing where the position is None."""
    ends = [*(begin for begin, _ in places[1:]), end]
    return [
        Stretch(begin, until, position)
        for (begin, position), until in zip(places, ends, strict=True)
        if position is not None
    ]


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
    beats = analysis.beats
    numbers = np.cumsum(beats.positions == 0)
    bars, times = [], []
    for stretch in played if beats.has_pulse else ():
        at = beats.times + stretch.begin - stretch.position
        inside = (at >= stretch.begin) & (at < stretch.end)
        first = inside & (beats.positions == 0)
        times += np.round(at[inside], 3).tolist()
        bars += list(zip(np.round(at[first], 3).tolist(), numbers[first].tolist(), strict=True))
    return {"sections": _sections(analysis, played), "bars": bars, "beats": times}


def _sections(analysis: Analysis, played: Sequence[Stretch]) -> list[dict[str, Any]]:
    """Return the sections of sound that plays stretches of the song."""
    colours = section_colours(analysis.sections)
    sections = []
    for stretch in played:
        shift = stretch.begin - stretch.position
        for section in analysis.sections:
            begin, end = max(section.begin + shift, stretch.begin), min(section.end + shift, stretch.end)
            if begin < end:
                colour = _hex(colours[section.label])
                sections.append(
                    {"begin": round(begin, 3), "end": round(end, 3), "name": section.label, "colour": colour}
                )
    return sections


def _hex(colour: tuple[float, float, float, float]) -> str:
    return str(to_hex(colour, keep_alpha=True))
