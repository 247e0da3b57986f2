import io
from pathlib import Path

import mutagen
import pytest
import soundfile

from extrapcli.audio.decode import decode
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.song import Picture, Tags
from extrapcli.audio.tags import read_tags, write_tags
from tests.audio.test_round_trip import bursts, write

TAGS = Tags(
    {
        "title": ["Größe 愛"],
        "artist": ["One", "Two"],
        "album": ["Songs"],
        "tracknumber": ["3/9"],
        "date": ["2024"],
        "genre": ["Folk"],
        "comment": ["a remark"],
        "bpm": ["120"],
        "mood": ["calm"],
    },
    [Picture(b"\x89PNG\r\n\x1a\n not much of a picture", "image/png")],
)


@pytest.fixture(params=FORMATS)
def track(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    return write(tmp_path / "x.partial", bursts(48000, 1, 48000), request.param, 48000, "s16"), request.param


def test_every_format_keeps_every_tag_the_cover_and_the_sound(track: tuple[Path, str]) -> None:
    path, format = track
    before = decode(path).samples.tobytes()
    write_tags(path, format, TAGS)
    song = decode(path)
    assert song.tags == TAGS
    assert song.samples.tobytes() == before


def test_writing_no_tags_changes_no_byte(track: tuple[Path, str]) -> None:
    path, format = track
    before = path.read_bytes()
    write_tags(path, format, Tags())
    assert path.read_bytes() == before


def test_tags_that_a_longer_track_makes_untrue_are_dropped(tmp_path: Path) -> None:
    path = write(tmp_path / "x.flac", bursts(8000, 1, 8000), "flac", 8000)
    file = mutagen.File(path)
    file["REPLAYGAIN_TRACK_GAIN"] = "-3 dB"
    file["Encoder"] = "some program"
    file["Title"] = "kept"
    file.save()
    assert decode(path).tags == Tags({"title": ["kept"]})


def test_the_info_chunk_of_a_wav_is_read(tmp_path: Path) -> None:
    with soundfile.SoundFile(tmp_path / "x.wav", "w", 8000, 1) as file:
        file.title, file.artist = "Named", "Somebody"
        file.write(bursts(8000, 1, 8000))
    assert decode(tmp_path / "x.wav").tags.text == {"title": ["Named"], "artist": ["Somebody"]}


def test_damaged_tags_do_not_stop_a_song(tmp_path: Path) -> None:
    path = write(tmp_path / "x", bursts(48000, 1, 48000), "mp3", 48000)
    write_tags(path, "mp3", TAGS)
    raw = bytearray(path.read_bytes())
    raw[20:60] = b"\xff" * 40
    path.write_bytes(raw)
    assert len(decode(path).samples) == 48000


def test_a_file_that_is_not_audio_has_no_tags() -> None:
    assert read_tags(io.BytesIO(b"no audio")) == Tags()


def test_rf64_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, bursts(8000, 1, 8000), 8000, format="RF64")
    before = path.read_bytes()
    write_tags(path, "wav", TAGS)
    assert path.read_bytes() == before
