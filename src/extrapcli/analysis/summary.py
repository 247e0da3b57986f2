"""An analysis in words, for a person, and in plain values, for a program."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.analysis.grid import means
from extrapcli.analysis.harmony import NO_CHORD, Chords, chord_name
from extrapcli.audio.loudness import integrated

SURE, LIKELY = 0.8, 0.5  # confidences from which one is put so
LEAST_CENTS = 5
MOST_CHORDS, LEAST_SHARE = 6, 0.01


def lines(analysis: Analysis) -> Iterator[str]:
    """Tell the tempo, metre, key, chords, loudness, energy and sections of a song, a line for each."""
    beats, key = analysis.beats, analysis.key
    if beats.has_pulse:
        yield f"tempo: {beats.bpm:.1f} beats a minute, {_sureness(beats.confidence)}"
        yield f"metre: {beats.metre} beats in a bar, {_sureness(beats.bar_confidence)}"
    else:
        yield f"tempo: no clear pulse (confidence {beats.confidence:.2f}), so no bars"
    yield f"key: {key.name}, {_sureness(key.confidence)}" if key else "key: none, as no notes stand out"
    if key and abs(cents := round(100 * analysis.tuning)) >= LEAST_CENTS:
        yield f"tuning: {abs(cents)} cents {'above' if cents > 0 else 'below'} A = 440 Hz"
    yield f"chords: {', '.join(_frequent_chords(analysis.chords))}"
    yield f"loudness: {integrated(analysis.loudness):.1f} LUFS"
    low, middle, high = np.percentile(analysis.energy, (5, 50, 95))
    yield f"energy: {middle:.2f} of 1, mostly between {low:.2f} and {high:.2f}"
    bounds, rate = analysis.bounds, analysis.song.sample_rate
    ending = f", its ending from {clock(bounds.ending / rate)}" if bounds.ends_by_itself else ", and is cut off there"
    yield f"music: from {clock(bounds.begin / rate)} to {clock(bounds.end / rate)}{ending}"
    yield f"sections: {len(analysis.sections)}"
    for section in analysis.sections:
        long = _bars(analysis, section.begin, section.end) if beats.has_pulse else ""
        yield f"  {clock(section.begin)} to {clock(section.end)}  {section.label}{long}"


def brief(analysis: Analysis) -> str:
    """Tell key, tempo and metre in a few words, as `A minor, 92 beats a minute, 4 in a bar`."""
    beats, key = analysis.beats, analysis.key
    pulse = f"{beats.bpm:.0f} beats a minute, {beats.metre} in a bar" if beats.has_pulse else "no clear pulse"
    return f"{key.name if key else 'no key'}, {pulse}"


def facts(analysis: Analysis) -> dict[str, Any]:
    """Return all of an analysis but the onset strength, as JSON can hold it; times are in seconds."""
    song, beats, key, bounds = analysis.song, analysis.beats, analysis.key, analysis.bounds
    return {
        "song": song.name,
        "seconds": song.seconds,
        "sample_rate": song.sample_rate,
        "channels": song.channels,
        "music": {name: getattr(bounds, name) / song.sample_rate for name in ("begin", "ending", "end")},
        "silences": [[time / song.sample_rate for time in silence] for silence in bounds.silences],
        "has_pulse": beats.has_pulse,
        "pulse_confidence": round(beats.confidence, 3),
        "bpm": round(beats.bpm, 2),
        "metre": beats.metre,
        "bar_confidence": round(beats.bar_confidence, 3),
        "beats": _rounded(beats.times),
        "positions": beats.positions.tolist(),
        "key": key
        and {"name": key.name, "tonic": key.tonic, "mode": key.mode, "confidence": round(key.confidence, 3)},
        "tuning_cents": round(100 * analysis.tuning, 1),
        "sections": [
            {
                "begin": round(section.begin, 3),
                "end": round(section.end, 3),
                "label": section.label,
                "phrases": _rounded(section.phrases),
            }
            for section in analysis.sections
        ],
        "chords": [
            {"begin": round(begin, 3), "end": round(end, 3), "name": name}
            for begin, end, name in chord_runs(analysis.chords)
        ],
        "lufs": round(integrated(analysis.loudness), 2),
        "loudness_each_second": each_second(analysis.loudness, song.seconds),
        "energy_each_second": each_second(analysis.energy, song.seconds),
    }


def chord_runs(chords: Chords) -> list[tuple[float, float, str]]:
    """Join beats with the same chord: where each begins and ends, in seconds, and its name."""
    changes = np.flatnonzero(np.diff(chords.numbers, prepend=-1, append=-1))
    return [
        (float(chords.edges[first]), float(chords.edges[after]), chord_name(int(chords.numbers[first])))
        for first, after in pairwise(changes.tolist())
    ]


def clock(seconds: float) -> str:
    """Write a time as minutes and seconds, as `1:02.5`."""
    tenths = round(10 * seconds)
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"


def _sureness(confidence: float) -> str:
    word = "sure" if confidence >= SURE else "likely" if confidence >= LIKELY else "uncertain"
    return f"{word} (confidence {confidence:.2f})"


def _frequent_chords(chords: Chords) -> list[str]:
    """Return the chords that sound longest, with their shares of the music, and the share without any."""
    shares = chords.shares
    order = [int(k) for k in np.argsort(-shares[:NO_CHORD], kind="stable")[:MOST_CHORDS] if shares[k] > LEAST_SHARE]
    none = [f"none {shares[NO_CHORD]:.0%}"] if shares[NO_CHORD] > LEAST_SHARE else []
    return [f"{chord_name(k)} {shares[k]:.0%}" for k in order] + none


def _bars(analysis: Analysis, begin: float, end: float) -> str:
    downbeats = analysis.beats.downbeats
    count = round((end - begin) / float(np.median(np.diff(downbeats)))) if len(downbeats) > 1 else 0
    return f"  {count} bars" if count else ""


def _rounded(values: NDArray[np.float64] | tuple[float, ...]) -> list[float]:
    return [round(float(value), 3) for value in values]


def each_second(values: NDArray[np.float64], seconds: float) -> list[float]:
    """Return the means of values, 15 a second, in each second of a song; the last second may be shorter."""
    edges = np.arange(np.ceil(seconds) + 1)
    return _rounded(means(values[:, None].astype(np.float32), edges)[:, 0].astype(float))
