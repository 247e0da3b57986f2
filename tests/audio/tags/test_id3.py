"""ID3 to ID3: every frame that doesn't describe the old sound is the same, byte for byte."""

import pickle
import struct
from pathlib import Path

import mutagen
import mutagen.id3
import pytest
from mutagen.id3 import (
    APIC,
    CHAP,
    COMM,
    GEOB,
    IPLS,
    MVIN,
    PCST,
    POPM,
    PRIV,
    RVA2,
    SYLT,
    TCMP,
    TIPL,
    TIT2,
    TMCL,
    TPE1,
    TXXX,
    UFID,
    USLT,
    WOAR,
    Frames,
)

from extrapcli.audio.song import Tags
from extrapcli.audio.tags import write_tags
from tests.audio.tags.silent import id3_frame, id3_tag, make_track, mp3, read, sample, tagged

OLD_SOUND = {
    "AENC", "ENCR", "GRID", "SIGN", "ASPI", "MLLT", "POSS", "RBUF", "SEEK", "CHAP", "CTOC", "ETCO", "SYTC", "EQU2",
    "RVA2", "RVAD", "TDEN", "TENC", "TFLT", "TLEN", "TSIZ", "TSSE",
}  # fmt: skip
UNLIKE_VERSION_24 = {"TYER", "TDAT", "TIME", "TORY", "TRDA", "IPLS"}  # mutagen makes frames of ID3v2.4 of them


def frames_of(path: Path) -> dict[bytes, set[bytes]]:
    """The frames of an ID3v2.4 tag by their names, taken apart without mutagen."""
    data = path.read_bytes()
    if data[:3] != b"ID3":
        return {}
    size = data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]
    tag, found = data[10 : 10 + size], dict[bytes, set[bytes]]()
    while tag[:1].strip(b"\0"):
        length = tag[4] << 21 | tag[5] << 14 | tag[6] << 7 | tag[7]
        found.setdefault(tag[:4], set()).add(tag[10 : 10 + length])
        tag = tag[10 + length :]
    return found


@pytest.mark.parametrize("name", sorted(set(Frames) - UNLIKE_VERSION_24))
def test_a_frame_is_kept_byte_for_byte_or_describes_the_old_sound(name: str, tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.mp3", "mp3")
    tag = mutagen.id3.ID3()
    tag.add(sample(name))
    tag.save(song)
    tagged(tmp_path / "track.mp3", "mp3", read(song))
    before, after = frames_of(song), frames_of(tmp_path / "track.mp3")
    assert before
    assert after == ({} if name in OLD_SOUND else before)


def test_what_a_shop_program_leaves(tmp_path: Path) -> None:
    song = make_track(tmp_path / "shop.mp3", "mp3")
    tag = mutagen.id3.ID3()
    for frame in (
        TIT2(3, ["Tune"]), TCMP(3, ["1"]), POPM("me@example.org", 196, 7), WOAR("https://example.org/band"),
        COMM(0, "eng", "iTunNORM", [" 0000045E 000003B1 00003A5C 00003D1B"]),
        COMM(0, "eng", "iTunSMPB", [" 00000000 00000210 0000078C 00000000000AC740"]),
        COMM(0, "eng", "iTunPGAP", ["0"]),
        COMM(0, "eng", "iTunes_CDDB_1", ["9D0A9E0C+254390"]), COMM(0, "eng", "", ["Recorded in a kitchen"]),
        TXXX(3, "replaygain_track_gain", ["-8 dB"]), TXXX(3, "MP3GAIN_MINMAX", ["1,2"]), RVA2("track", 1, -8.0, 0.9),
        TXXX(3, "Acoustid Fingerprint", ["AQAD"]), GEOB(3, "", "", "Serato BeatGrid", b"\1"),
        PRIV("PeakValue", b"\0"),
        PRIV("TRAKTOR4", b"\0"), TXXX(3, "LoopStart", ["44100"]), TXXX(3, "Mood", ["calm"]),
        SYLT(3, "eng", 2, 1, "", [("la", 1)]), UFID("http://musicbrainz.org", b"b1a9c0e9"),
    ):  # fmt: skip
        tag.add(frame)
    tag.save(song, v2_version=3)
    track = tagged(tmp_path / "track.mp3", "mp3", read(song)).tags
    assert sorted(track) == [
        "COMM::eng", "POPM:me@example.org", "SYLT::eng", "TCMP", "TIT2", "TXXX:Mood", "UFID:http://musicbrainz.org",
        "WOAR:https://example.org/band",
    ]  # fmt: skip
    flac = tagged(tmp_path / "track.flac", "flac", read(song))
    assert dict(flac.tags) == {
        "title": ["Tune"], "compilation": ["1"], "rating": ["80"], "website": ["https://example.org/band"],
        "comment": ["Recorded in a kitchen"], "mood": ["calm"], "musicbrainz_trackid": ["b1a9c0e9"],
    }  # fmt: skip


def test_numbers_of_a_machine_are_no_comment_even_without_a_description() -> None:
    numbers = b" 0000045E 000003B1 00003A5C 00003D1B 00000000 00000000 00007FFF 00007FFF"
    assert read(mp3(id3_frame("COMM", b"\0eng\0" + numbers))) == Tags()
    assert read(mp3(id3_frame("COMM", b"\0eng\0Recorded 1999 2000 2001"))).text == {
        "comment": ["Recorded 1999 2000 2001"]
    }


def test_a_changed_title_is_written_in_its_frame_and_the_others_are_as_they_were(tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.mp3", "mp3")
    tag = mutagen.id3.ID3()
    for frame in (TIT2(0, ["Tune"]), TPE1(1, ["Zwölf"]), IPLS(0, [["piano", "Ann"]])):
        tag.add(frame)
    tag.save(song)
    tags = read(song)
    tags.text["title"] = ["Tune 愛"]
    del tags.text["artist"]
    tagged(tmp_path / "track.mp3", "mp3", tags)
    assert frames_of(tmp_path / "track.mp3") == {
        b"TIT2": {b"\3Tune \xe6\x84\x9b\0"},
        b"TIPL": {b"\0piano\0Ann\0"},
    }


def test_people_movements_and_podcasts_travel_to_other_formats_and_back(tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.mp3", "mp3")
    tag = mutagen.id3.ID3()
    frames = [
        TIPL(3, [["producer", "Bob"], ["DJ-mix", "Cyd"]]), TMCL(3, [["piano", "Ann"], ["voice", "Dee (the first)"]]),
        MVIN(3, ["2/4"]), PCST(1), USLT(3, "eng", "", "La\nla"), USLT(3, "deu", "Deutsch", "Tra"),
        COMM(3, "eng", "cover", ["blue"]), COMM(3, "fra", "dos", ["noir"]),
    ]  # fmt: skip
    for frame in frames:
        tag.add(frame)
    tag.save(song)
    for format in ("flac", "opus", "m4a"):
        tagged(tmp_path / f"track.{format}", format, read(song))
        back = tagged(tmp_path / "back.mp3", "mp3", read(tmp_path / f"track.{format}")).tags
        for frame in frames:
            assert back[frame.HashKey] == frame


def test_unknown_frames_are_kept(tmp_path: Path) -> None:
    song = mp3(
        id3_frame("XSOP", b"\1" + "Band, Die".encode("utf-16")),  # the sort name of ID3v2.3
        id3_frame("NCON", b"\0" * 200),
        id3_frame("RGAD", b"\0" * 8),  # a gain
    )
    tags = read(song)
    assert tags.text == {"artistsort": ["Band, Die"]}
    tagged(tmp_path / "track.mp3", "mp3", tags)
    found = frames_of(tmp_path / "track.mp3")
    assert found == {b"TSOP": {b"\3Band, Die\0"}, b"NCON": {b"\0" * 200}}


def test_chapters_go_with_a_line(tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.mp3", "mp3")
    tag = mutagen.id3.ID3()
    for n in range(3):
        tag.add(CHAP(f"c{n}", n * 1000, n * 1000 + 1000))
    tag.add(TIT2(3, ["Tune"]))
    tag.save(song)
    notes = write_tags(make_track(tmp_path / "track.mp3", "mp3"), "mp3", read(song))
    assert notes == ["chapters were left out (3): they belong to the song's own timeline"]
    assert list(mutagen.File(tmp_path / "track.mp3").tags) == ["TIT2"]


def test_what_another_format_has_no_place_for_is_named(tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.mp3", "mp3")
    tag = mutagen.id3.ID3()
    for frame in (TIT2(3, ["Tune"]), PRIV("someone", b"1"), PRIV("someone", b"2"), GEOB(3, "", "", "x", b"3")):
        tag.add(frame)
    tag.save(song)
    notes = write_tags(make_track(tmp_path / "track.ogg", "ogg"), "ogg", read(song))
    assert notes == ["tags that ogg has no place for were left out: GEOB, PRIV"]


def test_tags_survive_a_pickle(tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.mp3", "mp3")
    tag = mutagen.id3.ID3()
    for frame in (TIT2(3, ["Tune"]), POPM("a", 1, 2), APIC(3, "image/png", 3, "", b"\x89PNG")):
        tag.add(frame)
    tag.save(song)
    tags = pickle.loads(pickle.dumps(read(song)))
    assert sorted(tagged(tmp_path / "track.mp3", "mp3", tags).tags) == ["APIC:", "POPM:a", "TIT2"]


def test_id3v1_and_apev2_fill_what_id3v2_lacks(tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.mp3", "mp3")
    tag = mutagen.id3.ID3()
    tag.add(TIT2(3, ["Tune"]))
    tag.save(song)
    ape = mutagen.apev2.APEv2()
    ape["Title"], ape["Album Artist"], ape["MP3GAIN_MINMAX"] = "Another", ["One", "Two"], "1,2"
    ape.save(song)
    v1 = b"TAG" + b"Tune".ljust(30, b"\0") + b"Somebody".ljust(30, b"\0") + bytes(30) + b"1999" + bytes(30) + b"\xff"
    song.write_bytes(song.read_bytes() + v1)
    tags = read(song)
    assert tags.text == {"title": ["Tune"], "artist": ["Somebody"], "date": ["1999"], "albumartist": ["One", "Two"]}
    track = tagged(tmp_path / "track.mp3", "mp3", tags).tags
    assert track["TPE2"].text == ["One", "Two"]


@pytest.mark.parametrize("format", ["m4a", "flac"])
def test_a_genre_may_be_a_number(format: str, tmp_path: Path) -> None:
    bare = make_track(tmp_path / "song.mp3", "mp3").read_bytes()
    v1 = bare + b"TAG" + bytes(124) + b"\x11"
    for song in (v1, mp3(id3_frame("TCON", b"\0" + b"(17)")), mp3(id3_frame("TCON", b"\0" + b"17"))):
        file = tagged(tmp_path / "track", format, read(song))
        assert file["\xa9gen" if format == "m4a" else "genre"] == ["Rock"]


def test_apev2_goes_before_id3v1(tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.mp3", "mp3")
    ape = mutagen.apev2.APEv2()
    ape["Title"] = long = "A title of more than thirty letters, all of them"
    ape.save(song)
    song.write_bytes(song.read_bytes() + b"TAG" + long[:30].encode() + bytes(94) + b"\xff")
    assert read(song).text == {"title": [long]}


def test_several_tags_in_a_row_fill_each_other(tmp_path: Path) -> None:
    first, second = (
        id3_tag(id3_frame("TIT2", b"\0Tune")),
        id3_tag(id3_frame("TIT2", b"\0Old"), id3_frame("TALB", b"\0Hits")),
    )
    assert read(first + second + mp3()[10:]).text == {"title": ["Tune"], "album": ["Hits"]}
    assert read(first + second[:20]).text == {"title": ["Tune"]}


def test_the_short_frames_of_id3v22(tmp_path: Path) -> None:
    def short(name: str, content: bytes) -> bytes:
        return name.encode() + len(content).to_bytes(3, "big") + content

    frames = (
        short("TT2", b"\0Tune")
        + short("TSP", b"\0Band, The")
        + short("TS2", b"\0Various")
        + short("TCP", b"\0" + b"1")
    )
    frames += short("COM", b"\0engiTunNORM\0 0000045E 000003B1") + short("COM", b"\0eng\0In a kitchen")
    frames += short("TEN", b"\0iTunes 4.0") + short("PIC", b"\0JPG\3\0\xff\xd8\xff\xe0") + short("RVA", bytes(10))
    tags = read(b"ID3\2\0\0\0\0" + bytes([len(frames) >> 7, len(frames) & 127]) + frames + mp3()[10:])
    track = tagged(tmp_path / "x.mp3", "mp3", tags).tags
    assert {key: str(frame) for key, frame in track.items() if key != "APIC:"} == {
        "TIT2": "Tune", "TSOP": "Band, The", "TSO2": "Various", "TCMP": "1", "COMM::eng": "In a kitchen",
    }  # fmt: skip
    assert (track["APIC:"].mime, track["APIC:"].data) == ("image/jpeg", b"\xff\xd8\xff\xe0")


@pytest.mark.parametrize("damage", ["size", "encoding", "cut"])
def test_a_damaged_frame_costs_no_other(damage: str, tmp_path: Path) -> None:
    good, bad = id3_frame("TPE1", b"\0Somebody"), id3_frame("TIT2", b"\0Tune")
    match damage:
        case "size":
            bad = bad[:4] + struct.pack(">I", 2**27) + bad[8:]
        case "encoding":
            bad = bad[:10] + b"\x09" + bad[11:]
        case "cut":
            bad = bad[:8]
    tags = read(mp3(good, bad))
    assert tags.text["artist"] == ["Somebody"]
    assert tagged(tmp_path / "track.mp3", "mp3", tags).tags["TPE1"].text == ["Somebody"]


def test_a_broken_tag_is_mentioned() -> None:
    broken = b"ID3\x04\0\x0f\xff\xff\xff\xff" + mp3()
    tags = read(broken)
    assert tags == Tags()
    assert tags.notes == ["its tags are damaged and were left out"]
