"""`extrap play` in a terminal: keys and signals."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.crossfade import Fade
from tests.conftest import Extrap, chord
from tests.play.device import Device
from tests.play.terminal import Terminal

pytestmark = pytest.mark.slow

RATE = 22050
SECONDS = 16
RECORD = ("--record", "record.wav")


@pytest.fixture
def song(device: Device) -> Path:
    """Sixteen seconds of chords, in 16 bits and mono, which begin anew every half second with another level."""
    sound = chord(SECONDS, RATE, 1) * (1 + 0.4 * np.sin(np.arange(SECONDS * RATE) / RATE)[:, None])
    soundfile.write(device.folder / "song.wav", sound, RATE, subtype="PCM_16")
    return device.folder / "song.wav"


def samples(path: Path) -> NDArray[np.int16]:
    read: NDArray[np.int16] = soundfile.read(path, dtype="int16", always_2d=True)[0]
    return read


@pytest.fixture
def straight(song: Path, extrap: Extrap) -> NDArray[np.int16]:
    """What is played while no key is pressed."""
    extrap("continue", song, "--minutes", "2", "--ending", "cut", "-o", "straight.wav")
    return samples(song.with_name("straight.wav"))


def assert_is_recorded(played: Terminal, folder: Path) -> None:
    assert played.stdout == b"record.wav\n"
    np.testing.assert_array_equal(samples(folder / "record.wav"), played.heard())


def changed_at(heard: NDArray[Any], straight: NDArray[np.int16]) -> int:
    """Return the first sample that is another one."""
    return int(np.argmax((heard != straight[: len(heard)]).any(axis=1)))


@pytest.mark.parametrize("seconds", [3, 25])
def test_q_fades_out_over_three_seconds(
    seconds: int, song: Path, straight: NDArray[np.int16], device: Device
) -> None:
    with Terminal(device, 1, song, *RECORD) as played:
        played.play_up_to(seconds * RATE)
        played.press("q")
        assert played.ends() == 0
        heard = played.heard()
        begin = len(heard) - 3 * RATE
        assert seconds * RATE <= begin
        np.testing.assert_array_equal(heard[:begin], straight[:begin])
        fall, _ = Fade(3 * RATE, "equal-gain").gains()
        assert np.abs(heard[begin:].astype(float) - straight[begin : len(heard)] * fall[:, None]).max() < 2
        assert_is_recorded(played, song.parent)
        assert played.now == played.attributes


def test_s_saves_what_was_heard_beside_the_song(song: Path, device: Device) -> None:
    with Terminal(device, 1, song, *RECORD) as played:
        for seconds in (5, 30):
            played.play_up_to(seconds * RATE)
            saved = played.shown.count(b"saved")
            played.press("s")
            played.until(lambda saved=saved: played.shown.count(b"saved") > saved)  # type: ignore[misc]
        played.press("ns")
        played.press("q")
        assert played.ends() == 0
        files = sorted(song.parent.glob("song-played-*.wav"))
        assert len(files) == 3
        heard = played.heard()
        for file, least in zip(files, (5, 30, 30), strict=True):
            saved_samples = samples(file)
            assert len(saved_samples) >= least * RATE
            np.testing.assert_array_equal(saved_samples, heard[: len(saved_samples)])
        assert_is_recorded(played, song.parent)


@pytest.mark.parametrize("key", ["n", "lcN"])
def test_a_turned_track_is_recorded_as_it_was_heard(
    key: str, song: Path, straight: NDArray[np.int16], device: Device
) -> None:
    with Terminal(device, 1, song, *RECORD) as played:
        played.play_up_to(30 * RATE)
        played.press(key)
        played.play_up_to(60 * RATE)
        played.press(key)
        played.play_up_to(80 * RATE)
        played.press("q")
        assert played.ends() == 0
        heard = played.heard()
        assert 30 * RATE < changed_at(heard, straight) < len(heard) - 3 * RATE
        assert_is_recorded(played, song.parent)


def test_a_pause_loses_and_repeats_nothing(song: Path, straight: NDArray[np.int16], device: Device) -> None:
    with Terminal(device, 1, song, *RECORD) as played:
        for seconds in (2, 25):
            played.play_up_to(seconds * RATE)
            played.press(" ")
            played.allowed = 10**9
            played.until(lambda: b"paused" in played.shown)
            played.until(lambda: still(played))
            played.allowed, played.shown = played.taken, b""
            played.press(" ")
            played.until(lambda: b"playing" in played.shown)
        played.press("q")
        assert played.ends() == 0
        heard = played.heard()
        np.testing.assert_array_equal(heard[: -3 * RATE], straight[: len(heard) - 3 * RATE])
        assert_is_recorded(played, song.parent)


def still(played: Terminal) -> bool:
    """Tell whether the device gets nothing."""
    import time

    taken = played.taken
    time.sleep(0.7)
    return played.taken == taken


def test_q_ends_a_pause(song: Path, device: Device) -> None:
    with Terminal(device, 1, song, *RECORD) as played:
        played.play_up_to(5 * RATE)
        played.press(" ")
        played.allowed = 10**9
        played.until(lambda: b"paused" in played.shown)
        played.press("q")
        assert played.ends() == 0
        assert_is_recorded(played, song.parent)


@pytest.mark.parametrize(("number", "paused"), [(signal.SIGINT, False), (signal.SIGHUP, True)])
def test_a_signal_ends_at_once_and_keeps_the_record(
    number: signal.Signals, paused: bool, song: Path, straight: NDArray[np.int16], device: Device
) -> None:
    with Terminal(device, 1, song, *RECORD) as played:
        played.play_up_to(20 * RATE)
        played.allowed += 2 * RATE
        if paused:
            played.press(" ")
            played.until(lambda: b"paused" in played.shown)
        played.interrupt(number)
        assert played.ends() == 128 + number
        heard = played.heard()
        np.testing.assert_array_equal(heard, straight[: len(heard)])
        assert len(heard) < 30 * RATE
        assert_is_recorded(played, song.parent)
        assert played.now == played.attributes


def test_keys_are_named_and_the_status_tells_the_place_in_the_song(song: Path, device: Device) -> None:
    with Terminal(device, 1, song) as played:
        played.play_up_to(5 * RATE)
        played.until(lambda: b"of 0:16" in played.shown)
        played.press("xyz\r\t\x1b[A\x1b[Dé")
        played.press("q")
        assert played.ends() == 0
        shown = played.shown.decode()
        for said in (
            "space pauses",
            "n jumps",
            "c is calmer",
            "l livelier",
            "s saves",
            "q fades out",
            "next jump in",
        ):
            assert said in shown
        assert "played 0:" in shown
        assert played.stdout == b""


def test_in_a_terminal_of_another_session_a_song_is_played(song: Path, device: Device) -> None:
    with Terminal(device, 1, song, "--minutes", "0:30", *RECORD, controls=False) as played:
        assert played.ends() == 0
        assert len(played.heard()) == 30 * RATE
        assert_is_recorded(played, song.parent)
