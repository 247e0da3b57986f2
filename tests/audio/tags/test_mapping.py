"""From every kind of tags to every other, by the names that other programs use."""

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import av
import mutagen
import mutagen.apev2
import mutagen.asf
import mutagen.mp4
import numpy as np
import pytest
import soundfile
from av.container import OutputContainer
from mutagen.mp4 import MP4FreeForm

from extrapcli.audio.decode import decode
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.song import Tags
from extrapcli.audio.tags import write_tags
from extrapcli.audio.tags.riff import append_info
from tests.audio.by_ffmpeg import encode
from tests.audio.tags.silent import make_track, read, tagged
from tests.audio.test_decode import with_ffmpeg

TEXT = {
    "title": ["Tune"], "titlesort": ["Tune, A"], "artist": ["One", "Two"], "artistsort": ["Band, The"],
    "albumsort": ["Hits 01"], "albumartist": ["Various"], "albumartistsort": ["Various, The"],
    "composer": ["Clara"], "composersort": ["Schumann, Clara"], "lyricist": ["Heine"], "conductor": ["C."],
    "remixer": ["R."], "arranger": ["A."], "producer": ["P."], "engineer": ["E."], "mixer": ["M."], "djmixer": ["D."],
    "performer": ["Ann (piano)", "Bob (voice)"], "genre": ["Lied", "Art"], "date": ["1840-05-01"],
    "originaldate": ["1840"], "tracknumber": ["3/9"], "discnumber": ["1/2"], "discsubtitle": ["The first"],
    "compilation": ["1"], "grouping": ["G"], "work": ["Op. 48"], "movementname": ["Im Mai"], "movement": ["1/16"],
    "showmovement": ["1"], "bpm": ["60"], "key": ["F#m"], "mood": ["longing"], "rating": ["80"], "language": ["deu"],
    "comment": ["a remark"], "comment:cover": ["blue"], "comment:deu:Hinweis": ["grün"], "lyrics": ["La\nla"],
    "copyright": ["(C) nobody"], "license": ["http://example.org/licence"], "website": ["http://example.org/a"],
    "url": ["http://example.org/b"], "url:shop": ["http://example.org/c"], "label": ["L."], "catalognumber": ["L 1"],
    "barcode": ["123"], "isrc": ["DEXX11234567"], "media": ["CD"], "originalartist": ["O."], "podcast": ["1"],
    "podcasturl": ["http://example.org/feed"], "show": ["S."], "musicbrainz_albumid": ["b1a9"],
    "musicbrainz_trackid": ["c0e9"], "releasecountry": ["DE"], "releasetype": ["album"], "script": ["Latn"],
    "My Own": ["one", "two"], "ANOTHER": ["x"],
}  # fmt: skip


@pytest.mark.parametrize(("one", "other"), list(product(FORMATS, FORMATS)))
def test_text_is_the_same_in_any_format_and_back_again(one: str, other: str, tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("1", "2", "3"))
    assert write_tags(make_track(first, one), one, Tags(TEXT)) == []
    assert write_tags(make_track(second, other), other, read(first)) == []
    assert write_tags(make_track(third, one), one, read(second)) == []
    assert [read(first).text, read(second).text, read(third).text] == [TEXT] * 3


def test_names_in_flac_are_those_of_picard(tmp_path: Path) -> None:
    flac = tagged(tmp_path / "x", "flac", Tags(TEXT))
    names = {name for name, _ in flac.tags}
    assert names == {
        *(name.upper() for name in TEXT if name == name.lower() and ":" not in name), "TRACKTOTAL", "DISCTOTAL",
        "MOVEMENTTOTAL", "COMMENT:cover", "COMMENT:deu:Hinweis", "URL:shop", "My Own", "ANOTHER",
    }  # fmt: skip
    assert (flac["tracknumber"], flac["tracktotal"]) == (["3"], ["9"])


def test_atoms_are_those_of_itunes(tmp_path: Path) -> None:
    m4a = tagged(tmp_path / "x", "m4a", Tags(TEXT)).tags
    for atom, value in {
        "\xa9nam": ["Tune"], "sonm": ["Tune, A"], "\xa9ART": ["One", "Two"], "soar": ["Band, The"],
        "aART": ["Various"], "soaa": ["Various, The"], "soal": ["Hits 01"], "soco": ["Schumann, Clara"],
        "trkn": [(3, 9)],
        "disk": [(1, 2)], "cpil": True, "\xa9wrk": ["Op. 48"], "\xa9mvn": ["Im Mai"], "\xa9mvi": [1],
        "\xa9mvc": [16], "shwm": [1],
        "tmpo": [60], "pcst": True, "tvsh": ["S."], "\xa9cmt": ["a remark"], "\xa9lyr": ["La\nla"],
        "----:com.apple.iTunes:LABEL": [b"L."], "----:com.apple.iTunes:initialkey": [b"F#m"],
        "----:com.apple.iTunes:MusicBrainz Album Id": [b"b1a9"], "----:com.apple.iTunes:My Own": [b"one", b"two"],
    }.items():  # fmt: skip
        assert m4a[atom] == value


def test_frames_are_those_of_picard(tmp_path: Path) -> None:
    mp3 = tagged(tmp_path / "x", "mp3", Tags(TEXT)).tags
    for key, text in {
        "TIT2": "Tune", "TSOT": "Tune, A", "TSOP": "Band, The", "TSO2": "Various, The", "TSOA": "Hits 01",
        "TPE4": "R.", "TSOC": "Schumann, Clara", "TCMP": "1", "MVNM": "Im Mai", "MVIN": "1/16", "TBPM": "60",
        "TMOO": "longing", "TPUB": "L.", "TMED": "CD", "TOPE": "O.", "TSST": "The first", "TXXX:WORK": "Op. 48",
        "TXXX:BARCODE": "123", "TXXX:MusicBrainz Album Id": "b1a9", "COMM::eng": "a remark",
        "COMM:Hinweis:deu": "grün",
    }.items():  # fmt: skip
        assert str(mp3[key]) == text
    assert mp3["POPM:"].rating == 196
    assert mp3["TIPL"].people == [
        ["arranger", "A."],
        ["producer", "P."],
        ["engineer", "E."],
        ["mix", "M."],
        ["DJ-mix", "D."],
    ]
    assert mp3["TMCL"].people == [["piano", "Ann"], ["voice", "Bob"]]
    assert {key for key in mp3 if key.startswith("W")} == {
        "WCOP", "WOAR:http://example.org/a", "WXXX:", "WXXX:shop", "WFED",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "rating"),
    [
        ("0.8", 196),
        ("4", 196),
        ("5", 255),
        ("1", 1),
        ("80", 196),
        ("100", 255),
        ("255", 255),
        ("no", None),
        ("nan", None),
    ],
)
def test_ratings_of_all_scales(value: str, rating: int | None, tmp_path: Path) -> None:
    frames = tagged(tmp_path / "x", "mp3", Tags({"rating": [value]})).tags
    assert (frames["POPM:"].rating if rating else str(frames["TXXX:RATING"])) == (rating or value)


@pytest.mark.parametrize("value", ["ca. 1970", "spring"])
def test_dates_that_id3_cannot_hold_are_kept_as_text(value: str, tmp_path: Path) -> None:
    tagged(tmp_path / "x", "mp3", Tags({"date": [value]}))
    assert read(tmp_path / "x").text == {"date": [value]}


def test_mp4_to_mp4_keeps_every_atom_but_those_of_the_old_sound(tmp_path: Path) -> None:
    song = make_track(tmp_path / "song", "m4a")
    kept: dict[str, Any] = {
        "\xa9nam": ["Tune"], "stik": [1], "rtng": [4], "apID": ["me@example.org"], "cnID": [123456],
        "purd": ["2010-01-01"], "pgap": True, "sonm": ["Tune"], "\xa9xyz": ["custom"],
        "----:org.example:Thing": [MP4FreeForm(b"\0\1", 0)], "----:com.apple.iTunes:LABEL": [MP4FreeForm(b"L.")],
    }  # fmt: skip
    gone = {
        "----:com.apple.iTunes:iTunSMPB": [b" 0"], "----:com.apple.iTunes:iTunNORM": [b" 0"], "\xa9too": ["tool"],
        "----:com.apple.iTunes:replaygain_track_gain": [b"-1 dB"], "----:com.apple.iTunes:Encoding Params": [b"\0"],
        "----:org.hydrogenaudio.replaygain:replaygain_track_peak": [b"1"], "----:com.apple.iTunes:LOOPSTART": [b"1"],
    }  # fmt: skip
    file = mutagen.mp4.MP4(song)
    for key, value in {**kept, **gone}.items():
        file[key] = value
    file.save()
    track = tagged(tmp_path / "track", "m4a", read(song)).tags
    assert {key: track[key] for key in track if key != "\xa9too"} == kept
    assert track["\xa9too"] != ["tool"]


@pytest.mark.parametrize("format", ["flac", "ogg", "opus"])
def test_comments_keep_their_names_and_order(format: str, tmp_path: Path) -> None:
    song = make_track(tmp_path / "song", format)
    kept = [
        ("Title", "Tune"),
        ("artist", "One"),
        ("MyOwn", "x"),
        ("ARTIST", "Two"),
        ("TrackTotal", "9"),
        ("tracknumber", "3"),
    ]
    gone = [
        "LOOPSTART", "LoopLength", "loop_end", "LOOP", "R128_TRACK_GAIN", "REPLAYGAIN_ALBUM_PEAK", "ENCODER",
        "CUESHEET", "WAVEFORMATEXTENSIBLE_CHANNEL_MASK", "ACOUSTID_ID", "MD5", "AccurateRipResult", "CHAPTER001",
        "CHAPTER001NAME",
    ]  # fmt: skip
    file = mutagen.File(song)
    file.tags.clear()
    file.tags.extend([*kept, *((name, "1") for name in gone)])
    file.save()
    tags = read(song)
    assert tags.text == {"title": ["Tune"], "artist": ["One", "Two"], "MyOwn": ["x"], "tracknumber": ["3/9"]}
    assert tags.notes == ["chapters were left out (1): they belong to the song's own timeline"]
    empty = len(mutagen.File(make_track(tmp_path / "empty", format)).tags or [])
    for target in ("flac", "ogg", "opus"):
        assert list(tagged(tmp_path / "track", target, tags).tags)[-len(kept) :] == kept
    assert len(tagged(tmp_path / "track", format, tags).tags) == empty + len(kept)


def test_windows_media(tmp_path: Path) -> None:
    with_ffmpeg(tmp_path / "x.wma", "asf", "wmav2")
    tags = mutagen.asf.ASF(tmp_path / "x.wma")
    picture = b"\x03" + (8).to_bytes(4, "little") + "image/png\0Cover\0".encode("utf-16-le") + b"\x89PNG\r\n\x1a\n"
    for name, value in {
        "Title": "Tune", "Author": ["One", "Two"], "WM/AlbumSortOrder": "Hits 01", "WM/IsCompilation": True,
        "WM/SharedUserRating": 75, "WM/EncodingTime": 5, "WM/Picture": picture,
        "MusicBrainz/Album Id": "b1a9", "WM/Lyrics": "La", "AverageLevel": 1, "PeakValue": 2, "IsVBR": True,
        "Own": "x", }.items():  # fmt: skip
        tags[name] = value
    tags.save()
    song = decode(tmp_path / "x.wma")
    assert song.tags.text == {
        "title": ["Tune"], "artist": ["One", "Two"], "albumsort": ["Hits 01"], "compilation": ["1"], "rating": ["80"],
        "musicbrainz_albumid": ["b1a9"], "lyrics": ["La"], "Own": ["x"],
    }  # fmt: skip
    (cover,) = song.tags.pictures
    assert (cover.mime, cover.kind, cover.description) == ("image/png", 3, "Cover")


def test_apev2_with_its_cover(tmp_path: Path) -> None:
    with_ffmpeg(tmp_path / "x.wv", "wv", "wavpack")
    tags = mutagen.apev2.APEv2()
    tags["Title"], tags["Album Artist"], tags["Track"], tags["Disc"] = "Tune", ["One", "Two"], "3/9", "1/2"
    tags["Year"], tags["Cuesheet"], tags["replaygain_track_gain"] = "1999", "FILE", "-1 dB"
    tags["Cover Art (Back)"] = mutagen.apev2.APEBinaryValue(b"back.jpg\0\xff\xd8\xff\xe0")
    tags.save(tmp_path / "x.wv")
    song = decode(tmp_path / "x.wv")
    assert song.tags.text == {
        "title": ["Tune"], "albumartist": ["One", "Two"], "tracknumber": ["3/9"], "discnumber": ["1/2"],
        "date": ["1999"], }  # fmt: skip
    assert [(p.data, p.mime, p.kind) for p in song.tags.pictures] == [(b"\xff\xd8\xff\xe0", "image/jpeg", 4)]


def silence_by_ffmpeg(path: Path, container: str, codec: str, prepare: Callable[[OutputContainer], object]) -> None:
    encode(str(path), np.zeros((4800, 1), np.float32), 48000, container, codec, layout="mono", prepare=prepare)


@pytest.mark.parametrize(
    ("container", "codec", "lost"),
    [
        ("matroska", "flac", ()), ("webm", "libopus", ()), ("caf", "pcm_s16le", ()), ("nut", "flac", ()),
        ("flv", "aac", ()), ("aiff", "pcm_s16be", ("artist", "album", "albumartist", "MYOWN", "tracknumber")),
        ("au", "pcm_s16be", ("albumartist", "MYOWN", "comment")), ("avi", "mp2", ("albumartist", "MYOWN")),
        ("wav", "pcm_s16le", ("albumartist", "MYOWN")), ("mov", "aac", ("albumartist", "MYOWN", "tracknumber")),
    ],
)  # fmt: skip
def test_tags_of_containers_that_only_ffmpeg_reads(
    container: str, codec: str, lost: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "x"
    tags = {
        "title": "Tune", "artist": "Somebody", "album": "Songs", "album_artist": "Various", "MYOWN": "x",
        "track": "3/9", "comment": "a remark", "encoder": "old", "LOOPSTART": "1",
    }  # fmt: skip
    silence_by_ffmpeg(path, container, codec, lambda output: output.metadata.update(tags))
    expected = {
        "title": ["Tune"], "artist": ["Somebody"], "album": ["Songs"], "albumartist": ["Various"], "MYOWN": ["x"],
        "tracknumber": ["3/9"], "comment": ["a remark"],
    }  # fmt: skip
    assert read(path).text == {name: value for name, value in expected.items() if name not in lost}


def test_matroska_with_a_cover_and_chapters_that_go_with_a_note(tmp_path: Path) -> None:
    cover = b"\x89PNG\r\n\x1a\n" + bytes(60)
    parts: Any = [
        {"id": n, "start": n, "end": n + 1, "time_base": Fraction(1, 100), "metadata": {}} for n in range(4)
    ]

    def prepare(output: OutputContainer) -> None:
        output.add_attachment("cover.png", "image/png", cover)
        output.metadata["title"] = "Tune"
        output.set_chapters(parts)

    silence_by_ffmpeg(tmp_path / "x.mka", "matroska", "flac", prepare)
    tags = read(tmp_path / "x.mka")
    assert tags.text == {"title": ["Tune"]}
    assert [(one.data, one.mime) for one in tags.pictures] == [(cover, "image/png")]
    assert tags.notes == ["chapters were left out (4): they belong to the song's own timeline"]


@pytest.mark.parametrize("with_id3", [False, True])
def test_the_info_list_of_a_wav_is_one_again_in_a_wav(with_id3: bool, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    if with_id3:
        write_tags(make_track(song, "wav"), "wav", Tags({"title": ["Größe 愛"], "artistsort": ["Band, The"]}))
    else:
        make_track(song, "wav")
    append_info(song, {"title": ["Größe 愛"], "artist": ["Somebody"], "IXYZ": ["odd"], "encoder": ["old"]})
    tags = read(song)
    tags.text["title"] = ["Größe 愛 (continued)"]
    track = make_track(tmp_path / "x.wav", "wav")
    assert write_tags(track, "wav", tags) == []
    with soundfile.SoundFile(track) as file:
        assert (file.title, file.artist, file.software, len(file)) == ("Größe 愛 (continued)", "Somebody", "", 4800)
    assert int.from_bytes(track.read_bytes()[4:8], "little") == track.stat().st_size - 8
    assert track.read_bytes().count(b"IXYZ\4\0\0\0odd\0") == 1
    assert read(track).text == tags.text


def test_a_wav_has_no_info_list_of_a_song_without(tmp_path: Path) -> None:
    """Where there is one, FFmpeg reads nothing else."""
    track = make_track(tmp_path / "x.wav", "wav")
    write_tags(track, "wav", Tags({"title": ["Tune"], "albumartist": ["Various"]}))
    with av.open(str(track)) as container:
        assert container.metadata == {"title": "Tune", "album_artist": "Various"}


@pytest.mark.parametrize("format", ["flac", "mp3", "m4a"])
def test_atoms_that_say_nothing_are_no_loss(format: str, tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.m4a", "m4a")
    file = mutagen.mp4.MP4(song)
    file["cpil"], file["pgap"], file["tmpo"], file["trkn"], file["disk"] = False, False, [0], [(0, 0)], [(0, 0)]
    file["geID"] = [14]
    file.save()
    notes = write_tags(make_track(tmp_path / "track", format), format, read(song))
    assert notes == ([] if format == "m4a" else [f"tags that {format} has no place for were left out: geID"])


@pytest.mark.parametrize("format", ["flac", "ogg", "mp3", "m4a"])
def test_names_that_a_format_cannot_hold_are_named(format: str, tmp_path: Path) -> None:
    tags = Tags({"Größe=1": ["x"], "comment:für=1": ["y"], "": ["z"], "title": ["Tune"], "empty": []})
    notes = write_tags(make_track(tmp_path / "x", format), format, tags)
    named = [f"tags that {format} has no place for were left out: Größe=1"]
    assert notes == (named if format in ("flac", "ogg") else [])
    expected = {"title": ["Tune"], "comment": ["y"]}
    if format not in ("flac", "ogg"):
        expected = {"title": ["Tune"], "Größe=1": ["x"], "comment:für=1": ["y"]}
    assert read(tmp_path / "x").text == expected


@pytest.mark.slow
@pytest.mark.parametrize("format", ["mp3", "flac", "m4a"])
def test_tens_of_thousands_of_tags(format: str, tmp_path: Path) -> None:
    tags = Tags({f"x{n}": ["y"] for n in range(30_000)})
    assert write_tags(make_track(tmp_path / "x", format), format, tags) == []
    assert read(tmp_path / "x") == tags
