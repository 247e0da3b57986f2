"""Which key a tune is in, from how long each of the twelve pitch classes sounds.

C. Krumhansl, Cognitive Foundations of Musical Pitch (1990), ch. 4: the key is that whose profile correlates best
with the durations.
"""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import UsageError
from extrapcli.melody.encoding import Tune

_PROFILES = {
    False: (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    True: (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "H": 11}
_HOME = {False: 0, True: 9}  # C major, A minor
MIDDLE = 67  # where the middle of a tune is brought near


class Key(NamedTuple):
    tonic: int  # pitch class, 0 for C
    minor: bool = False

    def __str__(self) -> str:
        return NAMES[self.tonic] + ("m" if self.minor else "")

    @property
    def fifths(self) -> int:
        """The sharps of the key's signature, -6 to 6; below nought its flats."""
        sharps = (7 * (self.tonic + 3 * self.minor) + 5) % 12 - 5
        return -6 if sharps == 6 and self.minor else sharps

    def moved(self, semitones: int) -> "Key":
        """The key so much higher, or lower."""
        return Key((self.tonic + semitones) % 12, self.minor)


def _standardised(profile: NDArray[np.float64]) -> NDArray[np.float64]:
    standardised: NDArray[np.float64] = (profile - profile.mean()) / profile.std()
    return standardised


_KEYS = [Key(tonic, minor) for minor in (False, True) for tonic in range(12)]
_FITS = np.stack([np.roll(_standardised(np.array(_PROFILES[key.minor])), key.tonic) for key in _KEYS])


def parse_key(text: str) -> Key:
    """`G`, `F#`, `Bbm` or `A minor`; raises UsageError for anything else."""
    found = re.fullmatch(r"([A-Ha-h])([#b♯♭]?)\s*(|m|min|minor|maj|major)", text.strip())
    if not found:
        raise UsageError(f"{text!r} is no key; write one as G, F#, Bb or Am")
    letter, sign, mode = found.groups()
    shift = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[sign]
    return Key((_LETTERS[letter.upper()] + shift) % 12, mode in ("m", "min", "minor"))


def find_key(tune: Tune) -> Key:
    """The key whose profile fits best; C major for a tune without notes."""
    durations = _durations(tune)
    if durations.std() == 0:
        return Key(int(durations.argmax()))
    return _KEYS[int(np.argmax(_FITS @ durations))]


def home_key(tune: Tune) -> Key:
    """C major or A minor, whichever profile fits better."""
    durations = _durations(tune)
    return max((Key(0), Key(9, minor=True)), key=lambda key: float(_FITS[_KEYS.index(key)] @ durations))


def _durations(tune: Tune) -> NDArray[np.float64]:
    """The steps for which each pitch class sounds."""
    durations = np.zeros(12)
    for note in tune.notes:
        if note.pitch is not None:
            durations[note.pitch % 12] += note.steps
    return durations


def to_home(tune: Tune, key: Key) -> int:
    """The semitones from a key to C major or A minor that bring the mean pitch within half an octave of G4."""
    shift = _HOME[key.minor] - key.tonic
    return shift + 12 * round((MIDDLE - shift - float(np.mean(tune.pitches))) / 12)


def from_home(key: Key) -> int:
    """The least number of semitones from C major or A minor to a key: -6 to 5."""
    return (key.tonic - _HOME[key.minor] + 6) % 12 - 6
