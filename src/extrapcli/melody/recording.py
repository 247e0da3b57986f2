"""A seed from a recording: its most salient line, in its key and tempo."""

from dataclasses import dataclass, replace
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
    song = decode(path)
    sound = song.samples[: LISTENED_SECONDS * song.sample_rate].mean(axis=1).astype("float32")
    line = [note for note in find_line(hear(sound, song.sample_rate)) if note.sure >= SURE]
    whole = tempo(line) if line else USUAL
    stretch = _surest(line, 60 / whole * METRES[metre] / STEPS_PER_QUARTER * bars)
    if len(stretch) < FEWEST:
        raise UnreadableAudio(
            f"{path}: no melody is heard in it; give a song where one voice leads, for some seconds"
        )
    grid = find_grid(stretch, whole, metre)
    first, notes = on_grid(stretch, grid)
    key = find_key(Tune("", tuple(Note(note.pitch, max(1, round(50 * (note.end - note.begin)))) for note in line)))
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


def _surest(line: list[Sung], seconds: float) -> list[Sung]:
    """The notes that begin in the first stretch of so many seconds, from a note on, that is about as sure as any."""
    stretches = [
        [note for note in line[place:] if note.begin < line[place].begin + seconds] for place in range(len(line))
    ]
    sums = [sum(note.sure * (note.end - note.begin) for note in stretch) for stretch in stretches]
    enough = [total if len(stretch) >= FEWEST else 0.0 for total, stretch in zip(sums, stretches, strict=True)]
    return next((stretches[k] for k, total in enumerate(enough) if total >= NEARLY * max(enough)), [])
