"""Tracks into pipes: they begin before their songs are decoded, and are the tracks that files get."""

import io
import os
import threading
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli import streams
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.continuation import Length
from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.naming import read_song
from extrapcli.pipeline import Options, Pipeline
from extrapcli.streams import Streams, continue_endlessly
from tests.conftest import chord

RATE, SECONDS = 22050, 70
HALF_OF_THE_BEGINNING = 5 * RATE * 2 * 2
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are for POSIX")
pytestmark = [pytest.mark.slow, needs_pipes]


class Reader:
    """Reads a named pipe to its end, or `most` bytes of it, and says when the beginning of a song has come."""

    def __init__(self, path: Path, most: int | None = None) -> None:
        self.path, self.most = path, most
        self.sound, self.sounds = b"", threading.Event()
        os.mkfifo(path)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self.path.open("rb") as pipe:
            self.sound = pipe.read(HALF_OF_THE_BEGINNING)
            self.sounds.set()
            self.sound += pipe.read(self.most) if self.most else pipe.read()

    def all(self) -> bytes:
        self._thread.join(100)
        return self.sound


@pytest.fixture
def long(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "song.wav", chord(SECONDS, RATE, 2), RATE, subtype="PCM_16")
    tagged = mutagen.File(tmp_path / "song.wav")
    tagged.add_tags()
    tagged.tags.add(mutagen.id3.TIT2(text=["Ein Lied"]))  # at the end of the file
    tagged.save()
    return tmp_path / "song.wav"


def samples(sound: Path | io.BytesIO) -> NDArray[np.floating]:
    return decode(sound).samples


def options(minutes: float = 2.0, format: str = "wav") -> Options:
    return Options(Length(minutes), format=format)


@pytest.mark.parametrize("format", ["wav", "ogg"])
def test_a_pipe_gets_what_a_file_gets(format: str, long: Path) -> None:
    pipe = Reader(long.with_name("pipe"))
    (streamed,) = Streams(options(format=format)).run(long, pipe.path)
    file = Pipeline(options(format=format)).run(long)
    assert pipe.all() == file.path.read_bytes()
    assert {**vars(streamed), "path": None} == {**vars(file), "path": None}
    assert "Ein Lied (continued)" in str(mutagen.File(file.path).tags)


def test_it_begins_before_the_song_is_decoded(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Reader(long.with_name("pipe"))

    def late(source: Path, *, salvage: bool = False) -> Song:
        assert pipe.sounds.wait(100)
        return read_song(source, salvage=salvage)

    monkeypatch.setattr(streams, "read_song", late)
    Streams(options()).run(long, pipe.path)
    half = SECONDS * RATE // 2
    np.testing.assert_array_equal(samples(io.BytesIO(pipe.all()))[:half], samples(long)[:half])


def test_one_without_end_begins_before_the_song_is_decoded(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Reader(long.with_name("pipe"), most=100 * RATE * 4)

    def late(source: Path, *, salvage: bool = False) -> Song:
        assert pipe.sounds.wait(100)
        return read_song(source, salvage=salvage)

    monkeypatch.setattr(streams, "read_song", late)
    with pytest.raises(BrokenPipeError):
        continue_endlessly(long, pipe.path, options(), pytest.fail)
    begin = pipe.all().index(b"data") + 8
    heard = np.frombuffer(pipe.all()[begin : begin + 4 * 60 * RATE], "<i2").reshape(-1, 2) / 32768
    np.testing.assert_array_equal(heard, samples(long)[: len(heard)])


def test_a_song_that_turns_out_to_be_damaged_breaks_off(long: Path) -> None:
    flac = long.with_suffix(".flac")
    soundfile.write(flac, chord(SECONDS, RATE, 2), RATE, subtype="PCM_16")
    damaged = bytearray(flac.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 5000] = bytes(5000)
    flac.write_bytes(damaged)
    pipe = Reader(long.with_name("pipe"))
    with pytest.raises(UnreadableAudio, match="damaged"):
        Streams(options()).run(flac, pipe.path)
    assert len(pipe.all()) > HALF_OF_THE_BEGINNING


@pytest.mark.parametrize("minutes", [1.0, 1.2])
def test_a_length_near_that_of_the_song_waits_for_all_of_it(minutes: float, long: Path) -> None:
    pipe = Reader(long.with_name("pipe"))
    if minutes * 60 > SECONDS:
        Streams(options(minutes)).run(long, pipe.path)
        assert len(samples(io.BytesIO(pipe.all()))) == minutes * 60 * RATE
    else:
        with pytest.raises(UsageError, match="lasts 1m10s already"):
            Streams(options(minutes)).run(long, pipe.path)
