"""Which files of a folder are songs, and what is said about the others."""

import os
import shutil
import sys
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from extrapcli.audio.probe import holds_sound
from extrapcli.audio.streams import ffmpeg_frame
from extrapcli.finding import Patterns, find_songs, named_songs
from tests.conftest import chord

RATE = 22050


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.wav", "b/c.flac"):
        path = tmp_path / "songs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, chord(1, RATE, 1), RATE)
    return tmp_path / "songs"


def names(folder: Path) -> list[str]:
    return [path.as_posix() for path in find_songs(folder).songs]


def left_out(folder: Path) -> dict[str, str]:
    return {path.as_posix(): reason for path, reason in find_songs(folder).left_out}


def encode(path: Path, container: str, codec: str, *, video: bool = False) -> None:
    """Write a second of sound with FFmpeg, silent where there is no `codec`, whatever the file's name ends in."""
    rate = 44100
    with av.open(str(path), "w", format=container) as file:
        sound: Any = file.add_stream(codec, rate=rate, layout="mono", bit_rate=64000) if codec else None
        if video:
            picture = file.add_stream("mpeg4", rate=25)
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
            for k in range(25):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), k * 10, np.uint8), format="rgb24")
                frame.pts, frame.time_base = k, Fraction(1, 25)
                file.mux(picture.encode(frame))
            file.mux(picture.encode(None))
        if sound:
            tone, layout = chord(1, rate, 1).astype(np.float32), av.AudioLayout("mono")
            file.mux(sound.encode(ffmpeg_frame(tone, sample_rate=rate, position=0, layout=layout)))
            file.mux(sound.encode(None))


@pytest.mark.parametrize(
    ("name", "container", "codec", "video"),
    [
        ("book.m4b", "ipod", "aac", False),
        ("recording", "mpegts", "mp2", False),
        ("clip.3gp", "3gp", "aac", True),
        ("mix.final", "matroska", "aac", False),
        ("show.dat", "flv", "aac", False),
        ("No. 5", "asf", "wmav2", False),
    ],
)
def test_sound_is_a_song_whatever_its_name(name: str, container: str, codec: str, video: bool, folder: Path) -> None:
    encode(folder / name, container, codec, video=video)
    assert name in names(folder)


@pytest.mark.parametrize("name", ["plain", "take.2", "old.xyz"])
@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_a_suffix_is_not_needed(name: str, format: str, folder: Path) -> None:
    soundfile.write(folder / name, chord(1, RATE, 1), RATE, format=format)
    assert name in names(folder)


def test_pictures_texts_and_silent_videos_are_not_audio(folder: Path, rng: np.random.Generator) -> None:
    from PIL import Image

    for name in ("cover.jpg", "cover", "booklet.png"):
        format = "PNG" if name.endswith("png") else "JPEG"
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(folder / name, format=format)
    (folder / "album.cue").write_text('FILE "a.wav" WAVE\n')
    (folder / "list.m3u").write_text("a.wav\n")
    (folder / "rip.log").write_text("Exact Audio Copy\n")
    (folder / "LICENCE").write_text("All rights reserved.\n" * 50)
    (folder / "lyrics.unknown").write_text("1\n00:00:01,000 --> 00:00:02,000\nla la la\n", encoding="utf-8")
    (folder / "noise.bin").write_bytes(rng.bytes(300_000))
    encode(folder / "mute", "matroska", "", video=True)
    before = {"cover.jpg", "cover", "booklet.png", "album.cue", "list.m3u", "rip.log", "LICENCE", "lyrics.unknown"}
    assert left_out(folder) == dict.fromkeys(before | {"noise.bin", "mute"}, "not audio")
    assert names(folder) == ["a.wav", "b/c.flac"]


@pytest.mark.parametrize("format", ["WAV", "FLAC", "AU", "SVX"])
def test_a_sound_of_a_moment_is_audio_in_any_format(format: str, tmp_path: Path) -> None:
    """Even where it is shorter than FFmpeg's first frames, or only libsndfile knows the format."""
    soundfile.write(tmp_path / "click", chord(0.01, RATE, 1), RATE, format=format, subtype="PCM_16")
    assert holds_sound(tmp_path / "click")


def test_no_file_of_this_project_is_taken_for_a_song() -> None:
    root = Path(__file__).parents[1]
    files = [path for name in ("src", "docs", "models") for path in (root / name).rglob("*") if path.is_file()]
    assert len(files) > 100
    assert [path for path in files if path.suffix not in (".mp3", ".opus", ".ogg") and holds_sound(path)] == []


def test_what_is_left_out_is_counted_and_named(folder: Path) -> None:
    (folder / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0 a picture")
    (folder / "nothing").touch()
    for name in (".DS_Store", "._a.wav"):
        (folder / name).write_bytes(b"\0\5\x16\7 of a Mac")
    found = find_songs(folder)
    assert found.summary() == "4 left out: 2 hidden, 1 not audio, 1 empty (nothing)"
    (folder / ".AppleDouble").mkdir()
    (folder / ".AppleDouble" / "a.wav").write_bytes(b"\0\5\x16\7 of a Mac")
    assert find_songs(folder).summary() == "5 left out: 3 hidden, 1 not audio, 1 empty (nothing)"
    assert find_songs(folder / ".AppleDouble").songs == [PurePath("a.wav")]
    assert PurePath(".AppleDouble/a.wav") in find_songs(folder, patterns=Patterns(include=["*.wav"])).songs
    assert find_songs(folder / "b").summary() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there, and pipes have no paths")
class TestLinks:
    def test_folders_and_files_are_followed(self, folder: Path) -> None:
        (folder.parent / "elsewhere" / "deep").mkdir(parents=True)
        shutil.copy(folder / "a.wav", folder.parent / "elsewhere" / "deep" / "d.wav")
        (folder / "album").symlink_to(folder.parent / "elsewhere")
        (folder / "favourite.wav").symlink_to("b/c.flac")
        assert names(folder) == ["a.wav", "album/deep/d.wav", "b/c.flac", "favourite.wav"]

    def test_circles_end_and_no_folder_is_taken_twice(self, folder: Path) -> None:
        other = folder.parent / "other"
        other.mkdir()
        shutil.copy(folder / "a.wav", other / "o.wav")
        (folder / "0-early").symlink_to("b")
        (folder / "b" / "up").symlink_to("..")
        (folder / "b" / "other").symlink_to(other)
        (other / "back").symlink_to(folder)
        (other / "self").symlink_to(".")
        (folder / "once-more").symlink_to(other)
        assert names(folder) == ["a.wav", "b/c.flac", "once-more/o.wav"]
        assert left_out(folder) == {}

    def test_links_that_lead_nowhere_are_named(self, folder: Path) -> None:
        (folder / "old").symlink_to("gone")
        (folder / "round").symlink_to("round")
        assert left_out(folder) == {"old": "broken link", "round": "broken link"}

    def test_a_song_that_is_not_there_fails_rather_than_being_left_out(self, folder: Path) -> None:
        (folder / "gone.mp3").symlink_to("nowhere")
        assert "gone.mp3" in names(folder)

    def test_pipes_are_not_waited_for(self, folder: Path) -> None:
        os.mkfifo(folder / "pipe")
        assert left_out(folder) == {"pipe": "pipe or device"}

    def test_the_folder_of_tracks_is_left_out_by_any_name(self, folder: Path) -> None:
        (folder / "link").symlink_to("b")
        for tracks in (folder / "b", folder / "link", folder / "b" / ".." / "b"):
            assert find_songs(folder, without=tracks).songs == [PurePath("a.wav")]
        assert len(find_songs(folder, without=folder).songs) == 2


def test_names_alone_tell_songs_as_files_do() -> None:
    paths = [PurePath(name) for name in ("a.wav", ".AppleDouble/a.wav", "b/.c.mp3", "b/d.txt")]
    found = named_songs(paths, Patterns())
    assert found.songs == [PurePath("a.wav")]
    assert found.summary() == "3 left out: 2 hidden, 1 not audio"


@pytest.mark.parametrize("look", ["at files", "at names"])
def test_tracks_beside_their_songs_are_left_out_unless_asked_for(look: str, tmp_path: Path) -> None:
    names = ["a.mp3", "a-3m00s.flac", "a-plus-2m00s.mp3", "b-3m00s.mp3", "new\nline.ogg", "new\nline-0m24s.mp3"]
    names += ["a-1m00s-take2.mp3", "a-1m00s-preview.mp3", "a-1m00s-preview-take12.mp3", "a-loop.wav", "a-looped.ogg"]
    names += ["a-intro.mp3", "a-outro.mp3", "a-played-3m25s.wav", "a-played-3m25s-2.wav"]
    for name in names:
        (tmp_path / name).touch()

    def songs(patterns: Patterns) -> list[str]:
        paths = [PurePath(name) for name in names]
        found = find_songs(tmp_path, patterns=patterns) if look == "at files" else named_songs(paths, patterns)
        return [str(path) for path in found.songs]

    assert songs(Patterns()) == ["a.mp3", "b-3m00s.mp3", "new\nline.ogg"]
    assert songs(Patterns(include=["a*"])) == sorted(name for name in names if name.startswith("a"))
