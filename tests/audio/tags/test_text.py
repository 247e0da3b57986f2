"""Text of wrong or undeclared encodings is decoded where it is plain what it is, and left alone where it isn't."""

# ruff: noqa: RUF001 (characters that look alike are what this is about)

import struct
from pathlib import Path

import mutagen
import mutagen.mp4
import pytest

from extrapcli.audio.song import Tags
from extrapcli.audio.tags import write_tags
from extrapcli.audio.tags.text import decode, repair_utf16, values
from tests.audio.tags.silent import id3_frame, make_track, mp3, read, tagged
from tests.fuzz.mutate import with_checksums

JAPANESE = [
    "東京",
    "さくら",
    "テスト",
    "宇多田ヒカル",
    "ＡＢＣ音楽",
    "Beat 曲名 02",
    "残酷な天使のテーゼ（TVサイズ）",
    "あ、愛。",
]
WESTERN = [
    "Größe", "été à l’école", "Don’t Can’t Won’t", "“Hello”", "naïve…", "¿Qué?", "Ærøskøbing", "L’âge d’or",
    "rock ’n’ roll", "Ångström Öl", "coöperate", "€5", "Šárka", "ƒuture", "‚zitiert‘", "Ça va", "½ × ±", "DÉJÀ VU",
    "d’été", "Mötley Crüe",
]  # fmt: skip


@pytest.mark.parametrize("text", JAPANESE)
def test_shift_jis_is_recognised(text: str) -> None:
    assert decode(text.encode("cp932")) == text


@pytest.mark.parametrize(
    "text", ["Привет", "Виктор Цой - Группа крови", "ГРУППА: Осень", "ёлка «новая» №1", "Rock и ролл"]
)
def test_russian_is_recognised(text: str) -> None:
    assert decode(text.encode("cp1251")) == text


@pytest.mark.parametrize("text", WESTERN)
def test_western_text_stays_as_it_is(text: str) -> None:
    assert decode(text.encode("cp1252")) == text
    if all(c <= "\xff" for c in text):
        assert decode(text.encode("latin-1")) == text


@pytest.mark.parametrize("text", [*JAPANESE, *WESTERN, "안녕", "🎵", ""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_unicode_is_recognised(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding"), [("Καλημέρα", "cp1253"), ("שלום עולם", "cp1255"), ("中文歌曲", "gbk"), ("사랑해", "euc_kr")]
)
def test_what_cannot_be_told_apart_is_left_to_those_who_can(text: str, encoding: str) -> None:
    """It is still the same bytes, which an MP3 keeps."""
    raw = text.encode(encoding)
    assert decode(raw) in (raw.decode("latin-1"), raw.decode("cp1252", "replace"))


@pytest.mark.parametrize("text", ["愛", "一", "一一", "Tune", "Größe", "日本語"])
def test_utf16_in_the_right_order_stays(text: str) -> None:
    assert repair_utf16(text) == text


@pytest.mark.parametrize("text", ["Tune", "日本語"])
def test_utf16_in_the_wrong_order_is_swapped(text: str) -> None:
    marked = text if text.isascii() else "\ufeff" + text
    assert repair_utf16(marked.encode("utf-16-le").decode("utf-16-be")) == text


def test_values_are_separated_by_nuls_and_hold_no_lone_surrogates() -> None:
    assert values("One\0Two\0\0") == ["One", "Two"]
    assert values("a\ud800b") == ["a?b"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\0" + "残酷な天使".encode("cp932"), "残酷な天使"),
        (b"\0" + "Größe".encode(), "Größe"),
        (b"\0" + "Größe".encode("latin-1"), "Größe"),
        (b"\0Don\x92t", "Don’t"),
        (b"\0" + "Tune".encode("utf-16"), "Tune"),
        (b"\0" + "愛".encode("utf-16"), "愛"),
        (b"\0" + "Привет".encode("cp1251"), "Привет"),
        (b"\1" + "Tune 愛".encode("utf-16"), "Tune 愛"),
        (b"\1" + "Tune".encode("utf-16-le"), "Tune"),
        (b"\1" + "Tune".encode("utf-16-be"), "Tune"),
        (b"\2" + "Größe".encode("utf-16-be"), "Größe"),
        (b"\2" + "愛と".encode("utf-16"), "愛と"),
        (b"\3" + "Größe".encode(), "Größe"),
        (b"\3" + "Größe".encode("latin-1"), "Größe"),
        (b"\3" + "残酷な天使".encode("cp932"), "残酷な天使"),
    ],
)
def test_id3_text_by_its_declared_encoding_or_what_it_plainly_is(content: bytes, text: str, tmp_path: Path) -> None:
    tags = read(mp3(id3_frame("TIT2", content), id3_frame("TPE1", b"\0Somebody")))
    assert tags.text == {"title": [text], "artist": ["Somebody"]}
    for format in ("mp3", "flac", "m4a"):
        tagged(tmp_path / "x", format, tags)
        assert read(tmp_path / "x").text == tags.text


def test_descriptions_and_people_are_repaired_too() -> None:
    title = "愛のうた".encode("cp932")
    tags = read(
        mp3(id3_frame("COMM", b"\0eng" + title + b"\0" + title), id3_frame("IPLS", b"\0piano\0" + title + b"\0"))
    )
    assert tags.text == {"comment:愛のうた": ["愛のうた"], "performer": ["愛のうた (piano)"]}


def test_id3v1_in_shift_jis() -> None:
    title = "残酷な天使".encode("cp932")
    assert read(mp3()[10:] + b"TAG" + title.ljust(124, b"\0") + b"\xff").text == {"title": ["残酷な天使"]}


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (1, "愛".encode()),
        (2, "愛".encode("utf-16-be")),
        (3, "愛のうた".encode("cp932")),
        (1, "愛のうた".encode("cp932")),
    ],
)
def test_mp4_text_by_its_declared_encoding(kind: int, raw: bytes, tmp_path: Path) -> None:
    """ISO files declare UTF-8 as 1, UTF-16 as 2 and Shift-JIS as 3."""
    path = make_track(tmp_path / "x", "m4a")
    file = mutagen.mp4.MP4(path)
    filler = "#" * len(raw)
    file["\xa9nam"] = filler
    file.save()
    atom = struct.pack(">I4sII", len(raw) + 16, b"data", 1, 0)
    content = path.read_bytes()
    assert content.count(atom + filler.encode()) == 1
    path.write_bytes(content.replace(atom + filler.encode(), atom[:8] + struct.pack(">II", kind, 0) + raw))
    text = "愛" if len(raw) < 5 else "愛のうた"
    assert read(path).text == {"title": [text]}
    assert tagged(tmp_path / "y", "m4a", read(path)).tags["\xa9nam"] == [text]


@pytest.mark.parametrize("format", ["flac", "ogg"])
@pytest.mark.parametrize("encoding", ["latin-1", "cp932"])
def test_comments_that_are_not_utf8(format: str, encoding: str, tmp_path: Path) -> None:
    text = "愛のうた" if encoding == "cp932" else "Größe"
    raw = text.encode(encoding)
    path = make_track(tmp_path / "x", format)
    file = mutagen.File(path)
    file["title"], file["mood"] = "#" * len(raw), "calm"
    file.save()
    content = path.read_bytes().replace(b"#" * len(raw), raw)
    if format == "ogg":
        content = with_checksums(content)
    path.write_bytes(content)
    tags = read(path)
    assert tags.text == {"title": [text], "mood": ["calm"]}
    assert tagged(tmp_path / "y", format, tags)["title"] == [text]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "cp932"])
def test_info_lists_of_any_encoding(encoding: str, tmp_path: Path) -> None:
    text = "愛のうた" if encoding == "cp932" else "Größe"
    value = text.encode(encoding) + b"\0"
    value += bytes(len(value) % 2)
    info = b"INFOINAM" + struct.pack("<I", len(value)) + value + b"ISFT\4\0\0\0Old\0" + b"IXYZ\2\0\0\0x\0"
    path = make_track(tmp_path / "x", "wav")
    content = path.read_bytes() + b"LIST" + struct.pack("<I", len(info)) + info
    path.write_bytes(b"RIFF" + struct.pack("<I", len(content) - 8) + content[8:])
    assert read(path).text == {"title": [text], "IXYZ": ["x"]}


@pytest.mark.parametrize("format", ["mp3", "wav", "flac", "ogg", "opus", "m4a"])
def test_odd_characters_harm_nothing(format: str, tmp_path: Path) -> None:
    odd = Tags(
        {"title": ["a\ud800b"], "artist": ["One\0Two"], "comment": ["bell\x07"], "album": ["\0"], "x\0y": ["z"]}
    )
    assert write_tags(make_track(tmp_path / "x", format), format, odd) == []
    assert read(tmp_path / "x").text == {
        "title": ["a?b"],
        "artist": ["One", "Two"],
        "comment": ["bell\x07"],
        "x": ["z"],
    }
