"""A tune as MusicXML, written by music21.

We build the bars ourselves: music21's search for each note's context takes quadratic time, and an upbeat confuses its
`makeTies`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from extrapcli.melody.encoding import DURATIONS, METRES, STEPS_PER_QUARTER, Tune
from extrapcli.melody.keys import Key
from extrapcli.melody.optional import load_music21

DEFAULT_METRE = "4/4"  # of a tune without one, as in MIDI
WHOLE = 4 * STEPS_PER_QUARTER
BASS_CLEF_BELOW = 57  # A3, as the mean pitch of a tune
_LINE_OF_FIFTHS = "FCGDAEB"
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TIES = {(False, True): "start", (True, True): "continue", (True, False): "stop"}


@dataclass(frozen=True)
class WrittenNote:
    """A note or rest as it is written, or a part of it; `position` is where it begins in its bar, in steps."""

    pitch: int | None
    steps: int
    position: int
    tied_from: bool = False
    tied_to: bool = False


def musicxml(tune: Tune, key: Key, *, tempo: float) -> bytes:
    """Write a tune in a key signature as MusicXML; `tempo` is in quarters a minute.

    A tune without a metre is written in 4/4. Raises MissingDependency.
    """
    music21 = load_music21()
    tune = tune if tune.metre else replace(tune, metre=DEFAULT_METRE)
    metre = music21.meter.TimeSignature(tune.metre)
    signature = music21.key.KeySignature(key.fifths).asKey("minor" if key.minor else "major")
    low = sum(tune.pitches) < BASS_CLEF_BELOW * len(tune.pitches)
    clef = music21.clef.BassClef() if low else music21.clef.TrebleClef()
    part = music21.stream.Part()
    for number, bar in enumerate(split_bars(tune), start=0 if tune.upbeat else 1):
        measure = music21.stream.Measure(number=number)
        if not len(part):
            mark = music21.tempo.MetronomeMark(number=tempo, referent=1)
            measure.append([clef, signature, metre, mark])
            measure.paddingLeft = bar[0].position / STEPS_PER_QUARTER
        if number == 0:
            measure.showNumber = music21.stream.enums.ShowNumber.NEVER
        notes = [_note(music21, written, key) for written in bar]
        for note, beams in zip(notes, metre.getBeams(notes, measureStartOffset=measure.paddingLeft), strict=True):
            if beams and not note.isRest:
                note.beams = beams
        measure.append(notes)
        _show_accidentals(music21, notes, signature)
        part.append(measure)
    part[-1].rightBarline = music21.bar.Barline("final")
    score = music21.stream.Score([part])
    if title := _NOT_XML.sub("", tune.title).strip():
        score.metadata = music21.metadata.Metadata(title=title)
    exporter = music21.musicxml.m21ToXml.ScoreExporter(score, makeNotation=False)
    root = exporter.parse()
    for name in ("identification", "movement-title"):  # today's date, music21 as composer; the title again
        for element in root.findall(name):
            root.remove(element)
    for element in (root.find("part-list/score-part"), root.find("part")):
        element.set("id", "P1")  # music21 gives it a random one
    xml: bytes = exporter.asBytes()
    return xml


def split_bars(tune: Tune) -> Iterator[list[WrittenNote]]:
    """Split a tune that has a metre into bars, the upbeat first.

    Notes are cut at bar lines, and into lengths that can be written.
    """
    bar = METRES[tune.metre]
    written: list[WrittenNote] = []
    position = -tune.upbeat % bar
    for note in tune.notes:
        left = note.steps
        while left:
            here = min(left, bar - position)
            lengths = _written_lengths(here)
            for steps in lengths if here == left else reversed(lengths):
                sounds = note.pitch is not None
                tied_from, tied_to = sounds and left < note.steps, sounds and left > steps
                written.append(WrittenNote(note.pitch, steps, position, tied_from, tied_to))
                left -= steps
                position += steps
            if position == bar:
                yield _clear_rest(written, bar)
                written, position = [], 0
    if written:
        yield _clear_rest(written, bar)


def _clear_rest(written: list[WrittenNote], bar: int) -> list[WrittenNote]:
    """Write a whole rest alone in a longer bar as two halves, as by itself it stands for a rest of any whole bar."""
    rest = written[0]
    if len(written) > 1 or rest.pitch is not None or not rest.steps == WHOLE < bar:
        return written
    half = WHOLE // 2
    return [replace(rest, steps=half), replace(rest, steps=half, position=rest.position + half)]


def spell(pitch: int, key: Key) -> tuple[str, int, int]:
    """Spell a MIDI number as a letter, an alteration in semitones and an octave.

    The twelve names are neighbours on the line of fifths: E flat to G sharp in C major, B flat to D sharp in A minor.
    (music21 spells without regard to the key.)
    """
    first = key.fifths - 3 + key.minor
    fifths = first + (7 * pitch - first) % 12 + 1  # from F
    letter, alteration = _LINE_OF_FIFTHS[fifths % 7], fifths // 7
    return letter, alteration, (pitch - alteration) // 12 - 1


def _written_lengths(steps: int) -> list[int]:
    """Split a number of steps into lengths that can be written, the longest first."""
    lengths = []
    for length in sorted(DURATIONS, reverse=True):
        while steps >= length:
            lengths.append(length)
            steps -= length
    return lengths


def _show_accidentals(music21: Any, notes: list[Any], signature: Any) -> None:
    """Show the accidentals of a bar that neither its key signature nor a note before on the same line gives.

    (music21's `makeAccidentals` leaves out that of a note after its natural in another octave.)
    """
    in_force: dict[str, float] = {}
    for note in notes:
        if note.isRest:
            continue
        by_key = signature.accidentalByStep(note.pitch.step)
        line = f"{note.pitch.step}{note.pitch.octave}"
        begins = note.tie is None or note.tie.type == "start"
        shown = begins and note.pitch.alter != in_force.get(line, by_key.alter if by_key else 0)
        if begins:
            in_force[line] = note.pitch.alter
        note.pitch.accidental = music21.pitch.Accidental(note.pitch.alter)
        note.pitch.accidental.displayStatus = shown


def _note(music21: Any, written: WrittenNote, key: Key) -> Any:
    length = written.steps / STEPS_PER_QUARTER
    if written.pitch is None:
        return music21.note.Rest(quarterLength=length)
    letter, alteration, octave = spell(written.pitch, key)
    pitch = music21.pitch.Pitch(step=letter, accidental=alteration, octave=octave)
    note = music21.note.Note(pitch, quarterLength=length)
    if tie := _TIES.get((written.tied_from, written.tied_to)):
        note.tie = music21.tie.Tie(tie)
    return note
