"""Files as other programs write them: damaged, odd and large ones are seeds, or are refused in one sentence."""

import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import mido
import music21
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extrapcli.errors import UnreadableAudio
from extrapcli.melody.encoding import Note, Tune
from extrapcli.melody.midi import midi_file
from extrapcli.melody.midi_events import read_events
from extrapcli.melody.seeds import take_seed
from extrapcli.melody.tune_files import read_score
from tests.conftest import Extrap
from tests.melody.tunes import read_tune

CORPUS = Path(music21.__file__).parent / "corpus"
NOTES = (Note(67, 4), Note(None, 2), Note(65, 2), Note(64, 16))
NINE_SHARPS = b"\x00\xff\x59\x02\x09\x00"


def midi_bytes() -> bytes:
    file = BytesIO()
    midi_file(Tune("", NOTES, "4/4"), tempo=100).save(file=file)
    return file.getvalue()


def with_events(events: bytes, data: bytes = b"") -> bytes:
    """Put events at the beginning of the one track of a MIDI file."""
    data = data or midi_bytes()
    return data[:18] + struct.pack(">I", len(data) - 22 + len(events)) + events + data[22:]


def with_header(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + struct.pack(">H", value) + data[at + 2 :]


MESSAGES = st.one_of(
    st.builds(
        lambda kind, channel, note, velocity, time: mido.Message(
            kind, channel=channel, note=note, velocity=velocity, time=time
        ),
        st.sampled_from(["note_on", "note_off"]),
        st.integers(0, 15),
        st.integers(0, 127),
        st.integers(0, 127),
        st.integers(0, 2**28 - 1),
    ),
    st.builds(lambda program: mido.Message("program_change", program=program, time=7), st.integers(0, 127)),
    st.builds(lambda pitch: mido.Message("pitchwheel", pitch=pitch, time=300), st.integers(-8192, 8191)),
    st.builds(lambda data: mido.Message("sysex", data=data, time=1), st.lists(st.integers(0, 127), max_size=200)),
    st.builds(lambda text: mido.MetaMessage("text", text=text), st.text("abc\xe9", max_size=200)),
    st.builds(lambda n: mido.MetaMessage("time_signature", numerator=n, denominator=8), st.integers(1, 255)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(MESSAGES, max_size=12), max_size=3))
def test_events_are_those_that_mido_reads(tracks: list[list[mido.Message]]) -> None:
    file = BytesIO()
    mido.MidiFile(type=1, ticks_per_beat=96, tracks=[mido.MidiTrack(track) for track in tracks]).save(file=file)
    events = read_events(file.getvalue())
    assert (events.ticks_per_quarter, len(events.tracks), events.whole) == (96, len(tracks), True)
    for track, found in zip(mido.MidiFile(file=BytesIO(file.getvalue())).tracks, events.tracks, strict=True):
        tick, expected = 0, []
        for message in track:
            tick += message.time
            if message.type in ("note_on", "note_off"):
                expected.append((tick, message.bytes()[0], bytes(message.bytes()[1:])))
        assert [tuple(event) for event in found if event.status & 0xE0 == 0x80] == expected


@pytest.mark.parametrize(
    "damaged",
    [
        with_events(NINE_SHARPS),
        with_events(b"\x00\xff\x59\x00"),
        with_events(b"\x00\xff\x51\x00\x00\xff\x51\x03\x00\x00\x00"),  # a tempo of no length, one of 0
        with_events(b"\x00\xff\x54\x02\xff\xff\x00\xff\x20\x00\x00\xff\x58\x01\x04\x00\xff\x7f\x81\x00" + bytes(128)),
        with_events(b"\x00\xf0\x03\x41\x10\xf7\x00\xf7\x01\x00\x00\xfe\x00\x40"),  # and data of no event
        midi_bytes()[:-4],  # no end of track
        with_header(midi_bytes(), 10, 5),  # of five tracks
        with_header(midi_bytes(), 8, 2),
        midi_bytes()[:18] + b"\xff\xff\xff\xff" + midi_bytes()[22:],
        midi_bytes()[:18] + bytes(4) + midi_bytes()[22:],
        midi_bytes()[:14] + b"XFIH\x00\x00\x00\x03abc" + midi_bytes()[14:],
        b"RIFF\x00\x01\x00\x00RMIDdata\x00\x00\x00\x00" + midi_bytes(),
        bytes(128) + midi_bytes(),  # MacBinary
        midi_bytes() + b"MTrk\x00\x00\x00\x04\x00\xff\x2f\x00" + b"garbage",
        midi_bytes().replace(b"\x80\x43\x00", b"\x90\x43\x80"),  # a velocity of 128
    ],
)
def test_midi_with_faults_is_the_tune_that_plays(damaged: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.mid").write_bytes(damaged)
    assert read_tune(tmp_path / "t.mid").notes == NOTES


def test_midi_that_is_cut_off_is_used_up_to_there_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "t.mid"
    path.write_bytes(midi_bytes()[:-12])
    score = read_score(path)
    assert score.remarks == ("is cut off or damaged; what can be read of it is used",)
    assert take_seed(score, bars=16).tune.notes[:3] == NOTES[:3]
    path.write_bytes(midi_bytes())
    assert read_score(path).remarks == ()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (with_header(midi_bytes(), 12, 0xE728), "film frames"),
        (with_header(midi_bytes(), 12, 0), "film frames or not at all"),
        (midi_bytes()[:13], "not a MIDI file"),
        (midi_bytes()[:30], "has no notes"),
        (b"MThd", "not a MIDI file"),
        (midi_bytes().replace(b"\x90", b"\x99").replace(b"\x80", b"\x89"), "only drums"),
        (b"PK\x03\x04rest", "its archive cannot be unpacked"),
        (b"<?xml version='1.0'?><score-timewise/>", "score-timewise"),
        (b"<score-partwise><part-list>", "no element found: line 1"),
        (b"**kern\n*-\n", "has no notes"),
        (bytes(2000), "holds no tune"),
    ],
)
def test_what_is_no_tune_is_refused_in_one_sentence(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "t.mid").write_bytes(data)
    with pytest.raises(UnreadableAudio, match=says) as raised:
        read_score(tmp_path / "t.mid")
    assert str(raised.value).startswith(f"{tmp_path / 't.mid'}: ")
    assert "\n" not in str(raised.value)


def test_parts_of_midi_are_tracks_and_channels(tmp_path: Path) -> None:
    def played(channel: int, pitch: int) -> list[mido.Message]:
        on = mido.Message("note_on", channel=channel, note=pitch, velocity=80)
        return [on, on.copy(velocity=0, time=480)]

    named = mido.MetaMessage("track_name", name="Lead")
    one = [named, *(message for k in range(4) for message in played(0, 72 + k))]
    two = [*played(1, 50), *played(2, 40), *played(9, 36), mido.Message("note_on", channel=1, note=52, time=3)]
    mido.MidiFile(tracks=[mido.MidiTrack(track) for track in (one, [], two)]).save(tmp_path / "t.mid")
    parts = read_score(tmp_path / "t.mid").parts
    assert [(part.name, len(part.notes), part.drums) for part in parts] == [
        ("Lead", 4, False),
        ("channel 2", 2, False),
        ("channel 3", 1, False),
        ("channel 10", 0, True),
    ]
    assert parts[1].notes[1].end - parts[1].notes[1].begin == 4  # nothing ends it


def written(part: music21.stream.Stream[music21.base.Music21Object], tmp_path: Path) -> Path:
    path = tmp_path / "t.musicxml"
    part.write("musicxml", path)
    return path


def scale(*pitches: str, length: float = 1) -> list[music21.note.Note]:
    return [music21.note.Note(pitch, quarterLength=length) for pitch in pitches]


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("utf-8", "utf-16").encode("utf-16-le"),
        lambda text: text.replace("utf-8", "iso-8859-1").encode("latin-1"),
        lambda text: "\ufeff".encode() + text.encode(),
        lambda text: text[text.index("<score-partwise") :].encode(),
        lambda text: text.replace("utf-8", "no-such-code").encode(),
    ],
)
def test_musicxml_is_read_in_any_encoding(encode: Callable[[str], bytes], tmp_path: Path) -> None:
    part = music21.stream.Part(scale("C4", "E4", "G4", "C5"))
    part.partName = "Flöte"
    path = written(part, tmp_path)
    path.write_bytes(encode(path.read_text(encoding="utf-8")))
    score = read_score(path)
    assert [part.name for part in score.parts] == ["Flöte"]
    assert [note.pitch for note in score.parts[0].notes] == [60, 64, 67, 72]


@pytest.mark.parametrize(
    ("names", "reads"),
    [
        ({"score.xml": "C5"}, 72),
        ({"__MACOSX/x.txt": None, "a.musicxml": "D5"}, 74),
        ({"META-INF/container.xml": "b/two.xml", "a.xml": "C5", "b/two.xml": "E5"}, 76),
        ({"META-INF/container.xml": "gone.xml", "a.xml": "C5"}, 72),
    ],
)
def test_compressed_musicxml_is_found_by_its_container_or_without(
    names: dict[str, str | None], reads: int, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "t.mxl", "w") as archive:
        for name, holds in names.items():
            if holds and name.startswith("META"):
                text = f'<container><rootfiles><rootfile full-path="{holds}"/></rootfiles></container>'
            else:
                text = written(music21.stream.Part(scale(holds)), tmp_path).read_text() if holds else ""
            archive.writestr(name, text)
    assert read_tune(tmp_path / "t.mxl").pitches == [reads]


def test_musicxml_sounds_as_it_is_played(tmp_path: Path) -> None:
    """A clarinet in B flat with an upbeat, chords, two voices, a grace note, a tie, a triplet and another metre."""
    part = music21.stream.Part([music21.instrument.Clarinet()])
    upbeat = music21.stream.Measure([music21.meter.TimeSignature("3/4"), *scale("D5")], number=0)
    upbeat.paddingLeft = 2
    one = music21.stream.Measure([*scale("E5", "F5"), music21.chord.Chord(["C4", "G5"])], number=1)
    grace = music21.note.Note("C6").getGrace()
    one.insert(1, grace)
    two = music21.stream.Measure(number=2)
    for name, notes in (("1", scale("A5", length=3)), ("2", scale("C5", "D5", "E5"))):
        voice = music21.stream.Voice(notes)
        voice.id = name
        two.insert(0, voice)
    held = two.voices[0].notes[0]
    held.tie = music21.tie.Tie("start")
    three = music21.stream.Measure([music21.meter.TimeSignature("2/4"), *scale("A5")], number=3)
    three.notes[0].tie = music21.tie.Tie("stop")
    three.append(scale("G5", "F5", "E5", length=1 / 3))
    part.append([upbeat, one, two, three])
    part.atSoundingPitch = False
    path = written(part, tmp_path)
    assert "<transpose>" in path.read_text()
    assert "<voice>2</voice>" in path.read_text()
    seed = take_seed(read_score(path), bars=8)
    assert [(note.pitch, note.steps) for note in seed.tune.notes] == [
        (72, 4),
        (74, 4),
        (75, 4),
        (77, 4),
        (79, 16),
        (77, 1),
        (75, 2),
        (74, 1),
    ]
    assert (seed.tune.metre, seed.tune.upbeat) == ("3/4", 4)
    assert "the metre changes; bars are counted in 3/4" in seed.remarks
    assert "2 notes in bar 3 moved to a sixteenth, by up to 0.33 of one" in seed.remarks


def test_a_part_for_percussion_is_no_melody(tmp_path: Path) -> None:
    drums = music21.stream.Part([music21.clef.PercussionClef(), *scale("E4", "E4")])
    drums.partName = "Drumset"
    voice = music21.stream.Part(scale("C4", "E4"))
    score = read_score(written(music21.stream.Score([drums, voice]), tmp_path))
    assert [part.drums for part in score.parts] == [True, False]
    assert take_seed(score, bars=4).tune.pitches == [60, 64]


def test_the_first_tune_of_a_collection_that_has_notes_is_used(tmp_path: Path) -> None:
    tunes = "X:1\nT:Only words\nK:C\nw: la\n\nX:2\nT:Tanz Gr\xfcn\nM:6/8\nL:1/8\nK:D\n"
    tunes += "[L:1/8] (3FGA {g}d2 [FA]2|\n\nX:3\nK:C\nc\n"
    (tmp_path / "t.abc").write_bytes(tunes.encode("latin-1"))
    score = read_score(tmp_path / "t.abc")
    assert score.remarks == ("tune 2 of 3 is used: Tanz Grün",)
    assert read_tune(tmp_path / "t.abc").pitches == [66, 67, 69, 74, 69]


def test_kern_with_several_spines_and_splits_is_read(tmp_path: Path) -> None:
    kern = "!!!OTL: Two\n**kern\t**kern\n*Ibass\t*Ivox\n*M4/4\t*M4/4\n=1\t=1\n4C\t4c\n*\t*^\n4D\t4d\t4A\n"
    kern += "*\t*v\t*v\n2E\t2e 2g\n==\t==\n*-\t*-\n"
    (tmp_path / "t").write_text(kern)
    score = read_score(tmp_path / "t")
    assert len(score.parts) == 2
    assert read_tune(tmp_path / "t").pitches == [60, 62, 67]
    assert read_tune(tmp_path / "t", part="2" if score.parts[1].notes[0].pitch == 48 else "1").pitches == [48, 50, 52]


REAL = {
    "bach/bwv66.6.mxl": "Soprano",
    "beach/prayer_of_a_tired_child.musicxml": "Soprano I",
    "haydn/opus74no1/movement1.mxl": "Violin 1",
    "joplin/maple_leaf_rag.mxl": "Piano",
    "liliuokalani/aloha_oe.mxl": "Solo Voice",
    "mozart/k545/movement1_exposition.mxl": "",
    "schubert/Lindenbaum.xml": "Voice",
    "verdi/laDonnaEMobile.mxl": "Piano",
    "weber/concertino_clarinet.mxl": "Clarinet",
    "webern/webern_dormi_jesu_op_16_no_2.mxl": "Gesang",
    "leadSheet/fosterBrownHair.mxl": "",
    "chopin/mazurka06-2.krn": "Piano",
    "palestrina/Agnus_00.krn": "Soprano",
    "luca/gloria.xml": "Cantus",
    "josquin/milleRegrets.abc": "Mille regrets",
    "airdsAirs/book1.abc": "tune 1 of 200",
    "ryansMammoth/BanishMisfortune.abc": "",
    "essenFolksong/altdeu10.abc": "tune 1 of 313",
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "says"), REAL.items())
def test_real_scores_are_seeds(name: str, says: str) -> None:
    """Choir, quartet, piano, ragtime, songs and a concerto: each gives some bars, and says of what."""
    seed = take_seed(read_score(CORPUS / name), bars=16)
    assert len(seed.tune.pitches) >= 8
    assert says in " ".join(seed.remarks)


def test_the_command_says_what_it_took_and_changed(extrap: Extrap, tune_model: Path, tmp_path: Path) -> None:
    asked = ("melody", "--model", tune_model, "--overwrite", "--bars", "4", "--seed")
    (tmp_path / "nine_sharps.mid").write_bytes(with_events(NINE_SHARPS))
    assert extrap(*asked, "nine_sharps.mid", "--quiet").lines == ["tune.mid"]
    parts = [music21.stream.Part(scale(*names)) for names in (["D5"] * 16, ["G4", "B4", "D5", "G4"] * 4)]
    for part, name in zip(parts, ("Violin", "Viola"), strict=True):
        part.partName = name
    music21.stream.Score(parts).write("musicxml", tmp_path / "duo.musicxml")
    ran = extrap(*asked, "duo.musicxml", "--part", "viola", "--key", "A")
    assert ran.stderr.splitlines()[:3] == [
        "extrap: duo.musicxml: part 2 of 2 is used: Viola",
        "extrap: duo.musicxml: the seed is cut after 2 bars, to leave room in a tune of 4 bars",
        "extrap: duo.musicxml: transposed from G to A: 2 semitones up",
    ]
    assert not extrap(*asked, "duo.musicxml", "--quiet").stderr
    assert "no part 'oboe'; its parts are 1 Violin, 2 Viola" in (
        extrap(*asked, "duo.musicxml", "--part", "oboe", status=2).stderr
    )
    assert "no parts to choose from" in extrap(*asked, "67 _ 65 _", "--part", "1", status=2).stderr
    (tmp_path / "song.wav").write_bytes(bytes(100))
    assert "holds no tune" in extrap(*asked, "song.wav", status=3).stderr


def test_a_seed_in_another_octave_is_transposed_by_the_smallest_interval(
    extrap: Extrap, tune_model: Path, tmp_path: Path
) -> None:
    low = tuple(Note(pitch, 4) for pitch in (43, 47, 50, 55, 50, 47, 43, 43))
    midi_file(Tune("", low, "4/4"), tempo=100).save(tmp_path / "low.mid")
    asked = ("melody", "--model", tune_model, "--seed", "low.mid", "--quiet")
    extrap(*asked, "--key", "A", "-o", "a.mid")
    extrap(*asked, "--key", "G", "-o", "g.mid")
    extrap(*asked, "-o", "own.mid")
    assert read_tune(tmp_path / "a.mid").notes[:7] == Tune("", low).transposed(2).notes[:7]
    assert (tmp_path / "g.mid").read_bytes() == (tmp_path / "own.mid").read_bytes()
