"""A song's bytes, handed to libraries in C: only what they read well, and nothing but these bytes."""

from typing import BinaryIO

import av
import soundfile
from av.container import InputContainer

SNDFILE_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b"fLaC", b"OggS", b"caff", b".snd")
"""How WAV, W64, AIFF, SVX, FLAC, Ogg, CAF and AU begin: nothing else reaches libsndfile and its rarer parsers."""


class _Bytes:
    """A stream without its name, from which FFmpeg would guess what is in it, and with seeks that do not raise."""

    def __init__(self, stream: BinaryIO) -> None:
        self.read, self.tell, self._seek = stream.read, stream.tell, stream.seek

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._seek(offset, whence)
        except (OSError, ValueError, OverflowError):  # the traceback would be printed, not raised
            return -1


def open_with_sndfile(stream: BinaryIO) -> soundfile.SoundFile | None:
    """Open what libsndfile knows and SNDFILE_MAGIC allows; None for the rest."""
    stream.seek(0)
    if not stream.read(4).startswith(SNDFILE_MAGIC):
        return None
    stream.seek(0)
    try:
        return soundfile.SoundFile(_Bytes(stream))
    except soundfile.LibsndfileError:
        return None


def open_with_ffmpeg(stream: BinaryIO) -> InputContainer | None:
    """Open what FFmpeg knows; None for the rest. A playlist among it opens no other file, and no address."""
    stream.seek(0)
    try:
        return av.open(_Bytes(stream), "r", options={"protocol_whitelist": "none"}, metadata_errors="replace")
    except (av.FFmpegError, ValueError):
        return None
