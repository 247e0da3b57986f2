"""A seed from a recording: its most salient line, in its key and tempo."""

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from extrapcli.audio.decode import decode
from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.melody.beat import USUAL, find_grid, on_grid, tempo
from extrapcli.melody.encoding import METRES, STEPS_PER_QUARTER, Note, Tune
from extrapcli.melody.hearing import hear
from extrapcli.melody.keys import NAMES, Key, find_key
from extrapcli.melody.line import Sung, find_line
from extrapcli.melody.scores import SUFFIXES

LISTENED_SECONDS = 300  # of a recording, from its beginning
SEED_BARS = 4
KEY_SECONDS = 40  # before and after the beginning of the seed, in which the line says what its key is
FEWEST = 4  # notes of a seed
SURE = 0.25  # what a note's sureness is at least, on average, in a line that is one
NEARLY = 0.9  # a stretch so sure, by the surest, is preferred if it comes earlier


@dataclass(frozen=True)
class Recorded:
    """What was heard: the tune to go on from, as it sounds, the key and the tempo, in quarters a minute."""

    tune: Tune
    key: Key
    tempo: float

    def __str__(self) -> str:
        names = " ".join(f"{NAMES[pitch % 12]}{pitch // 12 - 1}" for pitch in self.tune.pitches)
        return f"a melody in {self.key} at {self.tempo:.0f} quarters a minute: {names}"


def read_recording(path: Path, metre: str, *, bars: int = SEED_BARS) -> Recorded:
    """The surest `bars` bars of the line in the first five minutes of a recording.

    Raises UnreadableAudio where it can't be decoded, and where no line of four notes is heard in it; UsageError for a
    file of written notes.
    """
    if path.suffix.lower() in SUFFIXES:
        raise UsageError(f"{path}: written notes, not a recording; give them to --seed")
    song = decode(path, name=str(path))
    sound = song.samples[: LISTENED_SECONDS * song.sample_rate].mean(axis=1).astype("float32")
    line = [note for note in find_line(hear(sound, song.sample_rate)) if note.sure >= SURE]
    whole = tempo(line) if line else USUAL
    stretch = _surest(line, whole, metre, bars)
    if not stretch:
        raise UnreadableAudio(
            f"{song.name}: no melody is heard in it; give some seconds of music where one voice leads"
        )
    grid = find_grid(stretch, whole, metre)
    first, notes = on_grid(stretch, grid)
    key = _key([note for note in line if abs(note.begin - stretch[0].begin) < KEY_SECONDS])
    return Recorded(Tune(path.stem, notes, metre, -first % METRES[metre]), key, 60 / (STEPS_PER_QUARTER * grid.step))


def within(tune: Tune, symbols: tuple[str, ...]) -> Tune:
    """The tune with each note that is none of the symbols moved by the fewest octaves that make it one."""
    known = {int(symbol) for symbol in symbols if symbol.isdigit()}

    def moved(note: Note) -> Note:
        pitch = note.pitch
        if pitch is None or pitch in known:
            return note
        same = [other for other in known if (other - pitch) % 12 == 0]
        return replace(note, pitch=min(same, key=lambda other: abs(other - pitch), default=pitch))

    return replace(tune, notes=tuple(map(moved, tune.notes)))


def _key(line: list[Sung]) -> Key:
    hundredths = (Note(note.pitch, max(1, round(100 * (note.end - note.begin)))) for note in line)
    return find_key(Tune("", tuple(hundredths)))


def _surest(line: list[Sung], tempo: float, metre: str, bars: int) -> list[Sung]:
    """The notes of the first stretch of so many bars, from a note on, that is about as sure as any; or none.

    It is as sure as its notes are for as long as they last, and as the beat that they lie on is clear; a note that
    only repeats the one before adds nothing.
    """
    seconds = 60 / tempo * METRES[metre] / STEPS_PER_QUARTER * bars
    stretches, sums = [], []
    for place, first in enumerate(line):
        stretch = [note for note in line[place:] if note.begin < first.begin + seconds]
        if len(stretch) >= FEWEST:
            moving = [first, *(note for before, note in pairwise(stretch) if note.pitch != before.pitch)]
            sure = sum(note.sure * (note.end - note.begin) for note in moving)
            stretches.append(stretch)
            sums.append(sure * find_grid(stretch, tempo, metre).fit)
    return next((s for s, total in zip(stretches, sums, strict=True) if total >= NEARLY * max(sums)), [])
