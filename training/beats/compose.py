"""Songs by a program: chords, sections, accompaniment in a style, and a tune."""

import mido
import numpy as np
from numpy.typing import NDArray

from training.beats.performance import Note, clock, perform
from training.beats.styles import (
    BASS,
    CHORDS,
    DRUMS,
    MELODY,
    PAD,
    STYLES,
    Style,
    bass_bar,
    chord_bar,
    drum_bar,
    random_style,
    steps_of,
)

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
PROGRESSIONS = (
    (0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 3), (0, 3, 0, 4), (1, 4, 0, 0), (0, 6, 5, 4), (0, 5, 1, 4),
    (0, 2, 3, 4), (0, 0, 3, 4), (3, 4, 2, 5), (0, 4, 3, 3), (0, 6, 3, 0), (0, 3, 5, 4),
    (0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4),
)  # fmt: skip
BASSES = (32, 33, 34, 35, 36, 38, 39, 43, 58, 0)
HARMONIES = (
    0,
    1,
    4,
    5,
    6,
    7,
    11,
    16,
    17,
    19,
    21,
    24,
    25,
    26,
    27,
    28,
    29,
    30,
    45,
    46,
    48,
    50,
    62,
    80,
    81,
    90,
    104,
    108,
)
TUNES = (
    0,
    4,
    11,
    12,
    13,
    21,
    22,
    24,
    26,
    29,
    30,
    40,
    41,
    52,
    53,
    56,
    57,
    60,
    64,
    65,
    66,
    68,
    71,
    73,
    74,
    75,
    80,
    81,
    82,
    85,
)
PADS = (48, 49, 50, 51, 52, 88, 89, 90, 91, 92, 94, 95)
METRES, SHARES = (2, 3, 4, 5, 6, 7), (0.1, 0.24, 0.42, 0.08, 0.08, 0.08)
CLOCKS, CLOCK_SHARES = ("steady", "drift", "rubato", "change"), (0.5, 0.25, 0.1, 0.15)
SECTION_BARS = (4, 8, 8, 8, 16)


def compose(
    seed: int, seconds: float
) -> tuple[str, list[tuple[float, mido.Message]], NDArray[np.float64], NDArray[np.bool_]]:
    """Compose a song from a seed.

    Returns the name of its style, MIDI messages, the times of its beats in seconds `(n,)`, and which begin bars.
    """
    rng = np.random.default_rng(seed)
    metre = int(rng.choice(METRES, p=SHARES))
    known = [style for style in STYLES if style.metre == metre]
    style = random_style(metre, rng) if rng.random() < 0.35 else known[rng.integers(len(known))]
    tempo = float(np.exp(rng.uniform(*np.log(style.tempos))))
    bars = int(np.ceil(seconds * tempo / 60 / metre)) + 1
    with_drums = rng.random() < 0.65
    scale = np.array(MAJOR if rng.random() < 0.6 else MINOR) + int(rng.integers(12))
    sections = {
        letter: _Section(style, scale, rng, with_drums=with_drums and rng.random() < 0.85) for letter in "ABC"
    }
    notes: list[Note] = []
    bar = 0
    while bar < bars:
        length = int(rng.choice(SECTION_BARS))
        section = sections[str(rng.choice(list("AABBC")))]
        notes += section.play(bar, length, rng)
        bar += length
    if rng.random() < 0.3:  # an upbeat
        notes += [Note(-0.5 * k, 0.4, 60 + int(scale[0] + rng.choice([0, 4, 7])), 85, MELODY) for k in (1, 2)]
    kind = (
        str(rng.choice(CLOCKS, p=CLOCK_SHARES)) if with_drums else str(rng.choice(CLOCKS, p=(0.3, 0.3, 0.25, 0.15)))
    )
    times = clock(bars * metre, tempo, kind, metre, rng) + rng.uniform(0, 0.8) + 60 / tempo
    parts = {MELODY: TUNES, BASS: BASSES, CHORDS: HARMONIES, PAD: PADS}
    programs = {channel: int(rng.choice(of)) for channel, of in parts.items()}
    if with_drums:
        programs[DRUMS] = int(rng.choice([0, 0, 8, 16, 24, 25, 32, 40]))
    volumes = {channel: int(rng.integers(65, 115)) for channel in (*parts, DRUMS)}
    jitter = float(rng.choice([0, 0.004, 0.008, 0.014]))
    kept = [note for note in notes if note.begin < bars * metre]
    messages = perform(kept, times, programs, volumes, rng, swing=style.swing, jitter_seconds=jitter)
    return style.name, messages, times, np.arange(len(times)) % metre == 0


class _Section:
    """A section of a song: its chords, one in each bar or in two, which parts play, and the rhythms of the tune."""

    def __init__(self, style: Style, scale: NDArray[np.int_], rng: np.random.Generator, *, with_drums: bool) -> None:
        self.style, self.scale, self.with_drums = style, scale, with_drums
        self.degrees = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
        self.bars_a_chord = int(rng.choice([1, 1, 1, 2]))
        self.with_bass, self.with_chords = rng.random() < 0.85, rng.random() < 0.85
        self.with_tune, self.with_pad = rng.random() < 0.7, rng.random() < 0.3
        if not (self.with_drums or self.with_bass or self.with_chords):
            self.with_chords = True
        steps = style.metre * int(rng.choice([1, 2, 2, 2, 4] if "..." not in style.chords else [1, 3]))
        weight = np.where(np.arange(steps) % max(1, steps // style.metre) == 0, 0.6, 0.3)
        weight[0] = 0.8
        self.rhythms = ["".join("X" if one else "." for one in rng.random(steps) < weight) for _ in range(2)]
        self.motif = rng.integers(-2, 3, steps)

    def chord(self, bar: int) -> tuple[int, ...]:
        degree = self.degrees[bar // self.bars_a_chord % len(self.degrees)]
        size = 3 if bar % 3 else 4
        return tuple(int(self.scale[(degree + 2 * k) % 7]) % 12 for k in range(size))

    def play(self, first: int, length: int, rng: np.random.Generator) -> list[Note]:
        notes: list[Note] = []
        fills = int(rng.choice([4, 8, 1000]))
        pitch = int(rng.integers(3, 11))
        for bar in range(first, first + length):
            chord, begin, metre = self.chord(bar - first), bar * self.style.metre, self.style.metre
            if self.with_drums:
                fill = (bar - first) % fills == fills - 1
                notes += drum_bar(self.style, bar, rng, fill=fill, crash=bar == first and rng.random() < 0.6)
            if self.with_bass:
                notes += bass_bar(self.style, bar, chord, rng)
            if self.with_chords:
                notes += chord_bar(self.style, bar, chord, rng)
            if self.with_pad and (bar - first) % self.bars_a_chord == 0:
                held = metre * self.bars_a_chord * 0.98
                notes += [Note(begin, held, 60 + p, 62, PAD) for p in chord[:3]]
            if self.with_tune:
                rhythm = self.rhythms[bar % 4 == 3]
                steps = [beat for beat, _ in steps_of(rhythm, metre)]
                for number, (beat, end) in enumerate(zip(steps, [*steps[1:], metre], strict=True)):
                    pitch = int(np.clip(pitch + self.motif[number], 0, 14))
                    octave, degree = divmod(pitch, 7)
                    height = 60 + int(self.scale[degree]) % 12 + 12 * octave
                    notes.append(Note(begin + beat, 0.9 * (end - beat), height, int(rng.integers(75, 100)), MELODY))
        return notes
