"""Open a song's bytes with the C libraries: each gets only formats it reads well, and nothing but these bytes."""

from fractions import Fraction
from typing import BinaryIO

import av
import numpy as np
import soundfile
from av.container import InputContainer

from extrapcli.audio.channels import FFMPEG_LAYOUTS
from extrapcli.audio.song import Samples

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


def open_with_ffmpeg(stream: BinaryIO, *, metadata_errors: str = "replace") -> InputContainer | None:
    """Open a format that FFmpeg knows; return None for all others. Playlists can't open other files or addresses.

    `metadata_errors` says how metadata that is not UTF-8 is decoded, as in `bytes.decode`.
    """
    stream.seek(0)
    try:
        return av.open(
            _AnonymousStream(stream), "r", options={"protocol_whitelist": "none"}, metadata_errors=metadata_errors
        )
    except (av.FFmpegError, ValueError):
        return None


def ffmpeg_frame(samples: Samples, *, sample_rate: int, position: int) -> av.AudioFrame:
    """Make an FFmpeg frame of `(n, channels)` samples in float32, of which the first is sample `position`."""
    packed = np.ascontiguousarray(samples, dtype=np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=FFMPEG_LAYOUTS[samples.shape[1]])
    frame.sample_rate, frame.time_base, frame.pts = sample_rate, Fraction(1, sample_rate), position
    return frame
