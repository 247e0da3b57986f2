"""Scores of music21's corpus: folk tunes, which get an accompaniment, and chorales, quartets and piano pieces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mido
import numpy as np
from music21 import converter, corpus
from numpy.typing import NDArray

from training.beats.performance import Note, clock, perform
from training.beats.styles import BASS, CHORDS, DRUMS, MELODY, STYLES, bass_bar, chord_bar, drum_bar, random_style

FOLK = ("ryansMammoth", "oneills1850", "airdsAirs", "miscFolk")  # tunes in ABC, but for those not free for all uses
SCORES = (
    "bach/*.mxl", "haydn/*/*.mxl", "mozart/*/*.mxl", "beethoven/opus18no1/*.mxl", "schumann_clara/*.mxl",
    "schumann_robert/opus41no1/*.mxl", "joplin/*.mxl",
)  # fmt: skip
LEADS = (0, 21, 22, 40, 65, 68, 71, 72, 73, 74, 75, 78, 24, 25, 46, 105, 109, 110, 56, 80)
ENSEMBLES = (
    (0,),
    (6,),
    (16,),
    (19,),
    (48,),
    (52,),
    (24,),
    (4,),
    (40, 40, 41, 42),
    (73, 71, 71, 70),
    (56, 56, 57, 58),
    (11,),
)
ACCOMPANIMENTS = (0, 21, 24, 25, 46, 48, 6, 15, 105, 16)
SHORTEST_BARS = 8
REST_OF_SPLIT = 1e-6  # quarters: how exactly lengths of bars must agree


class Part(NamedTuple):
    """A stretch of regular bars: its metre, and its notes in beats from the first bar line (before it, an upbeat)."""

    metre: int
    bars: int
    tempo_range: tuple[float, float]
    notes: list[Note]


def folder() -> Path:
    """Return where music21's corpus lies."""
    return Path(corpus.__file__).parent


def folk_tunes() -> Iterator[tuple[Path, int | None]]:
    """List the tunes of the folk collections: the file, and the number of the tune in it, if there are several."""
    for name in FOLK:
        for path in sorted((folder() / name).glob("*.abc")):
            numbers = [
                int(line[2:])
                for line in path.read_text("latin-1").splitlines()
                if line[:2] == "X:" and line[2:].strip().isdigit()
            ]
            yield from ((path, number if len(numbers) > 1 else None) for number in numbers or [1])


def read_part(path: Path, number: int | None) -> Part | str:
    """Read the longest stretch of bars in one metre from a score; or say why it has none."""
    score: Any = converter.parse(path, number=number) if number else converter.parse(path)
    parts = list(score.parts) or [score]
    measures = list(parts[0].getElementsByClass("Measure"))
    if not measures:
        return "no bars"
    begin, end, signature = _longest(measures)
    full = signature.barDuration.quarterLength
    if end - begin < SHORTEST_BARS:
        return "too few regular bars"
    compound = signature.denominator >= 8 and signature.numerator % 3 == 0
    unit = float(4 / signature.denominator * (3 if compound else 1))
    metre = signature.numerator // 3 if compound else signature.numerator
    if metre > 7:
        return f"{metre} beats in a bar"
    if metre == 1:  # 3/8
        unit, metre = unit / 3, 3
    origin, last = float(measures[begin].offset), float(measures[end - 1].offset + full)
    first = (
        float(measures[begin - 1].offset) if begin and measures[begin - 1].duration.quarterLength < full else origin
    )
    notes = []
    for channel, part in enumerate(parts[:8]):
        for element in part.flatten().notes:
            at = float(element.offset)
            if first <= at < last and element.quarterLength:
                length = float(element.quarterLength) / unit
                accent = 8 if (at - origin) % float(full) < REST_OF_SPLIT else 0
                notes += [
                    Note((at - origin) / unit, 0.95 * length, p.midi, 78 + accent, channel) for p in element.pitches
                ]
    tempos = (60.0, 110.0) if compound else (70.0, 170.0) if unit <= 1 else (60.0, 120.0)
    if signature.denominator == 8 and not compound:
        tempos = (130.0, 210.0)
    return Part(metre, end - begin, tempos, notes)


def _longest(measures: list[Any]) -> tuple[int, int, Any]:
    """Find the longest run of full bars in one metre: the first, the one after the last, and the time signature."""
    best: tuple[int, int, Any] = 0, 0, None
    begin, signature, changed = 0, None, True
    for number, measure in enumerate(measures):
        if measure.timeSignature is not None and (
            signature is None or measure.timeSignature.ratioString != signature.ratioString
        ):
            signature, changed = measure.timeSignature, True
        regular = (
            signature is not None
            and abs(measure.duration.quarterLength - signature.barDuration.quarterLength) < REST_OF_SPLIT
        )
        if not regular or changed:
            begin = number if regular else number + 1
            changed = not regular
        if regular and number + 1 - begin > best[1] - best[0]:
            best = begin, number + 1, signature
    return best


def repeated(part: Part, seconds: float, tempo: float) -> Part:
    """Repeat a stretch until it lasts `seconds`; its upbeat is played the first time only."""
    beats = part.bars * part.metre
    times = max(1, int(np.ceil(seconds * tempo / 60 / beats)))
    notes = [
        note._replace(begin=note.begin + beats * k)
        for k in range(times)
        for note in part.notes
        if note.begin >= 0 or not k
    ]
    return part._replace(bars=part.bars * times, notes=notes)


Performance = tuple[str, list[tuple[float, mido.Message]], NDArray[np.float64], NDArray[np.bool_]]
"""A description, messages, the times of beats in seconds, and which begin bars."""


def perform_score(part: Part, seed: int, seconds: float) -> Performance:
    """Play a score as it is, on one instrument or an ensemble."""
    rng = np.random.default_rng(seed)
    tempo = float(np.exp(rng.uniform(*np.log(part.tempo_range))))
    part = repeated(part, seconds, tempo)
    ensemble = ENSEMBLES[rng.integers(len(ENSEMBLES))]
    channels = {note.channel for note in part.notes}
    programs = {channel: ensemble[min(channel, len(ensemble) - 1)] for channel in channels}
    volumes = {channel: int(rng.integers(80, 115)) for channel in channels}
    kind = str(rng.choice(["steady", "drift", "rubato", "change"], p=[0.3, 0.3, 0.3, 0.1]))
    notes = [note._replace(velocity=note.velocity + int(rng.integers(-12, 13))) for note in part.notes]
    return ("score", *_play(part, notes, tempo, kind, programs, volumes, 0.5, rng))


def perform_folk(part: Part, seed: int, seconds: float) -> Performance:
    """Play a tune with an accompaniment in a style: chords that fit the tune, bass, and drums or none."""
    rng = np.random.default_rng(seed)
    tempo = float(np.exp(rng.uniform(*np.log(part.tempo_range))))
    part = repeated(part, seconds, tempo)
    known = [style for style in STYLES if style.metre == part.metre]
    style = known[rng.integers(len(known))] if known and rng.random() < 0.7 else random_style(part.metre, rng)
    parts = rng.random(3) < (0.55, 0.8, 0.8)
    notes = [note._replace(channel=MELODY, velocity=int(rng.integers(75, 105))) for note in part.notes]
    fills = int(rng.choice([4, 8, 1000]))
    for bar in range(part.bars):
        chord = _chord([n for n in part.notes if bar * part.metre <= n.begin < (bar + 1) * part.metre], part.notes)
        if parts[0]:
            notes += drum_bar(style, bar, rng, fill=bar % fills == fills - 1, crash=bar % 16 == 0 and bar > 0)
        if parts[1]:
            notes += bass_bar(style, bar, chord, rng)
        if parts[2]:
            notes += chord_bar(style, bar, chord, rng)
    programs = {
        MELODY: int(rng.choice(LEADS)),
        BASS: int(rng.choice([32, 33, 43, 58])),
        CHORDS: int(rng.choice(ACCOMPANIMENTS)),
    }
    volumes = {
        MELODY: 105,
        BASS: int(rng.integers(80, 115)),
        CHORDS: int(rng.integers(65, 100)),
        DRUMS: int(rng.integers(65, 110)),
    }
    kind = str(rng.choice(["steady", "drift", "rubato", "change"], p=[0.5, 0.3, 0.1, 0.1]))
    return (style.name, *_play(part, notes, tempo, kind, programs, volumes, style.swing, rng))


def _play(
    part: Part, notes: list[Note], tempo: float, kind: str, programs: dict[int, int], volumes: dict[int, int],
    swing: float, rng: np.random.Generator,
) -> tuple[list[tuple[float, mido.Message]], NDArray[np.float64], NDArray[np.bool_]]:  # fmt: skip
    beats = part.bars * part.metre
    upbeat = -min(0.0, min(note.begin for note in notes))
    before = int(np.ceil(upbeat))  # beats of the upbeat, which are labelled too
    lead = rng.uniform(0.05, 0.8) + upbeat * 60 / tempo
    times = clock(beats, tempo, kind, part.metre, rng) + lead
    messages = perform(
        notes, times, programs, volumes, rng, swing=swing, jitter_seconds=float(rng.choice([0, 0.004, 0.01]))
    )
    earlier = times[0] - np.arange(before, 0, -1) * (times[1] - times[0])
    numbers = np.arange(-before, beats)
    return messages, np.concatenate([earlier, times]), numbers % part.metre == 0


def _chord(bar: list[Note], tune: list[Note]) -> tuple[int, ...]:
    """Choose the triad that shares most with the notes of a bar; among equals the one nearer to the whole tune."""
    weights = np.zeros(12)
    for notes, weight in ((bar, 1.0), (tune, 0.1 * len(bar) / len(tune))):
        for note in notes:
            weights[note.pitch % 12] += weight * note.length
    triads = [(root, (root + third) % 12, (root + 7) % 12) for root in range(12) for third in (3, 4)]
    return max(triads, key=lambda triad: sum(weights[pitch] for pitch in triad) + 0.2 * weights[triad[0]])
