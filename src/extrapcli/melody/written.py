"""Written music as music21 reads it: kern, MusicXML, and ABC beyond our own reader."""

import warnings
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError

from extrapcli.errors import UnreadableAudio
from extrapcli.melody.abc import build_tune
from extrapcli.melody.encoding import METRES, STEPS_PER_QUARTER, RejectReason, Tune
from extrapcli.melody.optional import load_music21
from extrapcli.melody.score import Metre, Part, Score, TimedNote, metre_at

Made = TypeVar("Made")
_one_at_a_time = Lock()  # music21 has global state
_NO_NOTES = ("ChordSymbol", "NoChord")  # which music21 counts as chords
_DRUMS = ("Unpitched", "PercussionChord", "PercussionClef")


def read_written(text: str, format: str, path: Path, make: Callable[[Any, str], Made]) -> list[Made]:
    """Read the pieces in a text of format musicxml, humdrum or abc, and make something of the music21 score of each.

    `make` is `written_tune` or `written_score`. Raises UnreadableAudio, which names `path`.
    """
    music21 = load_music21()
    with _one_at_a_time, warnings.catch_warnings(action="ignore"):  # it raises or repairs whatever it warns of
        try:
            whole = music21.converter.parseData(text, format=format)
            return [make(score, path.stem) for score in (whole.scores if hasattr(whole, "scores") else [whole])]
        except Exception as error:  # music21 raises whatever the damaged part raises
            ours = isinstance(error, (music21.exceptions21.Music21Exception, ParseError))
            reason = (str(error).strip().splitlines() if ours else None) or ["music21 finds a fault in it"]
            raise UnreadableAudio(f"{path}: cannot be read: {reason[0][:200]}") from None


def written_tune(score: Any, name: str) -> Tune | RejectReason:
    """Make a tune of a music21 score that has one voice and pitched notes."""
    parts = [part for part in (score.parts or [score]) if part.recurse().notes]
    if not parts:
        return RejectReason.empty
    pitched = [part for part in parts if not part.recurse().getElementsByClass(("Unpitched", "PercussionChord"))]
    if not pitched:
        return RejectReason.drums
    if len(pitched) > 1 or pitched[0].recurse().getElementsByClass(("Voice",)):
        return RejectReason.voices
    part = pitched[0].stripTies(matchByPitch=False)  # it takes E and E natural for different pitches
    notes = [note for note in part.flatten().notesAndRests if "ChordSymbol" not in note.classes]
    if any(note.isChord for note in notes):
        return RejectReason.voices
    lengths = [
        (None if note.isRest else note.pitch.midi, _steps(note.quarterLength))
        for note in notes
        if note.quarterLength  # grace notes have none
    ]
    metres = {signature.ratioString for signature in part.flatten().getElementsByClass("TimeSignature")}
    first = part.getElementsByClass("Measure").first()
    counted = first is not None and len(metres) == 1 and metres <= METRES.keys()
    first_bar = _steps(first.duration.quarterLength) if counted else Fraction(0)
    return build_tune(_title(score, name), lengths, metres.pop() if counted else "", first_bar)


def written_score(score: Any, name: str) -> Score:
    """Make a score of a music21 score: a part for each that has notes, at the pitches that sound."""
    score.toSoundingPitch(inPlace=True)
    parts = []
    for part in score.parts or [score]:
        notes = sorted(_notes(part))
        drums = not notes and bool(part.recurse().getElementsByClass(_DRUMS))
        if notes or drums:
            called = str(getattr(part, "partName", "") or "").strip()
            parts.append(Part(called, tuple(notes), tuple(_metres(part)), drums))
    return Score(_title(score, name), tuple(parts))


def _notes(part: Any) -> list[TimedNote]:
    """List the notes of a part, tied ones as one, none of a part for percussion."""
    if part.recurse().getElementsByClass("PercussionClef"):
        return []
    notes: list[TimedNote] = []
    last: dict[int, int] = {}  # of each pitch, the index of its last note
    for sign in part.flatten().notes:
        if not sign.quarterLength or any(name in sign.classes for name in _NO_NOTES):  # grace notes have no length
            continue
        begin = _steps(sign.offset)
        end = begin + _steps(sign.quarterLength)
        for note in sign.notes if sign.isChord else [sign]:
            if not hasattr(note, "pitch"):  # unpitched
                continue
            pitch = int(note.pitch.midi)
            held = last.get(pitch)
            tied = note.tie is not None and note.tie.type in ("stop", "continue")
            if tied and held is not None and notes[held].end == begin:
                notes[held] = notes[held]._replace(end=end)
            else:
                last[pitch] = len(notes)
                notes.append(TimedNote(begin, end, pitch))
    return notes


def _metres(part: Any) -> list[Metre]:
    """List the metres of a part; the first begins behind the upbeat."""
    bars = [(_steps(bar.offset), _steps(bar.duration.quarterLength)) for bar in part.getElementsByClass("Measure")]
    begins = dict(pairwise([begin for begin, _ in bars]))
    lengths = dict(bars)
    metres: list[Metre] = []
    for signature in part.flatten().getElementsByClass("TimeSignature"):
        begin = _steps(signature.offset)
        for metre in metre_at(begin, signature.ratioString):
            upbeat = begin in begins and lengths[begin] < metre.bar
            metres.append(metre._replace(begin=begins[begin]) if upbeat else metre)
    return metres


def _steps(quarters: float | Fraction) -> Fraction:
    return Fraction(quarters) * STEPS_PER_QUARTER


def _title(score: Any, name: str) -> str:
    return (score.metadata and score.metadata.bestTitle) or name
