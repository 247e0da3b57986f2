"""Accompaniment: patterns of a bar for drums, bass and chords, in many metres.

A pattern has a character for each step, in groups of a beat: `X` strong, `x` soft, `.` rest. For the bass `5` is the
fifth, `8` the octave and `w` a step of a walk; for chords `1` to `4` are single notes of the chord, from below.
"""

from dataclasses import dataclass, field

import numpy as np

from training.beats.performance import Note

KICK, STICK, SNARE, CLAP, CLOSED, OPEN, RIDE, CRASH, TAMBOURINE, SHAKER, CONGA = 36, 37, 38, 39, 42, 46, 51, 49, 54, 70, 63
TOMS = (50, 48, 47, 45, 43, 41)
DRUMS, BASS, CHORDS, MELODY, PAD = 9, 1, 2, 0, 3  # channels


@dataclass(frozen=True)
class Style:
    """A style: beats in a bar, and the patterns of drums by their note, of the bass and of chords.

    `tempos` are the slowest and fastest in beats a minute. `swing` delays the second half of a beat, to this share of
    it.
    """

    name: str
    metre: int
    tempos: tuple[float, float]
    drums: dict[int, str] = field(default_factory=dict)
    bass: str = ""
    chords: str = ""
    swing: float = 0.5


STYLES = (
    Style("rock", 4, (90, 180), {KICK: "X. .. Xx ..", SNARE: ".. X. .. X.", CLOSED: "Xx Xx Xx Xx"}, "Xx xx Xx xx", "X. .. X. .."),
    Style("rock-ride", 4, (100, 190), {KICK: "X. .x .X ..", SNARE: ".. X. .. X.", RIDE: "X. Xx X. Xx"}, "X. x. Xx x.", "Xx xx Xx xx"),
    Style("pop", 4, (75, 125), {KICK: "X... ..x. x.X. ....", SNARE: ".... X... .... X...", CLOSED: "X.x. X.x. X.x. X.x."}, "X..x ..x. X..x ..x.", "X..X ..X. .... X..."),
    Style("funk", 4, (85, 120), {KICK: "X..x ..X. .xX. ....", SNARE: ".... X..x .x.. X..x", CLOSED: "Xxxx Xxxx Xxxx Xxxx"}, "X..x .8.. X.x. .x5x", "..X. ..X. .X.. ..X."),
    Style("disco", 4, (105, 135), {KICK: "X. X. X. X.", CLAP: ".. X. .. X.", OPEN: ".X .X .X .X", SHAKER: "xx xx xx xx"}, "X8 X8 X8 58", ".X .X .X .X"),
    Style("house", 4, (115, 140), {KICK: "X... X... X... X...", CLAP: ".... X... .... X...", OPEN: "..X. ..X. ..X. ..X."}, "..X. ..Xx ..X. .x8.", "X..X ..X. .X.. X..."),
    Style("half-time", 4, (110, 180), {KICK: "X. .. .x .x", SNARE: ".. .. X. ..", CLOSED: "X. x. X. x."}, "X. .. .x ..", "X. .. .. .."),
    Style("half-time-slow", 4, (60, 90), {KICK: "X.....x...X.....", SNARE: "........X.......", CLOSED: "X.x.X.x.X.x.X.xx"}, "X.......x.......", "X..............."),
    Style("ballad", 4, (56, 90), {KICK: "X. .x X. ..", STICK: ".. X. .. X.", CLOSED: "X. x. X. x."}, "X. .. 5. ..", "12 34 32 34"),
    Style("power-ballad", 4, (60, 85), {KICK: "X... ..x. X.x. ....", SNARE: ".... X... .... X...", RIDE: "X.x. X.x. X.x. X.x."}, "X... ..x. X... ....", "1.2. 3.4. 3.2. 3.4."),
    Style("drum-and-bass", 4, (150, 185), {KICK: "X. .. .X ..", SNARE: ".. X. .. X.", CLOSED: "Xx xx Xx xx"}, "X. .. .x x.", "X. .. .. .."),
    Style("breakbeat", 4, (100, 140), {KICK: "X.X. .... ..X. ....", SNARE: ".... X..x .x.. X...", CLOSED: "X.X. X.X. X.X. X.X."}, "X..X ..x. X..X ..5.", "X... .... ...X ...."),
    Style("reggae", 4, (65, 90), {KICK: ".. .. X. ..", STICK: ".. .. X. ..", CLOSED: "Xx Xx Xx Xx"}, "X. .x 5. x.", ".X .X .X .X"),
    Style("ska", 4, (120, 190), {KICK: "X. .. X. ..", SNARE: ".. X. .. X.", CLOSED: "xX xX xX xX"}, "X. w. 5. w.", ".X .X .X .X"),
    Style("bossa", 4, (110, 160), {KICK: "X. .x X. .x", STICK: "X. .X .. X.", SHAKER: "xx xx xx xx"}, "X. .5 5. .X", "X. .X .. X."),
    Style("samba", 2, (80, 120), {KICK: "x..x X..x", SHAKER: "XxxX XxxX", STICK: "X.X. .X.X", CONGA: "..xx ..Xx"}, "X..x 5..x", "X.X. .XX."),
    Style("son", 4, (150, 210), {STICK: "X. .X .. X.", CONGA: "xx Xx xx XX", TAMBOURINE: "X. X. X. X."}, ".. .5 .. 8.", "1. 23 .4 3."),
    Style("swing", 4, (100, 210), {RIDE: "X.. X.x X.. X.x", CLOSED: "... X.. ... X.."}, "X.. w.. 5.. w..", "..x ... X.. ..."),
    Style("shuffle", 4, (80, 150), {KICK: "X.. ... X.x ...", SNARE: "... X.. ... X..", CLOSED: "X.x X.x X.x X.x"}, "X.x 5.x X.x 5.x", "... X.. ... X.."),
    Style("twelve-eight", 4, (50, 90), {KICK: "X.. ..x X.. ...", SNARE: "... X.. ... X..", CLOSED: "Xxx Xxx Xxx Xxx"}, "X.. ..5 X.. 5..", "123 432 123 432"),
    Style("country", 4, (85, 120), {KICK: "X. .. X. ..", SNARE: "xx Xx xx Xx"}, "X. .. 5. ..", ".. X. .. X."),
    Style("lo-fi", 4, (65, 95), {KICK: "X. .. .x X.", SNARE: ".. X. .. X.", CLOSED: "Xx Xx Xx Xx"}, "X. .. .x ..", "X. .. .X ..", 0.6),
    Style("march", 2, (95, 130), {KICK: "X. X.", SNARE: "x. Xx", CRASH: "X. .."}, "X. 5.", ".X .X"),
    Style("polka", 2, (95, 140), {KICK: "X. X.", SNARE: ".X .X"}, "X. 5.", ".X .X"),
    Style("jig", 2, (95, 140), {KICK: "X.. X..", TAMBOURINE: "Xxx Xxx"}, "X.. 5..", "..x ..x"),
    Style("six-eight", 2, (55, 100), {KICK: "X.. ..x", SNARE: "... X..", CLOSED: "Xxx Xxx"}, "X.. ..5", "123 432"),
    Style("waltz", 3, (80, 200), {KICK: "X. .. ..", SNARE: ".. x. x.", CLOSED: "X. x. x."}, "X. .. ..", ".. X. X."),
    Style("waltz-rock", 3, (85, 150), {KICK: "X. .. .x", SNARE: ".. .. X.", CLOSED: "Xx Xx Xx"}, "X. .. 5.", "12 34 32"),
    Style("waltz-backbeat", 3, (85, 140), {KICK: "X. .x ..", SNARE: ".. X. ..", CLOSED: "Xx Xx Xx"}, "X. x. x.", "X. .. .X"),
    Style("waltz-jazz", 3, (110, 200), {RIDE: "X.. X.x X..", CLOSED: "... X.. ...", KICK: "X.. ... ..."}, "X.. w.. 5..", "... ..X ..."),
    Style("waltz-pop", 3, (60, 100), {KICK: "X... ..x. ....", SNARE: ".... .... X...", CLOSED: "X.x. X.x. X.x."}, "X... .... x...", "1.2. 3.4. 3.2."),
    Style("slow-six", 6, (100, 200), {KICK: "X . . . . x", SNARE: ". . . X . .", CLOSED: "X x x X x x"}, "X . . 5 . .", "1 2 3 4 3 2"),
    Style("five", 5, (90, 190), {KICK: "X. .. .. X. ..", SNARE: ".. .. X. .. X.", RIDE: "X. Xx X. X. Xx"}, "X. .. x. 5. ..", "X. .X .. X. .."),
    Style("five-two-three", 5, (90, 190), {KICK: "X. .x X. .. ..", SNARE: ".. X. .. .. X.", CLOSED: "Xx Xx Xx Xx Xx"}, "X. x. X. .x x.", "12 34 12 34 32"),
    Style("seven", 7, (120, 205), {KICK: "X . . . X . .", SNARE: ". . X . . . X", CLOSED: "X x X x X x x"}, "X . x . 5 . .", "X . X . X . x"),
    Style("seven-long", 7, (90, 170), {KICK: "X. .. X. .. X. .x ..", SNARE: ".. X. .. X. .. .. X.", CLOSED: "Xx Xx Xx Xx Xx Xx Xx"}, "X. .. X. .. 5. x. x.", "12 34 32 12 34 32 34"),
)  # fmt: skip


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
        return "".join("X" if one and beat else "x" if one else "." for one, beat in zip(rng.random(length) < chance, on_beat, strict=True))

    drums = {
        KICK: pattern(0.95, 0.7, 0.15, 0.12),
        int(rng.choice([SNARE, CLAP, STICK])): pattern(0.02, 0.2, 0.8, 0.06),
        int(rng.choice([CLOSED, RIDE, SHAKER, TAMBOURINE])): pattern(0.95, 0.95, 0.95, rng.choice([0.1, 0.5, 1.0])),
    }
    tempos = (100.0, 200.0) if metre in (5, 6, 7) else (60.0, 180.0) if steps == 2 else (55.0, 130.0)
    bass = pattern(0.97, 0.8, 0.3, 0.2)
    chords = pattern(0.85, 0.6, 0.4, 0.2)
    if rng.random() < 0.4:
        chords = "".join(str(rng.integers(1, 5)) if rng.random() < 0.8 else "." for _ in range(length))
    return Style("random", metre, tempos, drums, bass, chords, float(rng.choice([0.5, 0.5, 0.5, 0.6])) if steps == 2 else 0.5)


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
            tom = TOMS[min(number * len(TOMS) // count, len(TOMS) - 1)] if rng.random() < 0.7 else SNARE
            notes.append(Note(begin + filled + number * (style.metre - filled) / count, 0.1, tom, int(rng.integers(80, 110)), DRUMS))
    if crash:
        notes.append(Note(begin, 0.1, CRASH, 95, DRUMS))
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
        notes += [Note(bar * style.metre + beat, 0.9 * (following - beat), pitch, velocity, CHORDS) for pitch in chosen]
    return notes
