"""`extrap fit`."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC

import extrapcli
from extrapcli.audio.probe import video_seconds
from tests.analysis.band import RATE, band
from tests.conftest import Extrap
from tests.films import film

SECONDS = 40.3


@pytest.fixture
def song(tmp_path: Path) -> Path:
    sound, _ = band(np.full(80, 0.5), 4)
    path = tmp_path / "song.flac"
    soundfile.write(path, sound[: round(SECONDS * RATE)], RATE)
    return path


@pytest.mark.parametrize("length", ["0:25", "1:05.5"])
def test_the_track_lasts_as_long_as_asked(extrap: Extrap, song: Path, length: str) -> None:
    (line,) = extrap("fit", song, "--minutes", length, "--json").lines
    track = json.loads(line)
    seconds = sum(float(part) * unit for part, unit in zip(length.split(":"), (60, 1), strict=True))
    assert track["track"] == str(song.with_name(f"song-{'0m25s' if seconds == 25 else '1m06s'}.flac"))
    assert soundfile.info(track["track"]).frames == track["samples"] == round(seconds * RATE)
    assert len(track["joins"]) <= 3


@pytest.mark.parametrize(("name", "frames", "sound"), [("film.mp4", 500, 0.0), ("film.mkv", 700, 31.0)])
def test_the_track_is_as_long_as_a_video(extrap: Extrap, song: Path, name: str, frames: int, sound: float) -> None:
    scene = film(song.with_name(name), frames, sound=sound)
    seconds = frames / 25 if name.endswith("mp4") else max(frames / 25, sound)
    extrap("fit", song, "--like", scene, "-o", "scene.wav")
    assert abs(soundfile.info(song.with_name("scene.wav")).frames - seconds * RATE) <= 0.05 * RATE
    if name.endswith("mp4"):
        assert video_seconds(scene) == seconds


def test_a_song_says_how_long_it_is_too(song: Path) -> None:
    assert video_seconds(song) == SECONDS


@pytest.mark.parametrize("content", [b"", b"no video"])
def test_what_does_not_say_how_long_it_is_is_refused(extrap: Extrap, song: Path, content: bytes) -> None:
    other = song.with_name("film.mp4")
    other.write_bytes(content)
    told = extrap("fit", song, "--like", other, status=3).stderr
    assert told == f"extrap: {other}: doesn't say how long it is; give the length in minutes\n"
    other.unlink()
    assert "no such file" in extrap("fit", song, "--like", other, status=3).stderr


def test_parts_are_kept_and_moments_hit(extrap: Extrap, song: Path) -> None:
    options = ("--keep", "0:10-0:15", "--hit", "0:16", "--hit", "0:22.5")
    (line,) = extrap("fit", song, "--minutes", "0:30", *options, "--json").lines
    for join in json.loads(line)["joins"]:
        assert not 10 < join["jump"]["from_seconds"] < 15
        assert not 10 < join["jump"]["to_seconds"] < 15


def test_a_mood_is_asked_for(extrap: Extrap, song: Path) -> None:
    (line,) = extrap("fit", song, "--minutes", "1:00", "--arc", "calm:lively", "--json").lines
    assert json.loads(line)["mood"]["wanted"]


def test_the_songs_of_a_folder_all_get_the_length(extrap: Extrap, song: Path) -> None:
    songs = song.with_name("songs")
    songs.mkdir()
    for name in ("a.flac", "b.flac"):
        (songs / name).write_bytes(song.read_bytes())
    extrap("fit", songs, "--minutes", "0:20", "-o", "out/")
    for name in ("a-0m20s.flac", "b-0m20s.flac"):
        assert soundfile.info(song.with_name("out") / name).frames == 20 * RATE


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "--minutes LENGTH, or --like VIDEO"),
        (("--minutes", "1", "--like", "x.mp4"), "--minutes and --like exclude each other"),
        (("--minutes", "20s", "--keep", "1-2"), "seconds are written as 0:45 or 45s"),
        (("--minutes", "0:20", "--keep", "0:10"), "'0:10' is no part of a song; write its beginning and end"),
        (("--minutes", "0:20", "--keep", "0:15-0:10"), "what is kept from 15 s to 10 s has no length"),
        (("--minutes", "0:20", "--hit", "soon"), "'soon' is no time"),
        (
            ("--minutes", "0:20", "--hit", "0:30"),
            "the hit at 0:30.0 is beyond the track of 0:20.0; seconds are written as 0:45 or 45s",
        ),
        (("--minutes", "20"), "extrap continue makes a song as long as you like"),
        (("--minutes", "0:20", "--model", "seq2seq"), "seq2seq can't fit a song to a length; use recall"),
    ],
)
def test_what_makes_no_sense_is_refused(extrap: Extrap, song: Path, options: tuple[str, ...], told: str) -> None:
    stderr = " ".join(extrap("fit", song, *options, status=2).stderr.replace("│", " ").split())
    assert told in stderr
    assert [path.name for path in song.parent.iterdir()] == ["song.flac"]


def test_python_does_the_same(song: Path) -> None:
    made = extrapcli.fit_file(song, minutes=20 / 60, keep=[(10, 15)], hits=[16])
    assert soundfile.info(made.path).frames == 20 * RATE
    samples, rate = soundfile.read(song)
    track = extrapcli.load().fit_song(samples, rate, minutes=20 / 60, keep=[(10, 15)], hits=[16])
    written = soundfile.read(made.path)[0]
    np.testing.assert_allclose(track.samples, written, atol=2**-15)
    np.testing.assert_array_equal(track.samples[: track.head_samples], samples[: track.head_samples])


def test_python_takes_one_length(song: Path) -> None:
    with pytest.raises(extrapcli.UsageError, match="either a length in minutes or a file that is as long"):
        extrapcli.fit_file(song)
    with pytest.raises(extrapcli.UsageError, match="has no length; give its beginning first"):
        extrapcli.fit_file(song, minutes=1, keep=[(3, 3)])
    with pytest.raises(extrapcli.UsageError, match="give what is kept as"):
        extrapcli.fit_file(song, minutes=1, hits=20)  # type: ignore[arg-type]
    with pytest.raises(extrapcli.UsageError, match="out of range"):
        extrapcli.fit_file(song, minutes=1, hits=[-1])


def test_the_title_says_that_it_is_not_the_song(extrap: Extrap, song: Path) -> None:
    file = FLAC(song)
    file["title"] = "A song"
    file.save()
    extrap("fit", song, "--minutes", "0:20", "-o", "short.flac")
    assert FLAC(song.with_name("short.flac"))["title"] == ["A song (edit)"]
