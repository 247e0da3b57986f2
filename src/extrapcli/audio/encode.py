"""Encode a track block by block, so that memory doesn't grow with its length."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import lameenc
import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.audio import ogg
from extrapcli.audio.channels import FFMPEG_LAYOUTS, vorbis_order
from extrapcli.audio.mpeg import parse_header, xing_frame
from extrapcli.audio.song import Samples
from extrapcli.audio.streams import ffmpeg_frame

MAX_WAV_BYTES = 2**32 - 2**16  # of samples in a plain WAV, leaving room for its header and tags
AAC_BITS_PER_CHANNEL = 96_000  # per second
PEAK_WITHIN_BYTES = 128  # libsndfile's PEAK chunk begins within these
CHUNK_SAMPLES = 32768  # per channel, given to an encoder at once
OGG_COMPRESSION = 0.4  # Vorbis quality 6: about 190 kbit/s in stereo
MP3_VBR_QUALITY = 4  # LAME's V4, libsndfile's default: about 150 kbit/s in stereo
MP3_ALGORITHM_QUALITY = 5  # LAME's -q: 3 and below take longer and change little
MP3_DELAY = 576  # samples of padding that LAME adds before the audio
MP3_MIN_PADDING = 576  # and at least after it

_SUBTYPES = {
    "wav": {"u8": "PCM_U8", "s8": "PCM_U8", "s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f64": "DOUBLE"},
    "flac": {"u8": "PCM_S8", "s8": "PCM_S8", "s16": "PCM_16"},
}
_DEFAULT_SUBTYPE = {"wav": "FLOAT", "flac": "PCM_24", "ogg": "VORBIS", "opus": "OPUS"}
_INTEGER_SUBTYPES = {"PCM_U8": (8, "int16"), "PCM_S8": (8, "int16"), "PCM_16": (16, "int16"), "PCM_24": (24, "int32"),
                     "PCM_32": (32, "int32")}  # fmt: skip
"""Bits per sample, and the dtype to hand to libsndfile."""


Clip = Literal["clamp", "limit", "rescale"]
"""For samples beyond full scale in a format of integers: cut them off, turn down that moment, or the whole track."""


class TrackWriter:
    """A track that is open for writing. It splits blocks into chunks: libsndfile crashes on large ones in Ogg.

    `notes` say, once the track is complete, what of the sound the format could not hold, each in a sentence.
    """

    def __init__(self, write: Callable[[Samples], None]) -> None:
        self._write = write
        self.notes: list[str] = []

    def write(self, block: Samples) -> None:
        """Append samples `(n, channels)`, full scale -1 to 1. Raises OSError, for example when the disk is full."""
        for start in range(0, len(block), CHUNK_SAMPLES):
            self._write(block[start : start + CHUNK_SAMPLES])


@contextmanager
def open_track(
    path: Path,
    *,
    format: str,
    sample_rate: int,
    channels: int,
    depth: str,
    expected_samples: int,
    clip: Clip = "clamp",
) -> Iterator[TrackWriter]:
    """Open a file for a track of `expected_samples` per channel. It is complete when the `with` block ends.

    `depth` is the song's. WAV keeps it exactly, and so does FLAC up to 24 bits. A WAV of more than 4 GiB becomes
    RF64. Raises OSError where the file system or the encoder fails.
    """
    opener: Callable[..., Any] = {"mp3": _open_mp3, "m4a": _open_m4a}.get(format, _open_soundfile)
    try:
        with opener(path, format, sample_rate, channels, depth, expected_samples) as write:
            yield TrackWriter(write)
    except (soundfile.LibsndfileError, av.FFmpegError) as error:
        with path.open("ab") as file:  # raises what libsndfile only calls a system error, such as a full disk
            file.write(bytes(CHUNK_SAMPLES))
        reason = getattr(error, "strerror", None) or str(error).removeprefix("Error : ").rstrip(".")
        raise OSError(errno.EIO, reason) from None


def write_samples(path: Path, samples: Samples, *, format: str, sample_rate: int, depth: str) -> None:
    """Write a track whose samples `(n, channels)` are all there, as `open_track` does."""
    with open_track(
        path,
        format=format,
        sample_rate=sample_rate,
        channels=samples.shape[1],
        depth=depth,
        expected_samples=len(samples),
    ) as track:
        track.write(samples)


def _to_integers(samples: Samples, bits: int, dtype: str) -> NDArray[Any]:
    """Quantize to `bits` bits, in the upper bits of `dtype`; the inverse of dividing by `2**(bits - 1)`."""
    full_scale = 2 ** (bits - 1)
    exact = samples.astype(np.float64) if bits > 24 else samples
    values: NDArray[np.int32] = np.clip(np.rint(exact * full_scale), -full_scale, full_scale - 1).astype(np.int32)
    return np.left_shift(values, np.dtype(dtype).itemsize * 8 - bits).astype(dtype, copy=False)


@contextmanager
def _open_soundfile(
    path: Path, format: str, sample_rate: int, channels: int, depth: str, expected_samples: int
) -> Iterator[Callable[[Samples], None]]:
    subtype = _SUBTYPES.get(format, {}).get(depth) or _DEFAULT_SUBTYPE[format]
    container = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "opus": "OGG"}[format]
    bits, dtype = _INTEGER_SUBTYPES.get(subtype, (0, ""))
    if format == "wav" and expected_samples * channels * (bits // 8 or 8) > MAX_WAV_BYTES:
        container = "RF64"
    quality = OGG_COMPRESSION if format == "ogg" else None
    with soundfile.SoundFile(
        path, "w", sample_rate, channels, subtype=subtype, format=container, compression_level=quality
    ) as file:
        if container == "OGG":
            order = np.argsort(vorbis_order(channels))
            yield lambda samples: file.write(samples[:, order])
        else:
            yield lambda samples: file.write(_to_integers(samples, bits, dtype) if bits else samples)
    if container == "WAV":
        _clear_timestamp(path)
    if container == "OGG":
        ogg.reset_serial_number(path)


def _clear_timestamp(path: Path) -> None:
    """Clear the time that libsndfile stores in float WAVs, so that the same samples give the same bytes."""
    with path.open("r+b") as file:
        peak = file.read(PEAK_WITHIN_BYTES).find(b"PEAK")
        if peak >= 0:
            file.seek(peak + 12)
            file.write(bytes(4))


@contextmanager
def _open_mp3(
    path: Path, format: str, sample_rate: int, channels: int, depth: str, expected_samples: int
) -> Iterator[Callable[[Samples], None]]:
    # PyAV has LAME, too, but takes three times as long for the same sound: benchmarks/mp3.py
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_in_sample_rate(sample_rate)
    encoder.set_out_sample_rate(sample_rate)
    encoder.set_channels(channels)
    encoder.set_quality(MP3_ALGORITHM_QUALITY)
    encoder.set_vbr(4)  # vbr_mtrh, LAME's default algorithm
    encoder.set_vbr_quality(MP3_VBR_QUALITY)
    with path.open("wb") as file:
        samples_in, size, first = 0, 0, b""

        def append(data: bytes) -> None:
            nonlocal size, first
            if data and not first:
                first = data[:4]
                size = file.write(xing_frame(first, frames=0, size=0, delay=0, padding=0))
            size += file.write(data)

        def write(samples: Samples) -> None:
            nonlocal samples_in
            samples_in += len(samples)
            append(bytes(encoder.encode(_to_integers(samples, 16, "int16").tobytes())))

        yield write
        append(bytes(encoder.flush()))
        header = parse_header(first)
        assert header is not None, "LAME writes MPEG audio"
        per_frame = header.samples
        padding = per_frame - (samples_in + MP3_DELAY) % per_frame
        if padding < MP3_MIN_PADDING:
            padding += per_frame
        frames = (samples_in + MP3_DELAY + padding) // per_frame
        file.seek(0)
        file.write(xing_frame(first, frames=frames, size=size, delay=MP3_DELAY, padding=padding))


@contextmanager
def _open_m4a(
    path: Path, format: str, sample_rate: int, channels: int, depth: str, expected_samples: int
) -> Iterator[Callable[[Samples], None]]:
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=sample_rate)
        stream.layout = FFMPEG_LAYOUTS[channels]
        stream.bit_rate = AAC_BITS_PER_CHANNEL * channels
        stream.time_base = Fraction(1, sample_rate)
        position = 0

        def write(samples: Samples) -> None:
            nonlocal position
            container.mux(stream.encode(ffmpeg_frame(samples, sample_rate=sample_rate, position=position)))
            position += len(samples)

        yield write
        container.mux(stream.encode(None))
