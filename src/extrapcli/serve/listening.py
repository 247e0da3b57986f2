"""Sound for a browser, written while it is made: a WAV that any browser plays, and the peaks of its waveform."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.adapt import adapter
from extrapcli.audio.encode import TrackWriter
from extrapcli.audio.forward import stream_track
from extrapcli.audio.song import Song, Tags

SOUND, PEAKS = "sound.wav", "peaks"
PEAKS_PER_SECOND = 20
LEAST_RATE, MOST_RATE, MOST_CHANNELS = 8000, 48000, 2
FULL = 255

Samples = NDArray[np.floating]


class Listening:
    """The sound of a track of so many samples in a folder, on its way: 16 bits, at most two channels at 48 kHz."""

    def __init__(self, song: Song, samples: int, sound: TrackWriter, peaks: "Peaks") -> None:
        self._sound, self._peaks = sound, peaks
        rate, channels = heard_as(song)
        self._adapt = adapter(song, channels=channels, sample_rate=rate) if adapts(song) else None
        self._left, self._channels = round(samples * rate / song.sample_rate), channels

    def write(self, piece: Samples) -> None:
        """Write the next samples, `(n, channels)` at the song's rate."""
        self._peaks.write(piece)
        self._write(self._adapt(piece) if self._adapt else piece)

    def finish(self) -> None:
        """Fill up what the resampler kept."""
        self._write(np.zeros((self._left, self._channels), np.float32))

    def _write(self, piece: Samples) -> None:
        piece = piece[: self._left]
        self._left -= len(piece)
        self._sound.write(piece)


class Peaks:
    """The greatest amplitude of each twentieth of a second, a byte each, written to a file."""

    def __init__(self, file: BinaryIO, sample_rate: int) -> None:
        self._file = file
        self._rate, self._done, self._count, self._most = sample_rate, 0, 0, 0.0

    def write(self, piece: Samples) -> None:
        """Add the next samples, `(n, channels)`."""
        peaks = bytearray()
        for begin, end in self._parts(len(piece)):
            self._most = max(self._most, float(np.abs(piece[begin:end]).max(initial=0)))
            if self._done == self._edge():
                peaks.append(min(FULL, round(self._most * FULL)))
                self._count, self._most = self._count + 1, 0.0
        self._file.write(peaks)
        self._file.flush()

    def _edge(self) -> int:
        return round((self._count + 1) * self._rate / PEAKS_PER_SECOND)

    def _parts(self, samples: int) -> Iterator[tuple[int, int]]:
        """Divide a piece at the edges of the twentieths."""
        begin = 0
        while begin < samples:
            size = min(self._edge() - self._done, samples - begin)
            self._done += size
            yield begin, begin + size
            begin += size


def adapts(song: Song) -> bool:
    """Tell whether a song has too many channels, or a rate that browsers may not play."""
    return heard_as(song) != (song.sample_rate, song.channels)


def heard_as(song: Song) -> tuple[int, int]:
    """Return the sample rate and the channels that browsers get of a song."""
    rate = song.sample_rate if LEAST_RATE <= song.sample_rate <= MOST_RATE else MOST_RATE
    return rate, min(song.channels, MOST_CHANNELS)


@contextmanager
def listening(folder: Path, song: Song, samples: int) -> Iterator[Listening]:
    """Write what follows, so many samples that sound like a song, as sound and peaks into a folder."""
    rate, channels = heard_as(song)
    like = replace(song, sample_rate=rate, depth="s16", tags=Tags(), layout=0)
    if channels != song.channels:
        like = replace(like, samples=np.zeros((0, channels), np.float32))
    with (
        (folder / SOUND).open("wb") as file,
        (folder / PEAKS).open("wb") as peaks,
        stream_track(
            file, like, Tags(), format="wav", expected_samples=round(samples * rate / song.sample_rate)
        ) as track,
    ):
        sound = Listening(song, samples, track, Peaks(peaks, song.sample_rate))
        yield sound
        sound.finish()


def sound_bytes(path: Path) -> int:
    """Return how large a WAV that is being written will be, as its header says; 0 where that isn't written yet."""
    with path.open("rb") as file:
        header = file.read(8)
    return int.from_bytes(header[4:8], "little") + 8 if len(header) == 8 else 0
