"""Tags are found wherever in a file they lie, and nothing is called damaged where there are none."""

import struct
from collections.abc import Callable
from pathlib import Path

import mutagen.apev2
import pytest

from tests.audio.tags.silent import id3_frame, id3_tag, make_track, read, tagged

TITLE = id3_tag(id3_frame("TIT2", b"\0Tune"))
INFO = b"INFOINAM" + struct.pack("<I", 5) + b"Tune\0\0"


def chunk(name: bytes, content: bytes, order: str = "<") -> bytes:
    return name + struct.pack(order + "I", len(content)) + content + bytes(len(content) % 2)


def wav(magic: bytes, *after: bytes, size: int | None = None) -> bytes:
    """A WAV with chunks after its sound. RF64 and BW64 have the size of the sound in ds64 (EBU Tech 3306)."""
    order = ">" if magic == b"RIFX" else "<"
    sound = bytes(range(200)) * 20
    format = chunk(b"fmt ", struct.pack(order + "HHIIHH", 1, 1, 8000, 8000, 1, 8), order)
    body = format + chunk(b"data", sound, order) + b"".join(after)
    if magic in (b"RF64", b"BW64"):
        ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, len(sound), len(sound), 0))
        body = ds64 + body.replace(b"data" + struct.pack("<I", len(sound)), b"data" + b"\xff" * 4)
        size = 2**32 - 1
    return magic + struct.pack(order + "I", len(body) + 4 if size is None else size) + b"WAVE" + body


def aiff(*after: bytes, size: int) -> bytes:
    rate = bytes.fromhex("400bfa00000000000000")  # 8000 as an 80-bit float
    body = chunk(b"COMM", struct.pack(">hIh", 1, 4000, 8) + rate, ">") + chunk(b"SSND", bytes(8) + bytes(4000), ">")
    return b"FORM" + struct.pack(">I", size) + b"AIFF" + body + b"".join(after)


@pytest.mark.parametrize("name", [b"id3 ", b"ID3 ", b"LIST"])
@pytest.mark.parametrize("magic", [b"RIFF", b"RF64", b"BW64"])
def test_chunks_after_the_sound_of_a_wav(magic: bytes, name: bytes) -> None:
    tags = read(wav(magic, chunk(name, INFO if name == b"LIST" else TITLE)))
    assert (tags.text, tags.notes) == ({"title": ["Tune"]}, [])


def test_an_id3_chunk_in_files_of_unusual_sizes() -> None:
    for data in (
        wav(b"RIFF", chunk(b"id3 ", TITLE), size=0),
        wav(b"RIFX", chunk(b"id3 ", TITLE, ">")),
        aiff(chunk(b"ID3 ", TITLE, ">"), size=0),
    ):
        assert read(data).text == {"title": ["Tune"]}, data[:12]


def test_what_a_recorder_says_in_bext_is_kept_beside_other_tags(tmp_path: Path) -> None:
    bext = (
        b"Take 3".ljust(256, b"\0") + b"Desk".ljust(32, b"\0") + bytes(32) + b"2020-01-02" + b"12:00:00" + bytes(264)
    )
    expected = {
        "comment": ["Take 3"], "originator": ["Desk"], "origination_date": ["2020-01-02"],
        "origination_time": ["12:00:00"],
    }  # fmt: skip
    for others in ([], [chunk(b"LIST", INFO)], [chunk(b"id3 ", TITLE)]):
        tags = read(wav(b"RIFF", chunk(b"bext", bext), *others))
        assert tags.text == expected | ({"title": ["Tune"]} if others else {})
        file = tagged(tmp_path / "track.wav", "wav", tags)
        assert file["TXXX:originator"].text == ["Desk"]


UNTAGGED: dict[str, Callable[[], bytes]] = {
    "RF64": lambda: wav(b"RF64"),
    "BW64": lambda: wav(b"BW64"),
    "RIFX": lambda: wav(b"RIFX"),
    "WAV of size 0": lambda: wav(b"RIFF", size=0),
    "AIFF of size 0": lambda: aiff(size=0),
}


@pytest.mark.parametrize("kind", UNTAGGED)
def test_a_file_without_tags_has_none_that_are_damaged(kind: str) -> None:
    assert read(UNTAGGED[kind]()).notes == []


def test_tags_at_the_other_end_of_an_mp3(tmp_path: Path) -> None:
    bare = make_track(tmp_path / "x.mp3", "mp3").read_bytes()
    head = b"ID3\x04\0\x10" + TITLE[6:]
    appended = bare + head + b"3DI" + head[3:10]
    assert read(appended).text == {"title": ["Tune"]}
    assert read(appended + b"TAG" + b"Shorter".ljust(124, b"\0") + b"\xff").text == {"title": ["Tune"]}

    tag = mutagen.apev2.APEv2()
    tag["Title"] = "Tune"
    tag.save(tmp_path / "ape")
    assert read((tmp_path / "ape").read_bytes() + bare).text == {"title": ["Tune"]}
