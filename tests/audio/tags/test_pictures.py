"""Pictures: known by their bytes, made to fit where they can be, and never a reason to fail."""

import base64
import io
import signal
import struct
import sys
from pathlib import Path

import mutagen
import mutagen.flac
import mutagen.id3
import numpy as np
import pytest

from extrapcli.audio.decode import decode
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.song import Picture, Tags
from extrapcli.audio.tags import write_tags
from extrapcli.audio.tags.pictures import picture
from tests.audio.tags.silent import make_track, read, tagged

Image = pytest.importorskip("PIL.Image")
FLAC_LIMIT = 2**24  # bytes of a block


def drawn(kind: str, side: int = 40, mode: str = "RGB") -> bytes:
    """A picture of noise, which doesn't compress."""
    values = np.random.default_rng(side).integers(0, 256, (side, side, len(mode)), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind)
    return file.getvalue()


JPEG, PNG = drawn("JPEG"), drawn("PNG")


@pytest.mark.parametrize(
    "declared",
    ["image/jpeg", "image/jpg", "JPG", "jpeg", "IMAGE/JPEG", "", "image/", "image/png", "bin"],
)
@pytest.mark.parametrize("format", FORMATS)
def test_a_picture_is_what_its_bytes_are(declared: str, format: str, tmp_path: Path) -> None:
    song = make_track(tmp_path / "song.mp3", "mp3")
    tag = mutagen.id3.ID3()
    tag.add(mutagen.id3.APIC(encoding=0, mime=declared, type=3, desc="", data=JPEG))
    tag.save(song)
    tags = read(song)
    assert tags.pictures == [Picture(JPEG, "image/jpeg")]
    assert write_tags(make_track(tmp_path / "x", format), format, tags) == []
    assert read(tmp_path / "x").pictures == tags.pictures


@pytest.mark.parametrize(
    ("kind", "mime"),
    [("GIF", "image/gif"), ("BMP", "image/bmp"), ("WEBP", "image/webp"), ("TIFF", "image/tiff")],
)
def test_mp4_holds_no_other_kinds_so_they_are_converted(kind: str, mime: str, tmp_path: Path) -> None:
    one = picture(drawn(kind), "image/x-what")
    assert one.mime == mime
    notes = write_tags(make_track(tmp_path / "x", "m4a"), "m4a", Tags({}, [one]))
    assert notes == ["a picture was converted to JPEG of 40 by 40 pixels: m4a holds only jpeg and png"]
    (made,) = read(tmp_path / "x").pictures
    assert Image.open(io.BytesIO(made.data)).size == (40, 40)
    assert made.mime == "image/jpeg"


def test_what_shows_through_stays_so(tmp_path: Path) -> None:
    write_tags(make_track(tmp_path / "x", "m4a"), "m4a", Tags({}, [picture(drawn("WEBP", mode="RGBA"))]))
    (made,) = read(tmp_path / "x").pictures
    assert made.mime == "image/png"
    assert Image.open(io.BytesIO(made.data)).mode == "RGBA"


@pytest.fixture(scope="module")
def huge() -> bytes:
    data = drawn("PNG", 2500)
    assert len(data) > FLAC_LIMIT
    return data


@pytest.mark.slow
@pytest.mark.parametrize("format", ["flac", "ogg", "opus"])
def test_a_picture_that_is_too_large_is_scaled_down(format: str, huge: bytes, tmp_path: Path) -> None:
    path = make_track(tmp_path / "x", format)
    before = decode(path).samples.tobytes()
    (note,) = write_tags(path, format, Tags({"title": ["Sleeve"]}, [picture(huge), picture(JPEG, kind=4)]))
    assert note.startswith("a picture of 18.8 MB was converted to JPEG of 2500 by 2500 pixels: " + format)
    song = decode(path)
    assert song.samples.tobytes() == before
    assert song.tags.text == {"title": ["Sleeve"]}
    assert [p.kind for p in song.tags.pictures] == [3, 4]
    assert len(song.tags.pictures[0].data) < FLAC_LIMIT
    assert Image.open(io.BytesIO(song.tags.pictures[0].data)).size == (2500, 2500)


@pytest.mark.slow
def test_it_is_left_out_without_pillow(huge: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    path = make_track(tmp_path / "x", "flac")
    (note,) = write_tags(path, "flac", Tags({"title": ["Sleeve"]}, [picture(huge)]))
    assert note == (
        "a picture of 18.8 MB was left out: flac holds at most 16.8 MB; "
        "install Pillow (pip install pillow) to have it converted"
    )
    assert read(path) == Tags({"title": ["Sleeve"]})


@pytest.mark.parametrize("format", ["flac", "ogg"])
def test_a_huge_picture_that_is_none_is_left_out(format: str, tmp_path: Path) -> None:
    path = make_track(tmp_path / "x", format)
    (note,) = write_tags(path, format, Tags({"title": ["Sleeve"]}, [picture(b"\xff\xd8\xff" + bytes(FLAC_LIMIT))]))
    assert note == f"a picture of 16.8 MB was left out: {format} holds at most 16.8 MB"
    assert read(path) == Tags({"title": ["Sleeve"]})


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"m4a"}))
def test_kinds_and_descriptions_are_kept(format: str, tmp_path: Path) -> None:
    pictures = [
        picture(JPEG),
        picture(PNG),
        picture(JPEG, kind=4, description="Größe"),
        picture(PNG, kind=1),
        picture(PNG, kind=1),
    ]
    assert write_tags(make_track(tmp_path / "x", format), format, Tags({}, pictures)) == []
    found = read(tmp_path / "x").pictures
    assert sorted((p.data, p.mime, p.kind, p.description.strip()) for p in found) == sorted([
        (JPEG, "image/jpeg", 3, ""), (PNG, "image/png", 3, ""), (JPEG, "image/jpeg", 4, "Größe"), (PNG, "image/png",
        1, ""),
        (PNG, "image/png", 0, ""),  # there may be one icon
    ])  # fmt: skip


def test_mp4_shows_the_front_cover_first(tmp_path: Path) -> None:
    track = tagged(tmp_path / "x", "m4a", Tags({}, [picture(PNG, kind=4), picture(JPEG, kind=3)]))
    assert [bytes(cover) for cover in track["covr"]] == [JPEG, PNG]


def test_flac_keeps_what_it_says_of_a_picture(tmp_path: Path) -> None:
    song = mutagen.flac.FLAC(make_track(tmp_path / "song.flac", "flac"))
    block = mutagen.flac.Picture()
    block.data, block.mime, block.width, block.height, block.depth, block.colors = PNG, "image/png", 40, 41, 24, 9
    song.add_picture(block)
    song.save()
    for format in ("flac", "ogg"):
        track = tagged(tmp_path / "x", format, read(tmp_path / "song.flac"))
        written = (
            track.pictures[0].write() if format == "flac" else base64.b64decode(track["metadata_block_picture"][0])
        )
        assert written == block.write()


def test_old_comments_with_a_picture_are_read(tmp_path: Path) -> None:
    path = make_track(tmp_path / "x.ogg", "ogg")
    file = mutagen.File(path)
    file["COVERART"], file["COVERARTMIME"] = base64.b64encode(PNG).decode(), "image/png"
    file["METADATA_BLOCK_PICTURE"] = ["damaged", base64.b64encode(struct.pack(">2I", 3, 2**31)).decode()]
    file.save()
    assert read(path) == Tags({}, [Picture(PNG, "image/png")])


def test_an_address_in_place_of_a_picture(tmp_path: Path) -> None:
    link = picture(b"http://example.org/cover.jpg", "-->")
    for format in ("mp3", "flac"):
        tagged(tmp_path / "x", format, Tags({}, [link]))
        assert read(tmp_path / "x").pictures == [link]
    notes = write_tags(make_track(tmp_path / "x", "m4a"), "m4a", Tags({}, [link]))
    assert notes == ["a picture was left out: m4a holds only jpeg and png"]


@pytest.mark.parametrize("format", FORMATS)
def test_very_long_text_is_kept_or_mentioned(format: str, tmp_path: Path) -> None:
    path = make_track(tmp_path / "x", format)
    before = decode(path).samples.tobytes()
    tags = Tags({"title": ["Tune"], "lyrics": ["la " * 6_000_000]})
    notes = write_tags(path, format, tags)
    song = decode(path)
    assert song.samples.tobytes() == before
    lost = format in ("flac", "ogg", "opus")
    assert notes == ([f"tags that {format} has no place for were left out: LYRICS"] if lost else [])
    assert song.tags == (Tags({"title": ["Tune"]}) if lost else tags)


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk_is_no_matter_of_decoration(format: str, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")  # not on Windows
    path = make_track(tmp_path / "x", format)
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_tags(path, format, Tags({}, [picture(PNG + bytes(100_000))]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_wav_near_four_gigabytes_gets_no_tags(tmp_path: Path) -> None:
    path = make_track(tmp_path / "x.wav", "wav")
    with path.open("r+b") as file:
        file.truncate(2**32 - 2000)  # a hole
    before = path.stat()
    notes = write_tags(path, "wav", Tags({"title": ["Tune"]}, [picture(PNG)]))
    assert notes == ["its tags were left out: a WAV of more than 4 GB can't hold any"]
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
