"""Songs whose beats, bars, chords, key and form are known, made of tones and noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis, Beats
from extrapcli.audio.song import Song

RATE = 22050
METRE = 4
BEAT_SECONDS = 0.5
LEAD_SECONDS = 0.25  # before the first beat

TRIADS = {"major": (0, 4, 7), "minor": (0, 3, 7)}


@dataclass(frozen=True)
class Part:
    """A section: a chord for each bar, each a root in semitones from C and a mode; and how it is played."""

    chords: tuple[tuple[int, str], ...]
    overtones: int = 3
    drums: float = 0.2
    melody_above: int = 12


VERSE = Part(((0, "major"), (9, "minor"), (5, "major"), (7, "major")) * 2)
CHORUS = Part(((5, "major"), (7, "major"), (0, "major"), (0, "major")) * 2, overtones=8, drums=0.6, melody_above=19)
MIDDLE = Part(((9, "minor"), (4, "minor"), (5, "major"), (2, "minor")) * 2, overtones=1, drums=0.0, melody_above=24)
PARTS = {"A": VERSE, "B": CHORUS, "C": MIDDLE}


def note(semitone: float, seconds: float, overtones: int) -> NDArray[np.float64]:
    """A decaying tone, some semitones above middle C, with so many partials."""
    t = np.arange(round(seconds * RATE)) / RATE
    frequency = 261.6256 * 2 ** (semitone / 12)
    partials = [
        np.sin(2 * np.pi * k * frequency * t) / k for k in range(1, overtones + 1) if k * frequency < RATE / 2
    ]
    tone: NDArray[np.float64] = np.sum(partials, axis=0) * np.exp(-2 * t)
    return tone


def bar(chord: tuple[int, str], part: Part, transposed: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A bar of 2 s: the chord on each beat, its root below, a note of it above, and noise as drums.

    The roots are transposed within one octave, so that all notes stay where music has them.
    """
    root, mode = chord
    beats = []
    for beat in range(METRE):
        pitches = [(root + transposed) % 12 + step for step in TRIADS[mode]]
        voices = [(pitch, 1.0) for pitch in pitches] + [(pitches[0] - 24 if beat == 0 else pitches[0] - 12, 1.2)]
        voices.append((pitches[beat % 3] + part.melody_above, 0.6))
        sound = np.sum([gain * note(pitch, BEAT_SECONDS, part.overtones) for pitch, gain in voices], axis=0)
        strike = rng.normal(size=len(sound)) * np.exp(-np.arange(len(sound)) / RATE * (20 if beat == 0 else 60))
        beats.append(0.1 * sound + part.drums * (1.0 if beat == 0 else 0.5) * strike)
    return np.concatenate(beats)


def samples_of(form: str, *, transposed: int = 0, seed: int = 0) -> NDArray[np.float32]:
    """The samples of a song `(n, 1)` with the sections that `form` names, each 8 bars of 2 s."""
    rng = np.random.default_rng(seed)
    bars = [bar(chord, PARTS[name], transposed, rng) for name in form for chord in PARTS[name].chords]
    sound = np.concatenate([np.zeros(round(LEAD_SECONDS * RATE)), *bars])
    samples: NDArray[np.float32] = (0.5 * sound / np.abs(sound).max()).astype(np.float32)[:, None]
    return samples


def analysis_of(samples: NDArray[np.float32], *, lead: float = LEAD_SECONDS, rate: int = RATE) -> Analysis:
    """An analysis that is told the beats."""
    analysis = Analysis(Song("made", samples, rate, "f32", None))
    count = round((len(samples) / rate - lead) / BEAT_SECONDS)
    times = lead + BEAT_SECONDS * np.arange(count, dtype=np.float64)
    analysis.beats = Beats(times, np.arange(count) % METRE, METRE, 1.0, 1.0)
    return analysis


def true_chords(form: str, transposed: int = 0) -> NDArray[np.int_]:
    """The number of the chord of each beat, as in `Chords`."""
    chords = [chord for name in form for chord in PARTS[name].chords]
    numbers = [(root + transposed) % 12 + 12 * (mode == "minor") for root, mode in chords]
    return np.repeat(numbers, METRE)
