"""A tune as a score: MusicXML that reads back as the same tune, and a picture that needs no font."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import music21
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from extrapcli.melody.encoding import DURATIONS, METRES, Note, Tune, parse_symbols
from extrapcli.melody.encoding import decode as notes_of
from extrapcli.melody.engrave import _OPTIONS, engrave
from extrapcli.melody.keys import Key, parse_key
from extrapcli.melody.musicxml import musicxml, spell, split_bars

KEYS = st.builds(Key, st.integers(0, 11), st.booleans())
SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def tunes(draw: st.DrawFn) -> Tune:
    metre = draw(st.sampled_from(sorted(METRES)))
    pitches = st.one_of(st.none(), st.integers(50, 84))
    notes = st.lists(st.builds(Note, pitches, st.sampled_from(sorted(DURATIONS))), min_size=1, max_size=12)
    return Tune(draw(st.text(max_size=9)), tuple(draw(notes)), metre, draw(st.integers(0, METRES[metre] - 1)))


def read(xml: bytes) -> music21.stream.Score:
    score = music21.converter.parse(xml.decode(), format="musicxml")
    assert isinstance(score, music21.stream.Score)
    return score


def joined(notes: tuple[Note, ...]) -> list[tuple[int | None, int]]:
    """Join neighbouring rests, which no reader can tell apart."""
    merged: list[tuple[int | None, int]] = []
    for note in notes:
        if merged and note.pitch is None and merged[-1][0] is None:
            merged[-1] = (None, merged[-1][1] + note.steps)
        else:
            merged.append((note.pitch, note.steps))
    return merged


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(tunes(), KEYS, st.floats(10, 1000))
@example(Tune("", (Note(None, 16),), "3/2"), Key(0, minor=False), 100.0)  # a whole rest is shorter than this bar
@example(Tune("", (Note(None, 16), Note(60, 8)), "3/2", 16), Key(0, minor=False), 100.0)
def test_music21_reads_back_the_tune(tune: Tune, key: Key, tempo: float) -> None:
    xml = musicxml(tune, key, tempo=tempo)
    assert xml == musicxml(tune, key, tempo=tempo)
    part = read(xml).parts[0]
    found = tuple(
        Note(note.pitches[0].midi if note.pitches else None, int(note.quarterLength * 4))
        for note in part.stripTies().flatten().notesAndRests
    )
    assert joined(found) == joined(tune.notes)
    measures = list(part.getElementsByClass("Measure"))
    assert measures[0].timeSignature.ratioString == tune.metre
    assert [int(measure.duration.quarterLength * 4) for measure in measures[bool(tune.upbeat) : -1]] == [
        METRES[tune.metre]
    ] * (len(measures) - bool(tune.upbeat) - 1)
    if tune.upbeat and len(measures) > 1:
        assert measures[0].duration.quarterLength * 4 == tune.upbeat
    written = measures[0].keySignature
    assert (written.sharps, written.mode) == (key.fifths, "minor" if key.minor else "major")
    assert written.tonic.pitchClass == key.tonic
    (mark,) = part.flatten().getElementsByClass("MetronomeMark")
    assert mark.number == pytest.approx(tempo, rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(tunes(), KEYS)
@example(Tune("", (Note(52, 1), Note(64, 1)), "2/2"), Key(0, minor=True))  # naturals in two octaves
def test_the_written_notes_mean_the_pitches_that_sound(tune: Tune, key: Key) -> None:
    """Read pitches from letters, signature and accidentals, and lengths from note values, as a musician does."""
    altered_by_key = {pitch.step: int(pitch.alter) for pitch in music21.key.KeySignature(key.fifths).alteredPitches}
    signs = {"flat-flat": -2, "flat": -1, "natural": 0, "sharp": 1, "double-sharp": 2}
    steps = {"16th": 1, "eighth": 2, "quarter": 4, "half": 8, "whole": 16}
    tied: dict[str, int] = {}
    score = ET.fromstring(musicxml(tune, key, tempo=100))
    divisions = int(score.findtext(".//divisions", ""))
    for measure in score.iter("measure"):
        now: dict[str, int] = {}
        for note in measure.iter("note"):
            rest = note.find("rest")
            if rest is None or rest.get("measure") != "yes":
                length = steps[note.findtext("type", "")]
                dotted = length * 3 // 2 if note.find("dot") is not None else length
                assert int(note.findtext("duration", "")) == dotted * divisions // 4
            if rest is not None:
                continue
            letter = note.findtext("pitch/step", "")
            name = letter + note.findtext("pitch/octave", "")
            kinds = {tie.get("type") for tie in note.iter("tied")}
            sign = note.findtext("accidental")
            if "stop" in kinds:
                assert sign is None
                seen = tied[name]
            else:
                if sign:
                    now[name] = signs[sign]
                seen = now.get(name, altered_by_key.get(letter, 0))
            assert seen == int(note.findtext("pitch/alter", "0"))
            if "start" in kinds:
                tied[name] = seen


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("C", "C C# D Eb E F F# G G# A Bb B"),
        ("Am", "C C# D D# E F F# G G# A Bb B"),
        ("F", "C C# D Eb E F F# G Ab A Bb B"),
        ("Dm", "C C# D Eb E F F# G G# A Bb B"),
        ("Cm", "C Db D Eb E F F# G Ab A Bb B"),
        ("E", "B# C# D D# E E# F# G G# A A# B"),
        ("Ebm", "C Db D Eb Fb F Gb G Ab A Bb Cb"),
    ],
)
def test_notes_are_spelled_according_to_the_key(key: str, names: str) -> None:
    found = []
    for pitch in range(60, 72):
        letter, alter, octave = spell(pitch, parse_key(key))
        found.append(letter + "#" * alter + "b" * -alter)
        assert music21.pitch.Pitch(f"{letter}{'#' * alter}{'-' * -alter}{octave}").midi == pitch
    assert found == names.split()


@pytest.mark.parametrize("key", [Key(tonic, minor) for tonic in range(12) for minor in (False, True)])
def test_signatures_are_those_of_music21(key: Key) -> None:
    mode = "minor" if key.minor else "major"
    assert music21.key.KeySignature(key.fifths).asKey(mode).tonic.pitchClass == key.tonic
    assert abs(key.fifths) <= 6


def cut(symbols: str, metre: str, upbeat: int = 0) -> list[list[tuple[int, int, bool, bool]]]:
    whole = split_bars(Tune("", notes_of(parse_symbols(symbols)), metre, upbeat))
    return [[(sign.position, sign.steps, sign.tied_from, sign.tied_to) for sign in bar] for bar in whole]


def test_notes_are_cut_at_bar_lines_after_the_upbeat() -> None:
    assert cut("60 _ 62 _ _ _ _ _ _ _ _ _ _ _ _ _", "3/4", 4) == [
        [(8, 2, False, False), (10, 2, False, True)],
        [(0, 12, True, False)],
    ]
    assert cut("60 _ _ 62 _ _ _ _ _", "3/8") == [
        [(0, 3, False, False), (3, 3, False, True)],
        [(0, 3, True, False)],
    ]
    assert cut("60 _ _ _ _ _ _", "2/4") == [[(0, 6, False, True), (6, 1, True, False)]]
    assert cut("60 " + "_ " * 4 + "62 " + "_ " * 6 + "64", "2/4")[0][2:] == [(5, 3, False, True)]


@pytest.mark.parametrize(
    ("symbols", "metre", "upbeat", "values"),
    [
        ("60 _ 62 _ 64 _ 65 _", "2/4", 0, "begin|end|begin|end"),
        ("60 _ 62 _ 64 _ 65 _ 60 _ 62 _ 64 _ 65 _", "4/4", 0, "begin|end|begin|end|begin|end|begin|end"),
        ("60 _ 62 _ 64 _ 65 _ 60 _ 62 _", "3/4", 0, "begin|end|begin|end|begin|end"),
        ("60 _ 62 _ 64 _ 65 _ 60 _ 62 _", "6/8", 0, "begin|continue|end|begin|continue|end"),
        ("60 _ _ 62 64 65 67 _", "2/4", 0, "begin|end,backward hook|begin,begin|continue,end|end"),
        ("60 62 _ 64 67 _ r _", "2/4", 0, "begin,forward hook|continue|end,backward hook||"),
        ("60 _ 62 _ 64 _ _ _", "4/4", 4, "begin|end|"),
        ("60 _ _ _ 62 _ 64 _ 65 _ _ _", "6/8", 0, "|||"),
    ],
)
def test_beams_group_notes_by_beat(symbols: str, metre: str, upbeat: int, values: str) -> None:
    xml = ET.fromstring(musicxml(Tune("", notes_of(parse_symbols(symbols)), metre, upbeat), Key(0), tempo=100))
    beams = [",".join(beam.text or "" for beam in note.iter("beam")) for note in xml.iter("note")]
    assert "|".join(beams) == values


def test_a_tune_without_a_metre_is_written_in_common_time() -> None:
    score = read(musicxml(Tune("", (Note(60, 16), Note(62, 8))), Key(0), tempo=100))
    assert [measure.number for measure in score.parts[0].getElementsByClass("Measure")] == [1, 2]
    assert "4/4" in {found.ratioString for found in score.flatten().getElementsByClass("TimeSignature")}


@pytest.mark.parametrize(("pitch", "clef"), [(45, "F"), (67, "G")])
def test_a_low_tune_is_in_the_bass_clef(pitch: int, clef: str) -> None:
    xml = ET.fromstring(musicxml(Tune("", (Note(pitch, 4),), "4/4"), Key(0), tempo=100))
    assert xml.findtext(".//clef/sign") == clef


def of_class(svg: ET.Element, name: str) -> list[ET.Element]:
    return [group for group in svg.iter(f"{SVG}g") if name in (group.get("class") or "").split()]


@settings(max_examples=10, deadline=None)
@given(tunes(), KEYS)
def test_the_picture_has_every_note_and_needs_no_music_font(tune: Tune, key: Key) -> None:
    xml = musicxml(replace(tune, title="A tune"), key, tempo=100)  # any title may itself have such letters
    text = engrave(xml)
    assert text == engrave(xml)
    svg = ET.fromstring(text)
    signs = [sign for bar in split_bars(tune) for sign in bar]
    assert len(of_class(svg, "note")) == sum(sign.pitch is not None for sign in signs)
    assert len(of_class(svg, "rest")) + len(of_class(svg, "mRest")) == sum(sign.pitch is None for sign in signs)
    assert len(of_class(svg, "measure")) == len(list(split_bars(tune)))
    drawn = {use.get("href", "").removeprefix("#") for use in svg.iter(f"{SVG}use")}
    assert drawn <= {element.get("id") for element in svg.iter()}
    assert not re.search(rb"@font-face|url\(|https?://(?!www\.w3\.org/)", text)
    families = {element.get("font-family") for element in svg.iter() if element.get("font-family")}
    assert families == {"Times, serif"}
    assert not re.search("[\ue000-\uf8ff]", text.decode()), "letters of a music font"


def test_any_title_can_be_written() -> None:
    xml = musicxml(Tune('Wälz & <b> "x"\x00', (Note(67, 4),), "4/4"), Key(0), tempo=100)
    assert read(xml).metadata.title == 'Wälz & <b> "x"'
    assert 'Wälz & <b> "x"' in "".join(ET.fromstring(engrave(xml)).itertext())


def test_the_pages_of_a_long_score_are_below_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_OPTIONS, "pageHeight", 1000)
    tune = Tune("", tuple(Note(60 + i % 13, 4) for i in range(4 * 60)), "4/4")
    svg = ET.fromstring(engrave(musicxml(tune, Key(0), tempo=100)))
    pages = svg.findall(f"{SVG}svg")
    heights = [int(page.get("height", "").removesuffix("px")) for page in pages]
    assert len(pages) > 1
    assert [page.get("y") for page in pages] == [str(sum(heights[:number])) for number in range(len(pages))]
    assert svg.get("height") == str(sum(heights))
    assert len(of_class(svg, "note")) == len(tune.notes)
