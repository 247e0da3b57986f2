"""ABC as folk song collections are written in it: one voice of notes, rests and ties. What goes beyond is refused.

The format is that of
abcnotation.com/wiki/abc:standard:v2.1. An accidental holds to the end of its bar, as that
standard says and as the Essen collection means it: `_B2BA` is two B flats. (music21 takes the second for a B.)
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import takewhile

from extrapcli.melody.encoding import DURATIONS, METRES, Note, Tune
from extrapcli.melody.unfit import Unfit

_SHARPS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "H": 5, "F#": 6, "C#": 7}
_SHARPS |= {"F": -1, "Bb": -2, "Eb": -3, "Es": -3, "Ab": -4, "Db": -5, "Gb": -6, "Cb": -7}
_MODES = {
    "": 0,
    "maj": 0,
    "ion": 0,
    "m": -3,
    "min": -3,
    "aeo": -3,
    "mix": -1,
    "dor": -2,
    "phr": -4,
    "lyd": 1,
    "loc": -5,
}
_ORDER = "FCGDAEB"
_PITCHES = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69, "B": 71}
_ACCIDENTALS = {"^": 1, "_": -1, "=": 0, "^^": 2, "__": -2}
_TOKEN = re.compile(
    r"(?P<space>\s+|%[^\n]*|\\\n)"
    r"|(?P<bar>:?\|+[\]:]*)"
    r"|(?P<sign>\^\^|__|[\^_=])?(?P<letter>[A-Ga-gz])(?P<octave>[,']*)(?P<times>\d{1,3})?(?P<by>/{1,8}(?:[1-9]\d{0,2})?)?(?P<tie>-?)"
)
_FIELD = re.compile(r"^([A-Za-z]):[ \t]*(.*?)[ \t]*$", re.MULTILINE)


class BeyondAbc(Exception):
    """The text has something that this reader does not know."""


def pieces(text: str) -> list[str]:
    """Each piece of a text, from its `X:` field on."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return [piece.rstrip() + "\n" for piece in re.split(r"^(?=X:)", text, flags=re.MULTILINE)[1:]]


def read_piece(piece: str) -> Tune | Unfit:
    """The tune of a piece, or why it is unfit; raises BeyondAbc for what a fuller reader must see to."""
    fields = dict(reversed(_FIELD.findall(piece)))
    header, _, body = piece.partition("\nK:")
    body = body.partition("\n")[2]
    if _FIELD.search(body) or "\nV:" in header or "K" not in fields:
        raise BeyondAbc(fields["X"])
    return _tune(fields, body)


def _tune(fields: dict[str, str], body: str) -> Tune | Unfit:
    metre = {"C": "4/4", "C|": "2/2"}.get(fields.get("M", ""), fields.get("M", ""))
    signature = _signature(fields.get("K", ""))
    altered = dict(signature)
    unit = _unit(fields.get("L", "1/8"))
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
    return as_tune(fields.get("T", ""), lengths, metre, first_bar or Fraction(0))


def as_tune(title: str, lengths: list[tuple[int | None, Fraction]], metre: str, first_bar: Fraction) -> Tune | Unfit:
    """A tune of pitches and their lengths in steps, silence around it left out; Unfit where a length is none of ours.

    `first_bar` is how long the bar lasts that it begins with.
    """
    silent = len(list(takewhile(lambda item: item[0] is None, lengths)))
    after = len(list(takewhile(lambda item: item[0] is None, reversed(lengths))))
    if silent == len(lengths):
        return Unfit.empty
    first_bar -= sum((steps for _, steps in lengths[:silent]), Fraction(0))
    lengths = lengths[silent : len(lengths) - after]
    if any(steps not in DURATIONS for _, steps in lengths):
        return Unfit.durations
    counted = metre if metre in METRES and first_bar.denominator == 1 else ""
    upbeat = int(first_bar) % METRES[counted] if counted else 0
    return Tune(title, tuple(Note(pitch, int(steps)) for pitch, steps in lengths), counted, upbeat)


def _tokens(body: str) -> Iterator[re.Match[str]]:
    place = 0
    body = body.rstrip()
    while place < len(body):
        token = _TOKEN.match(body, place)
        if not token:
            raise BeyondAbc(body[place : place + 20])
        yield token
        place = token.end()


def _signature(key: str) -> dict[str, int]:
    found = re.fullmatch(r"([A-H](?:#|b|s)?)\s*([A-Za-z]*).*", key)
    tonic, mode = found.groups() if found else ("", "")
    if tonic not in _SHARPS or mode[:3].lower() not in _MODES:
        raise BeyondAbc(key)
    sharps = _SHARPS[tonic] + _MODES["m" if mode == "m" else mode[:3].lower()]
    return dict.fromkeys(_ORDER[:sharps], 1) if sharps > 0 else dict.fromkeys(_ORDER[sharps:], -1) if sharps else {}


def _unit(length: str) -> Fraction:
    """How many steps a note without a number lasts."""
    found = re.fullmatch(r"(\d{1,3})/([1-9]\d{0,2})", length)
    if not found:
        raise BeyondAbc(length)
    return Fraction(int(found[1]), int(found[2])) * 16


def _pitch(token: re.Match[str], altered: dict[str, int]) -> int | None:
    """The MIDI number of a note; an accidental holds for its letter, in its octave, to the end of the bar."""
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
