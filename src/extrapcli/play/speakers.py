"""The speakers: sound of a song's own rate, channels and depth, handed to the system's audio device (PortAudio).

Samples are written to the device's own buffer, which plays on by itself: no Python runs in its thread.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.adapt import adapter
from extrapcli.audio.encode import integer_bits, to_integers
from extrapcli.audio.song import Song
from extrapcli.errors import MissingDependency

BUFFER_SECONDS = 0.3
RECENT_WRITES = 100
SPARE_SECONDS = 0.1  # of the buffer, that are always left in it while others wait
INSTALL = 'pip install "extrapcli[play]"'


Prepare = Callable[[NDArray[np.floating]], NDArray[Any]]


class Speakers:
    """Plays samples of a song; open for as long as the `with` block lasts.

    Attributes:
        underruns: how often the device had nothing to play.
        worst_gap: the longest time in seconds from one piece handed over to the next; the buffer bridges 0.3 s.
    """

    def __init__(self, stream: Any, prepare: Prepare, rate: int) -> None:
        self.underruns, self.worst_gap = 0, 0.0
        self._stream, self._prepare, self._rate = stream, prepare, rate
        self._plays_until = self._returned = 0.0
        self._writes: deque[tuple[float, float]] = deque(maxlen=RECENT_WRITES)  # seconds that one took, and of sound
        self._is_open = False

    @property
    def spare(self) -> float:
        """How many seconds one may wait before handing over more."""
        return self._plays_until - monotonic() - SPARE_SECONDS if self._is_open else 0.0

    def write(self, samples: NDArray[np.floating]) -> None:
        """Hand over samples `(n, channels)`, and wait for as long as the buffer is full."""
        values = self._prepare(samples)
        begin = monotonic()
        if self._is_open:
            self.worst_gap = max(self.worst_gap, begin - self._returned)
        else:
            self._stream.start()
        starved = self._stream.write(values)
        self.underruns += bool(starved and self._is_open)  # it may be said of the first samples, too
        self._is_open, self._returned = True, monotonic()
        seconds = len(values) / self._rate
        self._plays_until = max(self._plays_until, begin) + seconds
        self._writes.append((self._returned - begin, seconds))
        waited, lasting = np.sum(self._writes, axis=0)
        if len(self._writes) == RECENT_WRITES and waited > lasting / 2:  # so its buffer is full, by its own clock
            self._plays_until = min(self._plays_until, self._returned + BUFFER_SECONDS)

    def drain(self) -> None:
        """Let all that was handed over be played, and stop; the next samples begin anew."""
        if self._is_open:
            self._stream.stop()
            self._writes.clear()
            self._is_open = False


@contextmanager
def open_speakers(song: Song) -> Iterator[Speakers]:
    """Open the system's audio device for sound like that of a song; raise MissingDependency where there is none.

    A device that refuses the song's rate or channels gets its own rate, and at most two channels.
    """
    with _silent():
        device = _sounddevice()
        try:
            default = device.query_devices(kind="output")
        except (device.PortAudioError, ValueError):
            raise MissingDependency("there is no audio device here; extrap continue makes a file") from None
        bits, rate = integer_bits("wav", song), song.sample_rate
        prepare = _exact(bits)
        try:
            try:
                dtype = "float32" if not bits else "int16" if bits <= 16 else "int32"
                stream = _stream(device, rate, song.channels, dtype)
            except device.PortAudioError:
                rate, channels = round(default["default_samplerate"]), min(2, default["max_output_channels"])
                stream = _stream(device, rate, channels, "float32")
                prepare = adapter(song, channels=channels, sample_rate=rate)
        except (device.PortAudioError, ValueError) as error:
            raise MissingDependency(f"the audio device does not open: {error}") from None
    with closing(stream):
        yield Speakers(stream, prepare, rate)


def _stream(device: Any, rate: int, channels: int, dtype: str) -> Any:
    return device.OutputStream(
        samplerate=rate, channels=channels, dtype=dtype, latency=BUFFER_SECONDS, clip_off=True, dither_off=True
    )


def _exact(bits: int) -> Prepare:
    """Return what makes samples integers of so many bits, or float32 for 0: what a WAV of the track would hold."""
    return lambda samples: to_integers(samples, bits) if bits else np.ascontiguousarray(samples, np.float32)


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ModuleNotFoundError:
        raise MissingDependency(f"playing needs sounddevice: {INSTALL}") from None
    except OSError:
        raise MissingDependency("playing needs PortAudio: on Debian and Ubuntu, apt install libportaudio2") from None
    except Exception as error:
        raise MissingDependency(f"there is no audio device ({error})") from None
    return sounddevice


@contextmanager
def _silent() -> Iterator[None]:
    """Discard what ALSA and JACK print on standard error while they look for devices."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
