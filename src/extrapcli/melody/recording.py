"""A seed from a recording: an excerpt of its melody, with its key and tempo."""

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.downmix import to_mono
from extrapcli.audio.silence import find_bounds
from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.melody.encoding import METRES, STEPS_PER_QUARTER, Note, Tune
from extrapcli.melody.extraction import NoteEvent, extract_melody
from extrapcli.melody.keys import NAMES, Key, find_key
from extrapcli.melody.rhythm import USUAL, estimate_tempo, fit_grid, quantize
from extrapcli.melody.transcription import transcribe
from extrapcli.melody.tune_files import SUFFIXES

ANALYSED_SECONDS = 300  # of a recording, from a second before its music
SEED_BARS = 4
KEY_SECONDS = 40  # the key is that of the melody so long before and after the beginning of the seed
FEWEST_NOTES = 4  # of a seed
MIN_CONFIDENCE = 0.25  # of a note that counts
NEARLY_BEST = 0.9  # the first excerpt with this share of the best score is taken


@dataclass(frozen=True)
class RecordedMelody:
    """An excerpt of a recording's melody, at its pitch; `tempo` is in quarters a minute."""

    tune: Tune
    key: Key
    tempo: float

    def __str__(self) -> str:
        names = " ".join(f"{NAMES[pitch % 12]}{pitch // 12 - 1}" for pitch in self.tune.pitches)
        return f"a melody in {self.key} at {self.tempo:.0f} quarters a minute: {names}"


def read_recording(
    path: Path, metre: str, *, bars: int = SEED_BARS, device: str = "cpu", threads: int | None = None
) -> RecordedMelody:
    """Find the `bars` bars of melody that are heard best in the first five minutes of the music in a recording.

    `metre` is one of METRES. Raises UnreadableAudio where the file can't be decoded or no melody of four notes is
    heard in it, UsageError where it is a file of written notes.
    """
    if path.suffix.lower() in SUFFIXES:
        raise UsageError(f"{path}: holds written notes, and is no recording", hint="seed")
    song = decode(path, name=str(path))
    begin = max(0, find_bounds(song.as_heard.steps).begin - song.sample_rate)
    music = song.heard[begin : begin + ANALYSED_SECONDS * song.sample_rate]
    sound = to_mono(music, song.sample_rate)
    melody = hear_melody(sound, song.sample_rate, device=device, threads=threads)
    heard = find_seed(melody, metre, bars=bars)
    if not heard:
        raise UnreadableAudio(
            f"{song.name}: no melody is heard in it; give some seconds of music in which one voice leads"
        )
    return replace(heard, tune=replace(heard.tune, title=path.stem))


def hear_melody(
    samples: NDArray[np.float32], sample_rate: int, *, device: str = "cpu", threads: int | None = None
) -> list[NoteEvent]:
    """Find the notes of the melody in mono sound `(n,)` of full scale 1."""
    transcription = transcribe(samples, sample_rate, device=device, threads=threads)
    return [note for note in extract_melody(transcription) if note.confidence >= MIN_CONFIDENCE]


def find_seed(melody: list[NoteEvent], metre: str, *, bars: int = SEED_BARS) -> RecordedMelody | None:
    """Find the `bars` bars of a melody that are heard best; None where they hold fewer than four notes."""
    tempo = estimate_tempo(melody) if melody else USUAL
    excerpt = _best_excerpt(melody, tempo, metre, bars)
    if not excerpt:
        return None
    grid = fit_grid(excerpt, tempo, metre)
    first, notes = quantize(excerpt, grid)
    around = [note for note in melody if abs(note.begin - excerpt[0].begin) < KEY_SECONDS]
    hundredths = (Note(note.pitch, max(1, round(100 * (note.end - note.begin)))) for note in around)
    key = find_key(Tune("", tuple(hundredths)))
    return RecordedMelody(Tune("", notes, metre, -first % METRES[metre]), key, 60 / (STEPS_PER_QUARTER * grid.step))


def _best_excerpt(melody: list[NoteEvent], tempo: float, metre: str, bars: int) -> list[NoteEvent]:
    """Find the first excerpt of so many bars whose score is close to the best; empty where none has four notes.

    The score is the sum of the notes' confidence times their length, times how well they align with a grid. A note
    that repeats the one before adds nothing.
    """
    seconds = 60 / tempo * METRES[metre] / STEPS_PER_QUARTER * bars
    excerpts, scores = [], []
    for index, first in enumerate(melody):
        excerpt = [note for note in melody[index:] if note.begin < first.begin + seconds]
        if len(excerpt) >= FEWEST_NOTES:
            moving = [first, *(note for before, note in pairwise(excerpt) if note.pitch != before.pitch)]
            confidence = sum(note.confidence * (note.end - note.begin) for note in moving)
            excerpts.append(excerpt)
            scores.append(confidence * fit_grid(excerpt, tempo, metre).alignment)
    return next((e for e, score in zip(excerpts, scores, strict=True) if score >= NEARLY_BEST * max(scores)), [])
