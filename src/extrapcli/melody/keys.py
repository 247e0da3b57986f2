"""Keys: finding that of a tune, and transposing to C major or A minor, the keys that the network works in.

The key is the one whose profile correlates best with how long each pitch class sounds.
"""

import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extrapcli.dsp import key_correlations
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import Note, Tune

NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "H": 11}
_TARGET_TONIC = {False: 0, True: 9}  # of C major and A minor
CENTRE = 67  # G4, near which the mean pitch of a tune is brought


class Key(NamedTuple):
    tonic: int  # pitch class, 0 for C
    minor: bool = False

    def __str__(self) -> str:
        return NAMES[self.tonic] + ("m" if self.minor else "")

    @property
    def fifths(self) -> int:
        """The number of sharps in the key signature, -6 to 6; below 0 that of flats."""
        sharps = (7 * (self.tonic + 3 * self.minor) + 5) % 12 - 5
        return -6 if sharps == 6 and self.minor else sharps

    def transposed(self, semitones: int) -> "Key":
        return Key((self.tonic + semitones) % 12, self.minor)


def parse_key(text: str) -> Key:
    """Read `G`, `F#`, `Bbm` or `A minor`; raise UsageError for anything else."""
    found = re.fullmatch(r"([A-Ha-h])([#b♯♭]?)\s*(|m|min|minor|maj|major)", text.strip())
    if not found:
        raise UsageError(f"{text!r} is not a key; write one as G, F#, Bb or Am")
    letter, sign, mode = found.groups()
    shift = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[sign]
    return Key((_LETTERS[letter.upper()] + shift) % 12, mode in ("m", "min", "minor"))


def find_key(tune: Tune) -> Key:
    """Find the key whose profile correlates best; C major for a tune without notes."""
    minor, tonic = divmod(int(key_correlations(_durations(tune)).argmax()), 12)
    return Key(tonic, bool(minor))


def c_or_a_minor(tune: Tune) -> Key:
    """C major or A minor, whichever profile correlates better."""
    major, minor = key_correlations(_durations(tune))
    return Key(9, minor=True) if minor[9] > major[0] else Key(0)


def _durations(tune: Tune) -> NDArray[np.float64]:
    """Count the steps for which each pitch class sounds, `(12,)`."""
    durations = np.zeros(12)
    for note in tune.notes:
        if note.pitch is not None:
            durations[note.pitch % 12] += note.steps
    return durations


def semitones_to_c(tune: Tune, key: Key) -> int:
    """The transposition from a key to C major or A minor that brings the mean pitch within half an octave of G4."""
    shift = _TARGET_TONIC[key.minor] - key.tonic
    return shift + 12 * round((CENTRE - shift - float(np.mean(tune.pitches))) / 12)


def semitones_from_c(key: Key) -> int:
    """The smallest transposition from C major or A minor to a key: -6 to 5."""
    return nearest_octave(key.tonic - _TARGET_TONIC[key.minor])


def nearest_octave(semitones: int) -> int:
    """The smallest transposition to the same pitch classes: -6 to 5."""
    return (semitones + 6) % 12 - 6


def fold_into_range(tune: Tune, symbols: tuple[str, ...]) -> Tune:
    """Move each note that is not among a model's symbols by the fewest octaves that bring it there."""
    known = {int(symbol) for symbol in symbols if symbol.isdigit()}

    def folded(note: Note) -> Note:
        pitch = note.pitch
        if pitch is None or pitch in known:
            return note
        octaves = [other for other in known if (other - pitch) % 12 == 0]
        return replace(note, pitch=min(octaves, key=lambda other: abs(other - pitch), default=pitch))

    return replace(tune, notes=tuple(map(folded, tune.notes)))
