"""The key of a song, and its chords."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.dsp import key_correlations
from extrapcli.dsp.keys import SCORES

NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
MODES = ("major", "minor")
NO_CHORD = 24

LEAST_CONTRAST = 0.3  # deviation of the strengths, against their mean: noise and drums have 0.15, music 0.5 and more
TONIC_WEIGHT = 0.2
KEY_TEMPERATURE = 0.06  # with which the confidence is right as often as it says, on 142 rendered pieces

TRIADS = ((0, 4, 7), (0, 3, 7))
UNCLEAR = 0.62  # likeness to a triad of what is none: noise has 0.59, a single note 0.58, most true chords above 0.7
SOFT = 0.01  # of the song's median strength: softer than this has no chord
CHORD_WEIGHT, CHANGE_COST = 10.0, 1.0


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        tonic: 0 to 11, in semitones from C.
        mode: `major` or `minor`.
        confidence: that it is this one and no other, 0 to 1.
    """

    tonic: int
    mode: str
    confidence: float

    @property
    def name(self) -> str:
        """As in `A minor`."""
        return f"{NAMES[self.tonic]} {self.mode}"


@dataclass(frozen=True)
class Chords:
    """The chord of each beat, or of each half second where a song has no pulse.

    Attributes:
        edges: float64 `(n + 1,)`, increasing, in seconds: where each one begins, and the last one ends.
        numbers: `(n,)`, 0 to 11 for major chords by their root from C, 12 to 23 for minor ones, 24 for none.
    """

    edges: NDArray[np.float64]
    numbers: NDArray[np.int_]

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of time of each number, `(25,)`."""
        seconds = np.bincount(self.numbers, np.diff(self.edges), NO_CHORD + 1)
        shares: NDArray[np.float64] = seconds / (self.edges[-1] - self.edges[0])
        return shares

    @property
    def names(self) -> list[str]:
        """As `C`, `Am`, or `-` for none."""
        return [chord_name(int(number)) for number in self.numbers]


def chord_name(number: int) -> str:
    """Return the name of a chord by its number, 0 to 24."""
    return "-" if number == NO_CHORD else NAMES[number % 12] + ("m" if number >= 12 else "")


def find_key(strengths: NDArray[np.floating], chords: NDArray[np.floating]) -> Key | None:
    """Find the key by the mean strength of each pitch class from C, `(12,)`; None where none stands out.

    `chords` is the share of time of each chord, `(24,)`. The score of a key is the correlation of the strengths with
    its notes in scores, plus a fifth of the share of its tonic triad, which tells relative keys apart. With the
    scores s, the confidence is its share of `exp(s / 0.06)` among the 24 keys.
    """
    if strengths.std() <= LEAST_CONTRAST * strengths.mean():
        return None
    scores = key_correlations(strengths, profiles=SCORES).ravel() + TONIC_WEIGHT * chords
    best = int(scores.argmax())
    shares = np.exp((scores - scores[best]) / KEY_TEMPERATURE)
    mode, tonic = divmod(best, 12)
    return Key(tonic, MODES[mode], float(1 / shares.sum()))


def find_chords(strengths: NDArray[np.floating]) -> NDArray[np.int_]:
    """Find the chord of each beat, 0 to 24 `(beats,)`, by its strengths of pitch classes from C, `(beats, 12)`.

    Each triad is likely by the cosine of the strengths with its three notes, no chord by a constant. The chords are
    the likeliest path, in which each change has a cost (A. Sheh, D. Ellis, Chord segmentation and recognition using
    EM-trained hidden Markov models, 2003, with templates in place of training).
    """
    lengths = np.linalg.norm(strengths, axis=1, keepdims=True)
    triads = np.zeros((NO_CHORD, 12))
    for number in range(NO_CHORD):
        triads[number, [(number + note) % 12 for note in TRIADS[number // 12]]] = 3**-0.5
    likeness = np.full((len(strengths), NO_CHORD + 1), UNCLEAR)
    likeness[:, :NO_CHORD] = strengths @ triads.T / np.maximum(lengths, np.finfo(np.float32).tiny)
    likeness[(lengths <= SOFT * np.median(lengths))[:, 0], :NO_CHORD] = 0
    return likeliest_path(CHORD_WEIGHT * likeness, CHANGE_COST)


def likeliest_path(scores: NDArray[np.floating], change_cost: float) -> NDArray[np.int_]:
    """Return the states `(n,)` with the greatest sum of `scores` `(n, states)` less the cost of their changes."""
    n, states = scores.shape
    came_from = np.empty((n, states), np.intp)
    stay, total = np.arange(states), scores[0]
    for k in range(1, n):
        best = int(total.argmax())
        came_from[k] = np.where(total >= total[best] - change_cost, stay, best)
        total = scores[k] + np.maximum(total, total[best] - change_cost)
    path = np.empty(n, np.int_)
    path[-1] = int(total.argmax())
    for k in range(n - 1, 0, -1):
        path[k - 1] = came_from[k, path[k]]
    return path
