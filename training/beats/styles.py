"""Accompaniment by patterns of a bar for drums, bass and chords; `styles.toml` has them and says what they mean."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.beats.performance import Note

DRUM_NOTES = {
    "kick": 36, "stick": 37, "snare": 38, "clap": 39, "closed": 42, "open": 46, "crash": 49, "ride": 51,
    "tambourine": 54, "conga": 63, "shaker": 70,
}  # fmt: skip
TOMS = (50, 48, 47, 45, 43, 41)
DRUMS, BASS, CHORDS, MELODY, PAD = 9, 1, 2, 0, 3  # channels


@dataclass(frozen=True)
class Style:
    """A style: beats in a bar, and patterns: of drums by their MIDI note, of the bass and of chords.

    `tempos` are the slowest and fastest in beats a minute. The second half of a beat begins at `swing` of it.
    """

    name: str
    metre: int
    tempos: tuple[float, float]
    drums: dict[int, str] = field(default_factory=dict)
    bass: str = ""
    chords: str = ""
    swing: float = 0.5

    @classmethod
    def read(cls, name: str, table: dict[str, Any]) -> "Style":
        drums = {DRUM_NOTES[drum]: table.pop(drum) for drum in list(table) if drum in DRUM_NOTES}
        return cls(name, drums=drums, tempos=tuple(table.pop("tempos")), **table)


_TABLES = tomllib.loads(Path(__file__).with_name("styles.toml").read_text())
STYLES = tuple(Style.read(name, table) for name, table in _TABLES.items())


def random_style(metre: int, rng: np.random.Generator) -> Style:
    """Draw a style: strong beats are likelier to have the kick and the bass, weak ones the snare."""
    steps = int(rng.choice([2, 2, 3, 4]))
    length = metre * steps
    on_beat = np.arange(length) % steps == 0
    strong = np.zeros(length, bool)
    strong[:: (2 if metre % 2 == 0 else metre) * steps] = True
    weak = on_beat & ~strong

    def pattern(first: float, strongs: float, weaks: float, others: float) -> str:
        chance = np.where(strong, strongs, np.where(weak, weaks, others))
        chance[0] = first
        return "".join(
            "X" if one and beat else "x" if one else "."
            for one, beat in zip(rng.random(length) < chance, on_beat, strict=True)
        )

    drums = {
        DRUM_NOTES["kick"]: pattern(0.95, 0.7, 0.15, 0.12),
        int(rng.choice([DRUM_NOTES["snare"], DRUM_NOTES["clap"], DRUM_NOTES["stick"]])): pattern(
            0.02, 0.2, 0.8, 0.06
        ),
        int(
            rng.choice([DRUM_NOTES["closed"], DRUM_NOTES["ride"], DRUM_NOTES["shaker"], DRUM_NOTES["tambourine"]])
        ): pattern(0.95, 0.95, 0.95, rng.choice([0.1, 0.5, 1.0])),
    }
    tempos = (100.0, 200.0) if metre in (5, 6, 7) else (60.0, 180.0) if steps == 2 else (55.0, 130.0)
    bass = pattern(0.97, 0.8, 0.3, 0.2)
    chords = pattern(0.85, 0.6, 0.4, 0.2)
    if rng.random() < 0.4:
        chords = "".join(str(rng.integers(1, 5)) if rng.random() < 0.8 else "." for _ in range(length))
    return Style(
        "random", metre, tempos, drums, bass, chords, float(rng.choice([0.5, 0.5, 0.5, 0.6])) if steps == 2 else 0.5
    )


def steps_of(pattern: str, metre: int) -> list[tuple[float, str]]:
    """Return the steps of a pattern that are no rests: each with its beat in the bar, from 0."""
    marks = pattern.replace(" ", "")
    return [(number * metre / len(marks), mark) for number, mark in enumerate(marks) if mark != "."]


def drum_bar(style: Style, bar: int, rng: np.random.Generator, *, fill: bool, crash: bool) -> list[Note]:
    """Write the drums of a bar, with a fill in its last beats, or a crash on its first."""
    begin = float(bar * style.metre)
    filled = style.metre - min(int(rng.integers(1, 3)), style.metre - 1) if fill else style.metre
    notes = [
        Note(begin + beat, 0.1, drum, (100 if mark == "X" else 68) + int(rng.integers(-8, 9)), DRUMS)
        for drum, pattern in style.drums.items()
        for beat, mark in steps_of(pattern, style.metre)
        if beat < filled
    ]
    if fill:
        count = (style.metre - filled) * int(rng.choice([2, 4]))
        for number in range(count):
            tom = TOMS[min(number * len(TOMS) // count, len(TOMS) - 1)] if rng.random() < 0.7 else DRUM_NOTES["snare"]
            notes.append(
                Note(
                    begin + filled + number * (style.metre - filled) / count,
                    0.1,
                    tom,
                    int(rng.integers(80, 110)),
                    DRUMS,
                )
            )
    if crash:
        notes.append(Note(begin, 0.1, DRUM_NOTES["crash"], 95, DRUMS))
    return notes


def bass_bar(style: Style, bar: int, chord: tuple[int, ...], rng: np.random.Generator) -> list[Note]:
    """Write the bass of a bar over a chord, of which the first pitch class is the root."""
    root = 36 + (chord[0] - 4) % 12 - 8
    notes = []
    steps = steps_of(style.bass, style.metre)
    for (beat, mark), following in zip(steps, [beat for beat, _ in steps[1:]] + [style.metre], strict=True):
        walk = 36 + (int(rng.choice(chord)) - 4) % 12 - 8
        pitch = {"5": root + 7, "8": root + 12, "w": walk}.get(mark, root)
        velocity = (72 if mark == "x" else 92) + int(rng.integers(-6, 7))
        notes.append(Note(bar * style.metre + beat, 0.9 * (following - beat), pitch, velocity, BASS))
    return notes


def chord_bar(style: Style, bar: int, chord: tuple[int, ...], rng: np.random.Generator) -> list[Note]:
    """Write the chords of a bar."""
    pitches = sorted(55 + (pitch - 55) % 12 for pitch in chord)
    pitches.append(pitches[0] + 12)
    notes = []
    steps = steps_of(style.chords, style.metre)
    for (beat, mark), following in zip(steps, [beat for beat, _ in steps[1:]] + [style.metre], strict=True):
        chosen = [pitches[min(int(mark), len(pitches)) - 1]] if mark.isdigit() else pitches
        velocity = (60 if mark == "x" else 74) + int(rng.integers(-6, 7))
        notes += [
            Note(bar * style.metre + beat, 0.9 * (following - beat), pitch, velocity, CHORDS) for pitch in chosen
        ]
    return notes
