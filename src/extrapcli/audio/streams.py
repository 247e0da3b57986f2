"""Open a song's bytes with the C libraries: each gets only formats it reads well, and nothing but these bytes."""

from fractions import Fraction
from typing import Any, BinaryIO

import av
import numpy as np
import soundfile
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

SNDFILE_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b"fLaC", b"OggS", b"caff", b".snd")
"""First bytes of WAV, W64, AIFF, SVX, FLAC, Ogg, CAF and AU. No other format reaches libsndfile's rarer parsers."""


class _AnonymousStream:
    """A stream without a name, from which FFmpeg would guess the format, and whose seeks never raise."""

    def __init__(self, stream: BinaryIO) -> None:
        self.read, self.tell, self._seek = stream.read, stream.tell, stream.seek

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._seek(offset, whence)
        except (OSError, ValueError, OverflowError):  # the libraries would print the traceback instead of raising
            return -1


def open_with_sndfile(stream: BinaryIO) -> soundfile.SoundFile | None:
    """Open a format that libsndfile knows and SNDFILE_MAGIC allows; return None for all others."""
    stream.seek(0)
    if not stream.read(4).startswith(SNDFILE_MAGIC):
        return None
    stream.seek(0)
    try:
        return soundfile.SoundFile(_AnonymousStream(stream))
    except soundfile.LibsndfileError:
        return None


def open_with_ffmpeg(stream: BinaryIO) -> InputContainer | None:
    """Open a format that FFmpeg knows; return None for all others. Playlists can't open other files or addresses."""
    stream.seek(0)
    try:
        return av.open(
            _AnonymousStream(stream), "r", options={"protocol_whitelist": "none"}, metadata_errors="replace"
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


def speakers_by_ffmpeg(stream: BinaryIO) -> list[str]:
    """Return the speakers of the first track's channels in the order of the file; nothing where FFmpeg can't say."""
    container = open_with_ffmpeg(stream)
    if container is None:
        return []
    with container:
        tracks = [track for track in container.streams.audio if track.codec_context]
        return take_speakers(tracks[0]) if tracks else []


def ffmpeg_frame(samples: NDArray[Any], *, sample_rate: int, position: int, layout: AudioLayout) -> av.AudioFrame:
    """Make an FFmpeg frame of `(n, channels)` samples in float32 or int32; the first is sample `position`."""
    format = "s32" if samples.dtype == np.int32 else "flt"
    packed: NDArray[Any] = samples.astype(np.int32 if format == "s32" else np.float32, order="C", copy=False)
    frame = av.AudioFrame.from_ndarray(packed.reshape(1, -1), format=format, layout=layout)
    frame.sample_rate, frame.time_base, frame.pts = sample_rate, Fraction(1, sample_rate), position
    return frame
