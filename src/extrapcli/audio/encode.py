"""A track to a file, block by block, so that memory does not grow with its length."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import lameenc
import numpy as np
import soundfile
from mutagen.ogg import OggPage
from numpy.typing import NDArray

from extrapcli.audio.channels import LAYOUTS, vorbis_order
from extrapcli.audio.mpeg import info_frame, parse_header
from extrapcli.audio.song import Samples

WAV_LIMIT = 2**32 - 2**16  # bytes of sound that a plain WAV holds, with room for its header and tags
AAC_BITS_PER_CHANNEL = 96_000  # per second
HEADER_BYTES = 128
PIECE = 32768  # samples per channel handed to an encoder at once
OGG_COMPRESSION = 0.4  # Vorbis quality 6, about 190 kbit/s in stereo, for a song that was encoded before
MP3_VBR_QUALITY = 4  # LAME's V4, which is what libsndfile writes by default: about 150 kbit/s in stereo
MP3_EFFORT = 5  # LAME's -q; 3 and below take longer and change little
MP3_DELAY = 576  # samples of padding that LAME puts before the sound
MP3_MIN_PADDING = 576  # and, at the least, behind it

_SUBTYPES = {
    "wav": {"u8": "PCM_U8", "s8": "PCM_U8", "s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f64": "DOUBLE"},
    "flac": {"u8": "PCM_S8", "s8": "PCM_S8", "s16": "PCM_16"},
}
_LARGEST_SUBTYPE = {"wav": "FLOAT", "flac": "PCM_24"}
_INTEGERS = {"PCM_U8": (8, "int16"), "PCM_S8": (8, "int16"), "PCM_16": (16, "int16"), "PCM_24": (24, "int32"),
             "PCM_32": (32, "int32")}  # fmt: skip


class TrackWriter(Protocol):
    def write(self, block: Samples) -> None:
        """Append `(n, channels)`, any n, full scale -1 to 1. Raises OSError, for want of room, say."""
        ...


@contextmanager
def open_track(
    path: Path, *, format: str, sample_rate: int, channels: int, depth: str, expected_samples: int
) -> Iterator[TrackWriter]:
    """Open a file for a track of `expected_samples`; it is complete when the block ends.

    `depth` is the song's: WAV keeps it and FLAC keeps up to 24 bits of it, sample for sample. WAV of more
    than 4 GiB becomes RF64. Raises OSError where the file system or the encoder refuses.
    """
    opener: Callable[..., Any] = {"mp3": _open_mp3, "m4a": _open_m4a}.get(format, _open_soundfile)
    try:
        with opener(path, format, sample_rate, channels, depth, expected_samples) as write:
            yield _Track(write)
    except (soundfile.LibsndfileError, av.FFmpegError) as error:
        with path.open("ab") as file:  # raises what libsndfile calls a system error, such as a disk that is full
            file.write(bytes(PIECE))
        reason = getattr(error, "strerror", None) or str(error).removeprefix("Error : ").rstrip(".")
        raise OSError(errno.EIO, reason) from None


class _Track:
    """Hands blocks on in small pieces: libsndfile crashes on large ones in Ogg."""

    def __init__(self, write: Callable[[Samples], None]) -> None:
        self._write = write

    def write(self, block: Samples) -> None:
        for start in range(0, len(block), PIECE):
            self._write(block[start : start + PIECE])


def _to_integers(samples: Samples, bits: int, dtype: str) -> NDArray[Any]:
    """Integers of `bits` bits in the upper bits of `dtype`; the inverse of dividing by `2**(bits - 1)`."""
    full = 2 ** (bits - 1)
    exact = samples.astype(np.float64) if bits > 24 else samples
    values: NDArray[np.int32] = np.clip(np.rint(exact * full), -full, full - 1).astype(np.int32)
    return np.left_shift(values, np.dtype(dtype).itemsize * 8 - bits).astype(dtype, copy=False)


@contextmanager
def _open_soundfile(
    path: Path, format: str, sample_rate: int, channels: int, depth: str, expected_samples: int
) -> Iterator[Callable[[Samples], None]]:
    subtype = _SUBTYPES.get(format, {}).get(depth) or _LARGEST_SUBTYPE.get(format)
    container = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "opus": "OGG"}[format]
    if format in ("ogg", "opus"):
        subtype = {"ogg": "VORBIS", "opus": "OPUS"}[format]
    bits, dtype = _INTEGERS.get(subtype or "", (0, ""))
    if format == "wav" and expected_samples * channels * (bits // 8 or 8) > WAV_LIMIT:
        container = "RF64"
    quality = OGG_COMPRESSION if format == "ogg" else None
    with soundfile.SoundFile(
        path, "w", sample_rate, channels, subtype=subtype, format=container, compression_level=quality
    ) as file:
        if format in ("ogg", "opus"):
            order = np.argsort(vorbis_order(channels))
            yield lambda samples: file.write(samples[:, order])
        else:
            yield lambda samples: file.write(_to_integers(samples, bits, dtype) if bits else samples)
    if container == "WAV":
        _forget_time(path)
    if container == "OGG":
        _number_stream(path)


def _forget_time(path: Path) -> None:
    """Clear the time of writing that libsndfile leaves in a float WAV: the same song gives the same bytes."""
    with path.open("r+b") as file:
        peak = file.read(HEADER_BYTES).find(b"PEAK")
        if peak >= 0:
            file.seek(peak + 12)
            file.write(bytes(4))


def _number_stream(path: Path) -> None:
    """Give an Ogg stream, which libsndfile numbers at random, the number 1: the same song gives the same bytes."""
    with path.open("r+b") as file:
        while True:
            begin = file.tell()
            try:
                page = OggPage(file)
            except EOFError:
                return
            page.serial = 1
            file.seek(begin)
            file.write(page.write())


@contextmanager
def _open_mp3(
    path: Path, format: str, sample_rate: int, channels: int, depth: str, expected_samples: int
) -> Iterator[Callable[[Samples], None]]:
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_in_sample_rate(sample_rate)
    encoder.set_out_sample_rate(sample_rate)
    encoder.set_channels(channels)
    encoder.set_quality(MP3_EFFORT)
    encoder.set_vbr(4)
    encoder.set_vbr_quality(MP3_VBR_QUALITY)
    with path.open("wb") as file:
        samples_in, size, first = 0, 0, b""

        def put(data: bytes) -> None:
            nonlocal size, first
            if data and not first:
                first = data[:4]
                size = file.write(info_frame(first, frames=0, size=0, delay=0, padding=0))
            size += file.write(data)

        def write(samples: Samples) -> None:
            nonlocal samples_in
            samples_in += len(samples)
            put(bytes(encoder.encode(_to_integers(samples, 16, "int16").tobytes())))

        yield write
        put(bytes(encoder.flush()))
        header = parse_header(first)
        assert header is not None, "LAME writes MPEG audio"
        per_frame = header.samples
        padding = per_frame - (samples_in + MP3_DELAY) % per_frame
        if padding < MP3_MIN_PADDING:
            padding += per_frame
        frames = (samples_in + MP3_DELAY + padding) // per_frame
        file.seek(0)
        file.write(info_frame(first, frames=frames, size=size, delay=MP3_DELAY, padding=padding))


@contextmanager
def _open_m4a(
    path: Path, format: str, sample_rate: int, channels: int, depth: str, expected_samples: int
) -> Iterator[Callable[[Samples], None]]:
    layout = LAYOUTS[channels]
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=sample_rate)
        stream.layout = layout
        stream.bit_rate = AAC_BITS_PER_CHANNEL * channels
        stream.time_base = Fraction(1, sample_rate)
        position = 0

        def write(samples: Samples) -> None:
            nonlocal position
            packed = np.ascontiguousarray(samples, dtype=np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate = sample_rate
            frame.time_base = stream.time_base
            frame.pts = position
            position += len(samples)
            container.mux(stream.encode(frame))

        yield write
        container.mux(stream.encode(None))
