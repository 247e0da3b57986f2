"""Targets that read tunes for `extrap melody --seed`: symbols, MIDI, ABC, Humdrum kern and MusicXML."""

from pathlib import Path

import music21

from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.melody.encoding import DEFAULT_BAR, METRES, Note, Tune
from extrapcli.melody.midi import midi_file
from extrapcli.melody.pipeline import MelodyOptions, read_seed
from tests.fuzz.fuzz import Target
from tests.fuzz.mutate import mutate_text
from tests.fuzz.mutate_tunes import mutate_abc, mutate_midi, mutate_score

NOTES = tuple(Note(pitch, steps) for pitch, steps in [(67, 4), (None, 2), (67, 2), (65, 3), (64, 1), (62, 8)])
KNOWN = tuple(str(pitch) for pitch in range(50, 85))
ABC = """X:1
T:Waltz
M:3/4
L:1/8
K:Am
D2 | _B2BAz2 | F3-F^fg | c'4C,2 | (3ABc d/2e/2 z4 ||
"""
KERN = """**kern
*clefG2
*k[f#]
*M3/4
=1
4d
8g
8f#
4b
=2
2.a
==
*-
"""


def score(parts: int) -> music21.stream.Score:
    """The tune of `KERN`, in canon at the octave below."""
    whole = music21.stream.Score()
    for number in range(parts):
        read = music21.converter.parse(KERN, format="humdrum")
        whole.insert(0, read.getElementsByClass(music21.stream.Part)[0].transpose(-12 * number))
    return whole


def midi_seeds(folder: Path) -> None:
    midi_file(Tune("", NOTES), tempo=100).save(folder / "plain.mid")
    midi_file(Tune("", NOTES * 3, "6/8", 2), tempo=66).save(folder / "metre.mid")
    score(3).write("midi", folder / "parts.mid")


def abc_seeds(folder: Path) -> None:
    (folder / "waltz.abc").write_text(ABC)
    (folder / "two.abc").write_text(ABC.replace("(3ABc ", "") + "\n" + ABC.replace("K:Am", "K:Bb\nV:1"))
    essen = Path(music21.__file__).parent / "corpus" / "essenFolksong" / "han1.abc"
    (folder / "essen.abc").write_text("".join(essen.read_text().partition("\nX:")[:1]) + "\n")


def score_seeds(folder: Path) -> None:
    (folder / "plain.krn").write_text(KERN)
    score(1).write("mxl", folder / "packed.mxl")
    score(3).write("musicxml", folder / "parts.musicxml")


def read_tune(path: Path) -> None:
    """Read a file as a seed. It must have notes that the model knows, and leave room in the bars asked for."""
    seed = read_seed(str(path), MelodyOptions(), KNOWN)
    assert seed.tune.pitches
    assert {str(pitch) for pitch in seed.tune.pitches} <= set(KNOWN)
    assert seed.tune.steps < seed.tune.upbeat + 16 * METRES.get(seed.tune.metre, DEFAULT_BAR)


def read_symbols(path: Path) -> None:
    read_seed(path.read_bytes().decode(errors="replace"), MelodyOptions(), KNOWN)


def symbol_seeds(folder: Path) -> None:
    (folder / "symbols.txt").write_text("67 _ 67 _ 65 _ 64 _ r _ 62 _ _ _")


REFUSED = (UnreadableAudio, UsageError)
SYMBOLS = Target("symbols", symbol_seeds, mutate_text, read_symbols, REFUSED)
MIDI = Target("midi", midi_seeds, mutate_midi, read_tune, REFUSED)
ABCS = Target("abc", abc_seeds, mutate_abc, read_tune, REFUSED)
SCORE = Target("score", score_seeds, mutate_score, read_tune, REFUSED, lifetime=2000)
