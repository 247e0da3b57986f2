"""A tune as MusicXML 4.0, which every notation program reads.

The format is that of w3.org/2021/06/musicxml40: a bar is a `measure`, a note that goes on over its end is two with a
tie, and what a reader sees of a note (type, dot, accidental, beams) stands beside what it is.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement

from extrapcli.melody.encoding import DURATIONS, METRES, STEPS_PER_QUARTER, Tune
from extrapcli.melody.keys import Key

DEFAULT_METRE = "4/4"  # of a tune without one, as MIDI files have it
LOW = 57  # a tune whose middle lies below A3 is written in the bass clef
_DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC '
    '"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_LETTERS = "FCGDAEB"  # the line of fifths
_TYPES = {1: "16th", 2: "eighth", 4: "quarter", 8: "half", 16: "whole"}
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_BEAMED = 3  # steps of the longest note that has a flag
_BEAT_STEPS = {"2": 8, "4": 4, "8": 6}  # how far beams reach, by the lower number of the metre
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Sign:
    """What is written for a note or a part of it; `place` is where in the bar it begins, in steps."""

    pitch: int | None
    steps: int
    place: int
    tied_from: bool = False
    tied_on: bool = False


def musicxml(tune: Tune, key: Key, *, tempo: float) -> bytes:
    """A tune of pitches as they sound, in the signature of its key; `tempo` is in quarters a minute.

    A tune without a metre is written in 4/4.
    """
    tune = tune if tune.metre else replace(tune, metre=DEFAULT_METRE)
    score = Element("score-partwise", version="4.0")
    if title := _NO_XML.sub("", tune.title).strip():
        _leaf(SubElement(score, "work"), "work-title", title)
    _leaf(SubElement(SubElement(score, "part-list"), "score-part", id="P1"), "part-name")
    part = SubElement(score, "part", id="P1")
    for number, signs in enumerate(bars(tune), start=0 if tune.upbeat else 1):
        measure = SubElement(part, "measure", number=str(number))
        if number == 0:
            measure.set("implicit", "yes")
        if len(part) == 1:
            _begin(measure, tune, key, tempo)
        _write(measure, signs, key, _BEAT_STEPS[tune.metre.partition("/")[2]])
    _leaf(SubElement(part[-1], "barline", location="right"), "bar-style", "light-heavy")
    ET.indent(score)
    return (_DOCTYPE + ET.tostring(score, encoding="unicode") + "\n").encode()


def bars(tune: Tune) -> Iterator[list[Sign]]:
    """The bars of a tune that has a metre, the upbeat first.

    Notes are cut where bars end, and into lengths that can be written.
    """
    bar = METRES[tune.metre]
    signs: list[Sign] = []
    place = -tune.upbeat % bar
    for note in tune.notes:
        left = note.steps
        while left:
            here = min(left, bar - place)
            for steps in _lengths(here) if here == left else reversed(_lengths(here)):
                sounds = note.pitch is not None
                signs.append(Sign(note.pitch, steps, place, sounds and left < note.steps, sounds and left > steps))
                left -= steps
                place += steps
            if place == bar:
                yield signs
                signs, place = [], 0
    if signs:
        yield signs


def spell(pitch: int, key: Key) -> tuple[str, int, int]:
    """Letter, alteration in semitones and octave of a MIDI number.

    The twelve names are neighbours on the line of fifths: E flat to G sharp in C major, B flat to D sharp in A minor.
    """
    first = key.fifths - 3 + key.minor
    place = first + (7 * pitch - first) % 12 + 1  # after F
    letter, alter = _LETTERS[place % 7], place // 7
    return letter, alter, (pitch - alter) // 12 - 1


def beams(signs: list[Sign], beat: int) -> list[list[str]]:
    """For each sign of a bar the MusicXML value of each of its beams; one reaches over `beat` steps at the most."""
    written: list[list[str]] = [[] for _ in signs]
    flagged = [sign.pitch is not None and sign.steps <= _BEAMED for sign in signs]
    places = range(len(signs))
    for (joined, _), run in groupby(places, key=lambda i: (flagged[i], signs[i].place // beat if flagged[i] else 0)):
        group = list(run)
        if not joined or len(group) == 1:
            continue
        for i, value in zip(group, _ends(len(group)), strict=True):
            written[i].append(value)
        for short, inner in groupby(group, key=lambda i: signs[i].steps == 1):
            if short:
                few = list(inner)
                hook = "forward hook" if few[0] == group[0] else "backward hook"
                for i, value in zip(few, _ends(len(few)) if len(few) > 1 else [hook], strict=True):
                    written[i].append(value)
    return written


def _ends(count: int) -> list[str]:
    return ["begin", *["continue"] * (count - 2), "end"]


def _lengths(steps: int) -> list[int]:
    """Lengths that can be written, the longest first, that add up to so many steps."""
    lengths = []
    for length in sorted(DURATIONS, reverse=True):
        while steps >= length:
            lengths.append(length)
            steps -= length
    return lengths


def _begin(measure: Element, tune: Tune, key: Key, tempo: float) -> None:
    attributes = SubElement(measure, "attributes")
    _leaf(attributes, "divisions", STEPS_PER_QUARTER)
    signature = SubElement(attributes, "key")
    _leaf(signature, "fifths", key.fifths)
    _leaf(signature, "mode", "minor" if key.minor else "major")
    time = SubElement(attributes, "time")
    for name, number in zip(("beats", "beat-type"), tune.metre.split("/"), strict=True):
        _leaf(time, name, number)
    clef = SubElement(attributes, "clef")
    low = sum(tune.pitches) < LOW * len(tune.pitches)
    _leaf(clef, "sign", "F" if low else "G")
    _leaf(clef, "line", 4 if low else 2)
    direction = SubElement(measure, "direction", placement="above")
    metronome = SubElement(SubElement(direction, "direction-type"), "metronome")
    _leaf(metronome, "beat-unit", "quarter")
    _leaf(metronome, "per-minute", f"{tempo:g}")
    SubElement(direction, "sound", tempo=f"{tempo:g}")


def _write(measure: Element, signs: list[Sign], key: Key, beat: int) -> None:
    altered: dict[tuple[str, int], int] = {}
    for sign, values in zip(signs, beams(signs, beat), strict=True):
        note = SubElement(measure, "note")
        accidental = None
        if sign.pitch is None:
            SubElement(note, "rest")
        else:
            letter, alter, octave = spell(sign.pitch, key)
            pitch = SubElement(note, "pitch")
            _leaf(pitch, "step", letter)
            _leaf(pitch, "alter", alter)
            _leaf(pitch, "octave", octave)
            if alter != altered.get((letter, octave), _signature(letter, key.fifths)) and not sign.tied_from:
                altered[letter, octave] = alter
                accidental = _ACCIDENTALS[alter]
        _leaf(note, "duration", sign.steps)
        ties = [kind for kind, tied in (("stop", sign.tied_from), ("start", sign.tied_on)) if tied]
        for kind in ties:
            SubElement(note, "tie", type=kind)
        dotted = sign.steps not in _TYPES
        _leaf(note, "type", _TYPES[sign.steps * 2 // 3 if dotted else sign.steps])
        if dotted:
            SubElement(note, "dot")
        if accidental:
            _leaf(note, "accidental", accidental)
        for number, value in enumerate(values, start=1):
            _leaf(note, "beam", value).set("number", str(number))
        if ties:
            notations = SubElement(note, "notations")
            for kind in ties:
                SubElement(notations, "tied", type=kind)


def _signature(letter: str, fifths: int) -> int:
    """By how much the signature alters a letter."""
    return (fifths + 6 - _LETTERS.index(letter)) // 7


def _leaf(parent: Element, name: str, text: str | int = "") -> Element:
    leaf = SubElement(parent, name)
    leaf.text = str(text)
    return leaf
