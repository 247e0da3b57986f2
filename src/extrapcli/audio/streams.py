"""Open a song's bytes with the C libraries: each gets only formats it reads well, and nothing but these bytes."""

import io
import os
from fractions import Fraction
from typing import Any, BinaryIO

import av
import numpy as np
import soundfile
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from extrapcli.audio.containers import mpeg_audio_in_wav

SNDFILE_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"FORM", b"fLaC", b"OggS", b"caff", b".snd")
"""First bytes of WAV, AIFF, SVX, FLAC, Ogg, CAF and AU. No other format reaches libsndfile's rarer parsers.

Nor does W64, in which it takes the floats that FFmpeg writes for integers."""

ENCRYPTED_CODECS = ("drms", "enca", "aavd")
"""What MP4 files of shops have in the place of the codec: FairPlay, Common Encryption, Audible."""

SECTION_BUFFER_BYTES = 1 << 16


class _AnonymousStream:
    """A stream without a name, from which FFmpeg would guess the format, and whose seeks never raise."""

    def __init__(self, stream: BinaryIO) -> None:
        self.read, self.tell, self._seek = stream.read, stream.tell, stream.seek

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._seek(offset, whence)
        except (OSError, ValueError, OverflowError):  # the libraries would print the traceback instead of raising
            return -1


class _Section(io.RawIOBase):
    """A part of a stream, from `start` to before `end`, in which bytes at some positions are replaced by others."""

    def __init__(self, stream: BinaryIO, start: int, end: int, replaced: dict[int, bytes]) -> None:
        self._stream, self._start, self._end, self._replaced = stream, start, end, replaced
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._position, self._end - self._start)[whence]
        if base + offset < 0:
            raise ValueError("a position before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self._end - self._start - self._position)
        if size <= 0:  # FFmpeg may seek to where no file can have a byte
            return 0
        self._stream.seek(self._start + self._position)
        data = bytearray(self._stream.read(size))
        for position, new in self._replaced.items():
            for at, byte in enumerate(new, position - self._position):
                if 0 <= at < len(data):
                    data[at] = byte
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def section(stream: BinaryIO, start: int, end: int, replaced: dict[int, bytes] | None = None) -> BinaryIO:
    """Return a stream of the bytes from `start` to before `end`, at its beginning.

    `replaced` has other bytes, by their position.
    """
    if not start and not replaced and end == stream.seek(0, os.SEEK_END):
        stream.seek(0)
        return stream
    return io.BufferedReader(_Section(stream, start, end, replaced or {}), SECTION_BUFFER_BYTES)


def open_with_sndfile(stream: BinaryIO) -> soundfile.SoundFile | None:
    """Open a format that libsndfile knows and SNDFILE_MAGIC allows; return None for all others.

    Not MPEG audio in a WAV either: libsndfile's decoder for it prints messages.
    """
    stream.seek(0)
    if not stream.read(4).startswith(SNDFILE_MAGIC) or mpeg_audio_in_wav(stream):
        return None
    stream.seek(0)
    try:
        return soundfile.SoundFile(_AnonymousStream(stream))
    except soundfile.LibsndfileError:
        return None


def open_with_ffmpeg(
    stream: BinaryIO, format: str | None = None, *, metadata_errors: str = "replace"
) -> InputContainer | None:
    """Open a format that FFmpeg knows; return None for all others. Playlists can't open other files or addresses.

    `format` is FFmpeg's name of the format, by default the one that the content looks like. `metadata_errors` says
    how metadata that is not UTF-8 is decoded, as in `bytes.decode`.
    """
    stream.seek(0)
    try:
        return av.open(
            _AnonymousStream(stream),
            "r",
            format=format,
            options={"protocol_whitelist": "none"},
            metadata_errors=metadata_errors,
        )
    except (av.FFmpegError, ValueError):
        return None


def take_speakers(track: AudioStream) -> list[str]:
    """Return the speakers of a track's channels by its header, in the order of the file; call it before decoding.

    Unusual ones are taken out of the header: where FFmpeg has them as a list, PyAV frees that with every frame again,
    and the process crashes.
    """
    layout = track.codec_context.layout
    speakers = [channel.name for channel in layout.channels]
    if " channels (" in layout.name or "ambisonic" in layout.name:
        track.codec_context.layout = f"{len(speakers)} channels"
    return speakers


def is_encrypted(stream: BinaryIO) -> bool:
    """Return whether a file's sound can't be decoded without a key."""
    container = open_with_ffmpeg(stream)
    if container is None:
        return False
    with container:
        return any(track.codec_context.codec_tag in ENCRYPTED_CODECS for track in decodable(container))


def decodable(container: InputContainer) -> list[AudioStream]:
    """Return the streams of sound for which there is a decoder."""
    return [track for track in container.streams.audio if track.codec_context is not None]


def speakers_by_ffmpeg(stream: BinaryIO) -> list[str]:
    """Return the speakers of the first track's channels in the order of the file; nothing where FFmpeg can't say."""
    container = open_with_ffmpeg(stream)
    if container is None:
        return []
    with container:
        tracks = decodable(container)
        return take_speakers(tracks[0]) if tracks else []


def ffmpeg_frame(samples: NDArray[Any], *, sample_rate: int, position: int, layout: AudioLayout) -> av.AudioFrame:
    """Make an FFmpeg frame of `(n, channels)` samples in float32 or int32; the first is sample `position`."""
    format = "s32" if samples.dtype == np.int32 else "flt"
    packed: NDArray[Any] = samples.astype(np.int32 if format == "s32" else np.float32, order="C", copy=False)
    frame = av.AudioFrame.from_ndarray(packed.reshape(1, -1), format=format, layout=layout)
    frame.sample_rate, frame.time_base, frame.pts = sample_rate, Fraction(1, sample_rate), position
    return frame
