"""A reader of ABC as folk song collections use it: one voice of notes, rests and ties.

The format is abcnotation.com/wiki/abc:standard:v2.1, where an accidental holds to the end of its bar. We keep this
reader because music21 (10.5) forgets accidentals within a bar: it takes the second B of `_B2BA` for a B natural.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import takewhile
from typing import NamedTuple

from extrapcli.melody.encoding import DURATIONS, METRES, Note, RejectReason, Tune
from extrapcli.melody.score import Part, Score, TimedNote, metre_at

_SHARPS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "H": 5, "F#": 6, "C#": 7}
_SHARPS |= {"F": -1, "Bb": -2, "Eb": -3, "Es": -3, "Ab": -4, "Db": -5, "Gb": -6, "Cb": -7}
_MODES = {"": 0, "maj": 0, "ion": 0, "m": -3, "min": -3, "aeo": -3}
_MODES |= {"mix": -1, "dor": -2, "phr": -4, "lyd": 1, "loc": -5}
_ORDER_OF_SHARPS = "FCGDAEB"
_PITCHES = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69, "B": 71}
_ACCIDENTALS = {"^": 1, "_": -1, "=": 0, "^^": 2, "__": -2}
_TOKEN = re.compile(
    r"(?P<space>\s+|%[^\n]*|\\\n)"
    r"|(?P<bar>:?\|+[\]:]*)"
    r"|(?P<sign>\^\^|__|[\^_=])?(?P<letter>[A-Ga-gz])(?P<octave>[,']*)(?P<times>\d{1,3})?(?P<by>/{1,8}(?:[1-9]\d{0,2})?)?(?P<tie>-?)"
)
_FIELD = re.compile(r"^([A-Za-z]):[ \t]*(.*?)[ \t]*$", re.MULTILINE)


class UnsupportedAbc(Exception):
    """The text uses a part of ABC that this reader does not know."""


class Voice(NamedTuple):
    """A piece of one voice as it is written: pitches (None for a rest) and their lengths in steps."""

    title: str
    lengths: list[tuple[int | None, Fraction]]
    metre: str
    first_bar: Fraction  # its length, which may be that of an upbeat

    def score(self) -> Score:
        """Give each note its time."""
        notes, now = [], Fraction(0)
        for pitch, steps in self.lengths:
            if pitch is not None:
                notes.append(TimedNote(now, now + steps, pitch))
            now += steps
        part = Part("", tuple(notes), metre_at(self.first_bar, self.metre))
        return Score(self.title, (part,) if notes else ())


def split_pieces(text: str) -> list[str]:
    """Split a text into its pieces, each from its `X:` field on."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return [piece.rstrip() + "\n" for piece in re.split(r"^(?=X:)", text, flags=re.MULTILINE)[1:]]


def read_piece(piece: str) -> Tune | RejectReason:
    """Read a piece as a tune, or say why it is none; raise UnsupportedAbc where that takes a fuller reader."""
    return build_tune(*read_voice(piece))


def read_voice(piece: str) -> Voice:
    """Read a piece as a voice; raise UnsupportedAbc where that takes a fuller reader."""
    fields: dict[str, str] = dict(reversed(_FIELD.findall(piece)))
    header, _, body = piece.partition("\nK:")
    body = body.partition("\n")[2]
    if _FIELD.search(body) or "\nV:" in header or "K" not in fields:
        raise UnsupportedAbc(fields["X"])
    metre = fields.get("M", "")
    metre = {"C": "4/4", "C|": "2/2"}.get(metre, metre)
    signature = _key_signature(fields["K"])
    altered = dict(signature)
    unit = _unit_steps(fields.get("L", "1/8"))
    lengths: list[tuple[int | None, Fraction]] = []
    tied, first_bar = False, None
    for token in _tokens(body):
        if token["bar"]:
            altered = dict(signature)
            if first_bar is None:
                first_bar = sum((steps for _, steps in lengths), Fraction(0))
        if not token["letter"]:
            continue
        pitch = _pitch(token, altered)
        steps = unit * int(token["times"] or 1) / _divisor(token["by"])
        if tied and lengths and lengths[-1][0] == pitch:
            lengths[-1] = (pitch, lengths[-1][1] + steps)
        else:
            lengths.append((pitch, steps))
        tied = bool(token["tie"])
    return Voice(fields.get("T", ""), lengths, metre, first_bar or Fraction(0))


def build_tune(
    title: str, lengths: list[tuple[int | None, Fraction]], metre: str, first_bar: Fraction
) -> Tune | RejectReason:
    """Build a tune of pitches (None for a rest) and their lengths in steps, without the silence around it.

    `first_bar` is the length of its first bar, which may be an upbeat. A length that a tune can't have is a reason to
    reject it.
    """
    before = len(list(takewhile(lambda item: item[0] is None, lengths)))
    after = len(list(takewhile(lambda item: item[0] is None, reversed(lengths))))
    if before == len(lengths):
        return RejectReason.empty
    first_bar -= sum((steps for _, steps in lengths[:before]), Fraction(0))
    lengths = lengths[before : len(lengths) - after]
    if any(steps not in DURATIONS for _, steps in lengths):
        return RejectReason.durations
    counted = metre if metre in METRES and first_bar.denominator == 1 else ""
    upbeat = int(first_bar) % METRES[counted] if counted else 0
    return Tune(title, tuple(Note(pitch, int(steps)) for pitch, steps in lengths), counted, upbeat)


def _tokens(body: str) -> Iterator[re.Match[str]]:
    position = 0
    body = body.rstrip()
    while position < len(body):
        token = _TOKEN.match(body, position)
        if not token:
            raise UnsupportedAbc(body[position : position + 20])
        yield token
        position = token.end()


def _key_signature(key: str) -> dict[str, int]:
    """Map each letter that a key alters to the alteration in semitones."""
    found = re.fullmatch(r"([A-H](?:#|b|s)?)\s*([A-Za-z]*).*", key)
    tonic, mode = found.groups() if found else ("", "")
    if tonic not in _SHARPS or mode[:3].lower() not in _MODES:
        raise UnsupportedAbc(key)
    sharps = _SHARPS[tonic] + _MODES["m" if mode == "m" else mode[:3].lower()]
    if sharps < 0:
        return dict.fromkeys(_ORDER_OF_SHARPS[sharps:], -1)
    return dict.fromkeys(_ORDER_OF_SHARPS[:sharps], 1)


def _unit_steps(length: str) -> Fraction:
    """Return the length of a note without a number, in steps."""
    found = re.fullmatch(r"(\d{1,3})/([1-9]\d{0,2})", length)
    if not found:
        raise UnsupportedAbc(length)
    return Fraction(int(found[1]), int(found[2])) * 16


def _pitch(token: re.Match[str], altered: dict[str, int]) -> int | None:
    """Return the MIDI number of a note, None for a rest; note its accidental, which holds in its octave."""
    if token["letter"] == "z":
        return None
    letter = token["letter"].upper()
    octave = 12 * (token["letter"].islower() + token["octave"].count("'") - token["octave"].count(","))
    name = f"{letter}{octave}"
    if token["sign"]:
        altered[name] = _ACCIDENTALS[token["sign"]]
    return _PITCHES[letter] + octave + altered.get(name, altered.get(letter, 0))


def _divisor(by: str | None) -> int:
    if not by:
        return 1
    number = by.lstrip("/")
    return int(number) if number else 2 ** len(by)
