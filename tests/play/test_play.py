"""`extrap play` as a user runs it, with a device that plays into a file."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.crossfade import Fade
from tests.conftest import EXTRAP, SONG, Extrap, chord
from tests.play.device import Device, played

RATE = 22050
DEPTHS = {"u8": "PCM_U8", "s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f64": "DOUBLE"}


def sound(path: Path, sample_format: str) -> NDArray[Any]:
    """Read a file as the device gets it: 16 bits, 24 in the upper ones of 32, or float32."""
    dtype = {"s16": "int16", "s24": "int32", "f32": "float32"}[sample_format]
    read: NDArray[Any] = soundfile.read(path, dtype=dtype, always_2d=True)[0]
    return read


def write_song(folder: Path, sample_format: str, channels: int, *, ends: bool = False, seconds: float = 12) -> Path:
    """Write chords that are cut off, or die away."""
    song = chord(seconds, RATE, channels)
    song *= 1 + 0.3 * np.sin(np.arange(len(song)) / RATE)[:, None]
    if ends:
        song[-3 * RATE :] *= np.geomspace(1, 1e-5, 3 * RATE)[:, None]
    soundfile.write(folder / "song.wav", song, RATE, subtype=DEPTHS[sample_format])
    return folder / "song.wav"


def assert_plays_what_continue_writes(
    device: Device, extrap: Extrap, song: Path, sample_format: str, *options: str
) -> NDArray[Any]:
    extrap("continue", song, *options, "-o", "wanted.wav", "--format", "wav")
    wanted = sound(device.folder / "wanted.wav", sample_format)
    ran = played(device, song, *options)
    np.testing.assert_array_equal(device.heard(sample_format, wanted.shape[1]), wanted)
    assert ran.stdout == b""
    return wanted


@pytest.mark.slow
@pytest.mark.parametrize(("sample_format", "channels", "ends"), [("s16", 2, False), ("s24", 1, True)])
def test_the_device_gets_what_continue_writes(
    sample_format: str, channels: int, ends: bool, device: Device, extrap: Extrap, tmp_path: Path
) -> None:
    song = write_song(tmp_path, sample_format, channels, ends=ends)
    assert_plays_what_continue_writes(device, extrap, song, sample_format, "--minutes", "0:40")


@pytest.mark.slow
@pytest.mark.parametrize("subtype", ["u8"])
def test_rare_depths_are_played_as_they_are_written(
    subtype: str, device: Device, extrap: Extrap, tmp_path: Path
) -> None:
    song = write_song(tmp_path, subtype, 2)
    sample_format = {"u8": "s16", "s32": "s24", "f64": "f32"}[subtype]
    assert_plays_what_continue_writes(device, extrap, song, sample_format, "--minutes", "0:30")


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ("--seed", "7", "--variety", "1"),
        ("--arc", "lively:calm", "--crossfade", "0.3"),
    ],
)
def test_options_do_what_they_do_in_continue(options: tuple[str, ...], device: Device, extrap: Extrap) -> None:
    assert_plays_what_continue_writes(device, extrap, SONG, "f32", "--minutes", "1:10", *options)


@pytest.mark.slow
def test_a_length_that_is_hardly_longer_than_the_song(device: Device, extrap: Extrap, tmp_path: Path) -> None:
    song = write_song(tmp_path, "s16", 2, ends=True)
    assert_plays_what_continue_writes(device, extrap, song, "s16", "--minutes", "0:12.001")


@pytest.mark.slow
def test_song_from_standard_input_is_played(device: Device, extrap: Extrap, tmp_path: Path) -> None:
    song = write_song(tmp_path, "s16", 1)
    extrap("continue", song, "--minutes", "0:30", "-o", "wanted.wav")
    command: list[str | Path] = [EXTRAP, "play", "-", "--minutes", "0:30", "--record", "record.wav"]
    done = subprocess.run(command, input=song.read_bytes(), cwd=tmp_path, env=device.environment, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"record.wav\n"), done.stderr
    np.testing.assert_array_equal(device.heard("s16", 1), sound(tmp_path / "wanted.wav", "s16"))


@pytest.mark.slow
@pytest.mark.parametrize(("sample_format", "format"), [("s16", "wav"), ("s24", "flac")])
def test_a_lossless_record_holds_what_was_heard(
    sample_format: str, format: str, device: Device, tmp_path: Path
) -> None:
    song = write_song(tmp_path, sample_format, 2)
    ran = played(device, song, "--minutes", "0:30", "--record", f"record.{format}")
    assert ran.lines == [f"record.{format}"]
    heard = device.heard(sample_format, 2)
    assert len(heard) == 30 * RATE
    np.testing.assert_array_equal(sound(tmp_path / f"record.{format}", sample_format), heard)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["mp3"])
def test_a_record_is_the_file_that_continue_writes(
    format: str, device: Device, extrap: Extrap, tmp_path: Path
) -> None:
    command = (SONG, "--minutes", "0:50")
    extrap("continue", *command, "-o", f"track.{format}")
    played(device, *command, "--record", f"record.{format}")
    assert (tmp_path / f"record.{format}").read_bytes() == (tmp_path / f"track.{format}").read_bytes()


@pytest.mark.parametrize("minutes", ["0:11.9", "0:03.3"])
def test_a_length_less_than_the_song_plays_its_beginning_and_fades_out(
    minutes: str, device: Device, tmp_path: Path
) -> None:
    song = sound(write_song(tmp_path, "s16", 2), "s16").astype(float)
    played(device, "song.wav", "--minutes", minutes, "--record", "record.wav")
    heard = device.heard("s16", 2).astype(float)
    assert len(heard) == round(float(minutes.removeprefix("0:")) * RATE)
    steady = len(heard) - 3 * RATE
    np.testing.assert_array_equal(heard[:steady], song[:steady])
    fall, _ = Fade(3 * RATE, "equal-gain").gains()
    assert np.abs(heard[steady:] - song[steady : len(heard)] * fall[:, None]).max() < 1.5
    np.testing.assert_array_equal(sound(tmp_path / "record.wav", "s16"), heard)


def test_a_length_less_than_a_fade_out_ends_in_silence(device: Device, tmp_path: Path) -> None:
    write_song(tmp_path, "s16", 1)
    played(device, "song.wav", "--minutes", "0:02")
    heard = np.abs(device.heard("s16", 1).astype(int))
    assert len(heard) == 2 * RATE
    assert heard[-10:].max() < 10


def test_an_arc_goes_with_a_length_that_is_less_than_the_song_s(device: Device, tmp_path: Path) -> None:
    write_song(tmp_path, "s16", 1)
    played(device, "song.wav", "--minutes", "0:08", "--arc", "calm:lively")
    assert len(device.heard("s16", 1)) == 8 * RATE


def test_without_a_device_one_sentence_says_so(tmp_path: Path, device: Device) -> None:
    write_song(tmp_path, "s16", 1)
    ran = played(Device.missing(tmp_path), "song.wav", "--record", "record.wav", status=5)
    assert ran.stdout == b""
    assert len(ran.stderr.splitlines()) == 1
    assert "no audio device" in ran.stderr
    assert not (tmp_path / "record.wav").exists()


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (("bad.mp3",), 3, "bad.mp3"),
        (("short.wav",), 3, "short.wav"),
        (("song.wav", "--model", "nonsense"), 4, "nonsense"),
        (("song.wav", "--backend", "nonsense"), 2, "nonsense"),
        (("song.wav", "--variety", "2"), 2, "variety"),
        (("song.wav", "--arc", "calm:lively"), 2, "end"),
        (("song.wav", "--crossfade", "5"), 2, "crossfade"),
        (("song.wav", "--minutes", "0"), 2, "minutes"),
        (("song.wav", "--record", "-"), 2, "record"),
        (("song.wav", "--record", "record.txt"), 2, "txt"),
        ((), 2, "SONG"),
    ],
)
def test_errors_have_a_status_and_a_sentence(
    args: tuple[str, ...], status: int, said: str, device: Device, tmp_path: Path
) -> None:
    write_song(tmp_path, "s16", 1)
    (tmp_path / "bad.mp3").write_text("no music")
    soundfile.write(tmp_path / "short.wav", chord(0.2, RATE, 1), RATE)
    ran = played(device, *args, status=status)
    assert ran.stdout == b""
    assert said in ran.stderr
    told = [line for line in ran.stderr.splitlines() if line.startswith(("extrap:", "Error:"))]
    assert len(told) == 1, ran.stderr


@pytest.mark.parametrize("name", ["gone/record.wav", "folder"])
def test_a_place_where_nothing_can_be_recorded_is_refused_before_anything_plays(
    name: str, device: Device, tmp_path: Path
) -> None:
    write_song(tmp_path, "s16", 1)
    (tmp_path / "folder").mkdir()
    status = 2 if name == "folder" else 6
    ran = played(device, "song.wav", "--minutes", "0:05", "--record", name, status=status)
    assert len(ran.stderr.splitlines()) == 1
    assert not device.sound.exists()


def test_a_record_that_exists_is_refused_before_anything_plays(device: Device, tmp_path: Path) -> None:
    write_song(tmp_path, "s16", 1)
    (tmp_path / "record.wav").write_text("mine")
    ran = played(device, "song.wav", "--minutes", "0:20", "--record", "record.wav", status=6)
    assert "--overwrite" in ran.stderr
    assert not device.sound.exists()
    assert (tmp_path / "record.wav").read_text() == "mine"
    played(device, "song.wav", "--minutes", "0:10", "--record", "record.wav", "--overwrite")
    assert soundfile.info(tmp_path / "record.wav").frames == 10 * RATE


def test_a_record_never_replaces_its_song(device: Device, tmp_path: Path) -> None:
    before = write_song(tmp_path, "s16", 1).read_bytes()
    ran = played(device, "song.wav", "--minutes", "0:20", "--record", "song.wav", "--overwrite", status=2)
    assert "song.wav" in ran.stderr
    assert (tmp_path / "song.wav").read_bytes() == before


def test_what_was_played_is_said_unless_quiet(device: Device, tmp_path: Path) -> None:
    write_song(tmp_path, "s16", 1)
    assert played(device, "song.wav", "--minutes", "0:10").stderr == "extrap: played 0:10\n"
    assert played(device, "song.wav", "--minutes", "0:10", "-q").stderr == ""
