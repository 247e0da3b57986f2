"""Reading tunes from ABC, kern, MusicXML and MIDI, and what is refused."""

import random
from fractions import Fraction
from pathlib import Path

import mido
import music21
import pytest

from extrapcli.errors import UnreadableAudio
from extrapcli.melody.abc import UnsupportedAbc, read_piece, split_pieces
from extrapcli.melody.encoding import Note, RejectReason, Tune, encode
from extrapcli.melody.midi import midi_file
from extrapcli.melody.tune_files import copy_essen, read_tunes
from extrapcli.melody.written import read_written, written_tune
from tests.melody.tunes import only_tune, read_tune

ABC = """X:1
T: Waltz
M: 3/4
L: 1/8
K: G
D2 | _B2BAz2 | F3-F^fg | c'4C,2
"""
ESSEN = Path(music21.__file__).parent / "corpus" / "essenFolksong"


def test_abc_is_read_as_the_standard_says() -> None:
    tune = read_piece(ABC)
    assert isinstance(tune, Tune)
    assert (tune.title, tune.metre, tune.upbeat) == ("Waltz", "3/4", 4)
    assert [(note.pitch, note.steps) for note in tune.notes] == [
        (62, 4),
        (70, 4),
        (70, 2),
        (69, 2),
        (None, 4),
        (66, 8),
        (78, 2),
        (79, 2),
        (84, 8),
        (48, 4),
    ]


@pytest.mark.parametrize(
    ("change", "unfit"),
    [
        (("D2", "D5"), RejectReason.durations),
        (("D2", "D/4"), RejectReason.durations),
        ((ABC[ABC.index("D2 ") :], "z4 | z4\n"), RejectReason.empty),
    ],
)
def test_abc_that_is_no_tune_has_a_reason(change: tuple[str, str], unfit: RejectReason) -> None:
    assert read_piece(ABC.replace(*change)) is unfit


@pytest.mark.parametrize("change", [("D2", "(3DDD"), ("D2", "[DF]2"), ("K: G", "K: Hp"), ("F3", "\nM: 2/4\nF3")])
def test_unsupported_abc_is_read_by_music21(change: tuple[str, str], tmp_path: Path) -> None:
    text = ABC.replace(*change)
    with pytest.raises(UnsupportedAbc):
        read_piece(text)
    (tmp_path / "t.abc").write_text(text)
    assert len(read_tunes(tmp_path / "t.abc")) == 1


@pytest.mark.slow
def test_essen_is_read_as_music21_reads_it() -> None:
    """Compare pieces without accidentals, as music21 forgets accidentals within a bar."""
    files = [file.read_bytes().decode(errors="replace") for file in sorted(ESSEN.glob("*.abc"))]
    every = [piece for text in files for piece in split_pieces(text)]
    assert len(every) == 8514
    plain = [p for p in every if not set("_^=") & set(p.partition("\nK:")[2])]
    for piece in random.Random(5).sample(plain, 60):
        mine, theirs = read_piece(piece), read_written(piece, "abc", Path("essen"), written_tune)[0]
        if isinstance(mine, Tune) and isinstance(theirs, Tune):
            assert mine.notes == theirs.notes
        else:
            assert mine is theirs


def test_essen_is_copied_with_its_licence(tmp_path: Path) -> None:
    assert copy_essen(tmp_path / "essen") == 31
    assert "Essen" in (tmp_path / "essen" / "license.txt").read_text()


def score(*notes: str, unpitched: bool = False) -> music21.stream.Part:
    part = music21.stream.Part()
    part.append(music21.meter.TimeSignature("3/4"))
    for note in notes:
        part.append(
            music21.note.Unpitched(quarterLength=1) if unpitched else music21.note.Note(note, quarterLength=1)
        )
    return part


@pytest.mark.parametrize("format", ["musicxml", "midi"])
def test_musicxml_and_midi_of_other_programs_are_read(format: str, tmp_path: Path) -> None:
    suffix = {"musicxml": "musicxml", "midi": "mid"}[format]
    score("C4", "E4", "G4", "C5").write(format, tmp_path / f"t.{suffix}")
    tune = read_tune(tmp_path / f"t.{suffix}")
    assert tune.notes == tuple(Note(pitch, 4) for pitch in (60, 64, 67, 72))
    assert tune.metre == "3/4"


def test_kern_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.krn").write_text("**kern\n*M3/4\n*G:\n=1\n4g\n8a\n8b\n4.cc\n=2\n8r\n4d\n4d\n==\n*-\n")
    assert (
        " ".join(encode(read_tune(tmp_path / "t.krn").notes))
        == "67 _ _ _ 69 _ 71 _ 72 _ _ _ _ _ r _ 62 _ _ _ 62 _ _ _"
    )


def test_a_file_without_a_tune_is_refused_in_one_sentence(tmp_path: Path) -> None:
    score("", "", unpitched=True).write("musicxml", tmp_path / "drums.musicxml")
    drums = mido.MidiFile(tracks=[mido.MidiTrack([mido.Message("note_on", channel=9, note=36, velocity=9)])])
    drums.save(tmp_path / "drums.mid")
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(tmp_path / "empty.mid")
    (tmp_path / "text.abc").write_text("nothing")
    (tmp_path / "text.mid").write_text("nothing")
    (tmp_path / "text.musicxml").write_text("nothing")
    for name, says in (
        ("drums.musicxml", "only drums"),
        ("drums.mid", "only drums"),
        ("empty.mid", "no notes"),
        ("text.abc", "holds no tune in MIDI, MusicXML, kern or ABC"),
        ("text.mid", "holds no tune"),
        ("text.musicxml", "holds no tune"),
        ("absent.abc", "cannot be read: No such file"),
        (".", "cannot be read"),
    ):
        with pytest.raises(UnreadableAudio, match=says):
            read_tune(tmp_path / name)


@pytest.mark.parametrize("format", ["musicxml", "midi"])
def test_a_tune_to_learn_from_has_one_voice(format: str, tmp_path: Path) -> None:
    music21.stream.Score([score("C4", "E4", "G4"), score("C3", "C3", "C3")]).write(format, tmp_path / "two")
    (file,) = tmp_path.iterdir()
    assert read_tunes(file) == [RejectReason.voices]


def test_midi_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    notes = (Note(67, 4), Note(None, 2), Note(65, 1), Note(64, 16))
    midi_file(Tune("", notes, "4/4", 2), tempo=100).save(tmp_path / "t.mid")
    assert only_tune(tmp_path / "t.mid") == Tune("t", notes, "4/4", 0)
    assert mido.MidiFile(tmp_path / "t.mid").length == pytest.approx(23 / 4 * 60 / 100)


def test_played_midi_is_rounded_to_sixteenths(tmp_path: Path) -> None:
    track = mido.MidiTrack()
    for wait, length in ((0, 110), (20, 235), (3, 118)):
        track.append(mido.Message("note_on", note=60, velocity=80, time=wait))
        track.append(mido.Message("note_off", note=60, time=length))
    mido.MidiFile(tracks=[track], ticks_per_beat=240).save(tmp_path / "t.mid")
    tune = only_tune(tmp_path / "t.mid")
    assert isinstance(tune, Tune)
    assert [note.steps for note in tune.notes] == [2, 4, 2]
    assert Fraction(sum(note.steps for note in tune.notes)) == 8


def test_a_tied_note_is_one_note_though_only_its_first_part_has_an_accidental(tmp_path: Path) -> None:
    part = score("E4", "E4", "E4", "F4")
    notes = list(part.getElementsByClass(music21.note.Note))
    notes[0].pitch.accidental = music21.pitch.Accidental("natural")
    for note, kind in zip(notes, ("start", "continue", "stop"), strict=False):
        note.tie = music21.tie.Tie(kind)
    part.write("musicxml", tmp_path / "t.musicxml")
    assert read_tune(tmp_path / "t.musicxml").notes == (Note(64, 12), Note(65, 4))
