"""Loops are marked where a player finds them: SDL_mixer plays a file, and goes back to where the loop begins."""

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC
from mutagen.oggopus import OggOpus
from numpy.typing import NDArray

from extrapcli.audio.loop_marks import MARKED, mark_loop
from extrapcli.dsp import normalised_cross_correlation
from tests.audio.test_round_trip import write

RATE = 48000
BEGIN, LENGTH = 70_001, 100_003
PLAYER = """
import os, sys, time
import pygame

file, out, frames = sys.argv[1], os.environ["SDL_DISKAUDIOFILE"], int(sys.argv[2])
pygame.mixer.init(48000, -16, 1, 1024, allowedchanges=0)
pygame.mixer.music.load(file)
pygame.mixer.music.play(-1)
while os.path.getsize(out) < 2 * frames:
    time.sleep(0.01)
os._exit(0)
"""


@pytest.fixture(params=MARKED)
def marked(request: pytest.FixtureRequest, rng: np.random.Generator, tmp_path: Path) -> tuple[Path, str]:
    """A file of smooth noise, whose moments can be told from one another."""
    noise = rng.normal(0, 0.3, BEGIN + LENGTH)
    samples = np.convolve(noise, np.hanning(32) / 16, "same")[:, None]
    path = tmp_path / f"loop.{request.param}"
    write(path, samples, request.param, RATE, "s16")
    mark_loop(path, request.param, sample_rate=RATE, begin=BEGIN, length=LENGTH)
    return path, request.param


def played(path: Path, frames: int) -> NDArray[np.floating]:
    out = path.with_name("played.raw")
    quiet = {"SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": str(out), "SDL_DISKAUDIODELAY": "0"}
    out.touch()
    subprocess.run([sys.executable, "-c", PLAYER, path, str(frames)], env=os.environ | quiet, check=True, timeout=120)
    return np.fromfile(out, np.int16)[:frames] / 2**15


def test_a_player_repeats_the_loop(marked: tuple[Path, str]) -> None:
    path, _ = marked
    samples, _ = soundfile.read(path)
    sound = played(path, BEGIN + 2 * LENGTH + 500_000)  # a player on a busy machine begins late
    start = int(np.argmax(normalised_cross_correlation(samples[10_000:20_000], sound))) - 10_000
    expected = np.concatenate([samples, *[samples[BEGIN:]] * 2])
    sound, expected = sound[start:][: len(expected)], expected[: len(sound) - start]
    assert len(expected) > BEGIN + 2 * LENGTH
    assert np.abs(sound - expected).mean() < 0.001
    assert np.abs(expected).mean() > 0.03


def test_its_samples_are_not_touched(marked: tuple[Path, str], tmp_path: Path) -> None:
    path, format = marked
    before = path.with_name(f"before.{format}")
    before.write_bytes(path.read_bytes())
    mark_loop(path, format, sample_rate=RATE, begin=1, length=2)
    np.testing.assert_array_equal(soundfile.read(path)[0], soundfile.read(before)[0])


def test_the_chunk_of_a_wav_is_as_defined(rng: np.random.Generator, tmp_path: Path) -> None:
    path = tmp_path / "loop.wav"
    write(path, rng.normal(0, 0.1, (1001, 1)), "wav", 44100, "u8")
    mark_loop(path, "wav", sample_rate=44100, begin=10, length=500)
    data = path.read_bytes()
    assert struct.unpack("<I", data[4:8]) == (len(data) - 8,)
    at = data.index(b"smpl")
    assert at % 2 == 0
    fields = struct.unpack("<I15I", data[at + 4 :])
    assert fields[0] == 60
    assert fields[8] == 1, "loops"
    assert fields[12:14] == (10, 509), "its last sample is the one that is still played"


def test_opus_counts_at_48_kilohertz(rng: np.random.Generator, tmp_path: Path) -> None:
    path = tmp_path / "loop.opus"
    write(path, rng.normal(0, 0.1, (8000, 1)), "opus", 8000, "s16")
    mark_loop(path, "opus", sample_rate=8000, begin=1000, length=5000)
    tags: Any = OggOpus(path)
    assert (tags["LOOPSTART"], tags["LOOPLENGTH"]) == (["6000"], ["30000"])


def test_a_wav_without_room_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "loop.wav"
    with path.open("wb") as file:
        file.truncate(2**32 - 10)
    assert "more than 4 GB" in mark_loop(path, "wav", sample_rate=8000, begin=0, length=10)[0]
    assert path.stat().st_size == 2**32 - 10


def test_comments_of_a_song_stay(rng: np.random.Generator, tmp_path: Path) -> None:
    path = tmp_path / "loop.flac"
    write(path, rng.normal(0, 0.1, (1000, 1)), "flac", 44100, "s16")
    file = FLAC(path)
    file["title"] = "Loop"
    file.save()
    mark_loop(path, "flac", sample_rate=44100, begin=10, length=500)
    tags: Any = FLAC(path).tags
    assert [*tags] == [("title", "Loop"), ("LOOPSTART", "10"), ("LOOPLENGTH", "500")]
