"""What the program listens to is the song, as a user finds it: phase and offset change nothing that nobody hears."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from extrapcli.audio.decode import decode
from tests.conftest import SONG, Extrap

pytestmark = pytest.mark.slow

RATE = 24000  # half the song's, for speed
Sound = NDArray[np.float64]


@pytest.fixture(scope="module")
def music() -> Sound:
    """Sixteen seconds of a real song, without its own offset, in 16 bits."""
    song = decode(SONG).samples[4 * 48000 : 20 * 48000 : 2].astype(np.float64)
    song -= uniform_filter1d(song, RATE, axis=0, mode="constant").mean(axis=1, keepdims=True)
    return np.asarray(np.round(song * 2**15) / 2**15, np.float64)


def continued(extrap: Extrap, folder: Path, sound: Sound, *options: str) -> tuple[Sound, dict[str, Any]]:
    """Continue a sound by 24 s; return the track, and what is said about it."""
    soundfile.write(folder / "song.wav", sound, RATE, subtype="PCM_24")
    told = json.loads(
        extrap("continue", "song.wav", "--add", "0.4", "--json", "--overwrite", "-o", "track.wav", *options).stdout
    )
    track, _ = soundfile.read(folder / "track.wav", always_2d=True)
    head = round(told["joins"][0]["seconds"] * RATE)
    np.testing.assert_array_equal(track[:head], soundfile.read(folder / "song.wav", always_2d=True)[0][:head])
    return track, told


def jumps(told: dict[str, Any]) -> list[tuple[float, float]]:
    return [(join["seconds"], join["jump"]["to_seconds"]) for join in told["joins"]]


@pytest.mark.parametrize("layout", ["stereo", "5.1"])
def test_an_inverted_channel_changes_nothing(layout: str, extrap: Extrap, tmp_path: Path, music: Sound) -> None:
    left = music[:, :1]
    first = 0 if layout == "stereo" else 4
    twins = []
    for sign in (1, -1):
        sound = np.zeros((len(left), first + 2))
        sound[:, first:] = left * [1, sign]
        twins.append(continued(extrap, tmp_path, sound))
    (track, told), (other, other_told) = twins
    assert jumps(told) == jumps(other_told)
    assert len({round(second, 1) for _, second in jumps(told)}) > 3
    np.testing.assert_array_equal(other[:, first:], track[:, first:] * [1, -1])


def fall(music: Sound) -> Sound:
    """End the music by itself: its last five seconds fall by 70 dB."""
    return 0.6 * music * 10 ** (np.interp(np.arange(len(music)) / RATE, [11, 16], [0, -70]) / 20)[:, None]


@pytest.mark.parametrize(("offset", "gain"), [((0.2, -0.1), 1), ((0.05, 0), 0.003)])
def test_an_offset_changes_neither_ending_nor_joins(
    offset: tuple[float, float], gain: float, extrap: Extrap, tmp_path: Path, music: Sound
) -> None:
    sound = gain * fall(music)
    plain, told = continued(extrap, tmp_path, sound, "--ending", "song")
    track, other_told = continued(extrap, tmp_path, sound + offset, "--ending", "song")
    assert jumps(other_told)[0][0] == pytest.approx(jumps(told)[0][0], abs=0.5)
    assert len(other_told["joins"]) == pytest.approx(len(told["joins"]), abs=3)
    np.testing.assert_allclose(track[-RATE // 10 :].mean(axis=0), offset, atol=0.003)
    steps, plain_steps = (np.abs(np.diff(sound, axis=0)).max() for sound in (track, plain))
    assert steps < 1.2 * plain_steps + 1e-6  # no join clicks


def test_what_is_only_offset_is_silent(extrap: Extrap, tmp_path: Path) -> None:
    offset = np.concatenate([np.zeros((3 * RATE, 2)), np.full((3 * RATE, 2), [0.2, -0.1])])
    soundfile.write(tmp_path / "song.wav", offset, RATE)
    assert "silent from start to end" in extrap("continue", "song.wav", status=3).stderr
