"""Voices alone, spoken or sung by espeak-ng, with the times of their words, to mix into songs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.resample import resample
from extrapcli.training.espeak import Span, Speech, speak
from extrapcli.training.lyrics import LYRICS
from extrapcli.training.singing import Note, Vibrato, sing

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
BEATS = (0.5, 0.5, 1.0, 1.0, 1.0, 1.5, 2.0)  # lengths of notes
LAST_BEATS = (1.0, 2.0, 2.0, 3.0, 4.0)
LOW_PITCH, HIGH_PITCH = 45, 57  # the lowest notes of low and of high voices, MIDI
COMPASS = 14  # semitones
FADE_SECONDS = 0.005

Kind = Literal["spoken", "sung"]


@dataclass(frozen=True)
class Stem:
    """A voice alone: mono float32 `(n,)`, where its words and its phrases lie, in seconds, and how it was made."""

    samples: NDArray[np.float32]
    words: tuple[Span, ...]
    phrases: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class Performance:
    """How a voice is to sound: who, what language, and for a sung one the scale and the length of a beat.

    `tonic` is a pitch class from C; `beat` is in seconds.
    """

    kind: Kind
    voice: str
    high: bool
    tonic: int = 0
    minor: bool = False
    beat: float = 0.5


def perform(how: Performance, seconds: float, sample_rate: int, rng: np.random.Generator) -> Stem:
    """Perform lines of a language's songs, drawn by `rng`, with rests between them, for `seconds`.

    The same `rng` draws the same lines and notes, but espeak-ng never speaks twice to the same sample.
    """
    lines = LYRICS[how.voice.split("+")[0].split("-")[0]]
    samples = np.zeros(round(seconds * sample_rate), np.float32)
    words: list[Span] = []
    phrases: list[Span] = []
    at = _on_beat(rng.uniform(0, 4), how)
    while True:
        line = _line(how, str(rng.choice(lines)), rng)
        first, last = line.words[0].begin, line.words[-1].end
        if at + last - first + 0.1 > seconds:
            break
        sound = resample(line.samples[:, None], from_rate=line.sample_rate, to_rate=sample_rate)[:, 0]
        begin = max(0, round(at * sample_rate))
        cut = sound[round(first * sample_rate) : round((last + 0.05) * sample_rate)].copy()
        fade = round(FADE_SECONDS * sample_rate)
        cut[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        cut[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        samples[begin : begin + len(cut)] += cut[: len(samples) - begin]
        moved = [Span(word.text, word.begin + at - first, word.end + at - first) for word in line.words]
        words += moved
        phrases += _phrases(moved)
        rest = rng.uniform(0.3, 1.2) if how.kind == "spoken" else how.beat * rng.integers(1, 5)
        if rng.random() < 0.2:
            rest += rng.uniform(3, 10)
        at = _on_beat(moved[-1].end + rest, how)
    return Stem(samples, tuple(words), tuple(phrases))


def _line(how: Performance, text: str, rng: np.random.Generator) -> Speech:
    if how.kind == "spoken":
        return speak(text, how.voice, speed=int(rng.integers(110, 190)), pitch=int(rng.integers(35, 65)))
    spoken = speak(text, how.voice, speed=int(rng.integers(120, 170)), intonation=0)
    syllables = sum(phoneme.is_vowel for phoneme in spoken.phonemes)
    notes = melody(syllables, how, rng)
    return sing(spoken, notes, Vibrato(rng.uniform(0, 0.7), rng.uniform(4.5, 6.5)))


def melody(count: int, how: Performance, rng: np.random.Generator) -> list[Note]:
    """Draw a melody in the scale and compass of a voice: mostly steps, some leaps, and a long last note."""
    lowest = HIGH_PITCH if how.high else LOW_PITCH
    degrees = MINOR if how.minor else MAJOR
    scale = [pitch for pitch in range(lowest, lowest + COMPASS) if (pitch - how.tonic) % 12 in degrees]
    at = int(rng.integers(len(scale)))
    notes = []
    for number in range(count):
        length = rng.choice(BEATS if number < count - 1 else LAST_BEATS) * how.beat
        notes.append(Note(scale[at], float(length)))
        at = int(np.clip(at + rng.choice((-3, -2, -1, -1, 0, 1, 1, 2, 3)), 0, len(scale) - 1))
    return notes


def _phrases(words: Sequence[Span], pause_seconds: float = 0.15) -> list[Span]:
    """Join words that follow each other within `pause_seconds`."""
    joined: list[Span] = []
    for word in words:
        if joined and word.begin - joined[-1].end < pause_seconds:
            joined[-1] = Span(f"{joined[-1].text} {word.text}", joined[-1].begin, word.end)
        else:
            joined.append(word)
    return joined


def _on_beat(seconds: float, how: Performance) -> float:
    return seconds if how.kind == "spoken" else float(np.ceil(seconds / how.beat) * how.beat)
