"""Encode a track block by block, so that memory doesn't grow with its length."""

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import mutagen
import mutagen.flac
import numpy as np
import soundfile
from av.audio.stream import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

from extrapcli.audio import ogg
from extrapcli.audio.channels import COMMON, ffmpeg_layout, held_layout, lost_layout, vorbis_order
from extrapcli.audio.clipping import Clip, Level, choose_level, fits
from extrapcli.audio.containers import WAVE_FORMAT_EXTENSIBLE
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.lame import MP3_BITS, open_mp3
from extrapcli.audio.song import Samples, Song
from extrapcli.audio.streams import ffmpeg_frame
from extrapcli.audio.target import Target

MAX_WAV_BYTES = 2**32 - 2**16  # of samples in a plain WAV, leaving room for its header and tags
AAC_BITS_PER_CHANNEL = 96_000  # per second
HEADER_BYTES = 256  # libsndfile's chunks fmt and PEAK lie within these
CHUNK_SAMPLES = 32768  # per channel, given to an encoder at once
OGG_COMPRESSION = 0.4  # Vorbis quality 6: about 190 kbit/s in stereo
ENCODER_ERRORS = (soundfile.LibsndfileError, av.FFmpegError, mutagen.MutagenError)

_INTEGERS = {"u8": 8, "s8": 8, "s16": 16, "s24": 24, "s32": 32}
"""Bits per sample of the depths that aren't floats."""


class TrackWriter:
    """A track that is open for writing. It splits blocks into chunks: libsndfile crashes on large ones in Ogg.

    `notes` say, once the track is complete, what of the sound the format could not hold, each in a sentence.
    """

    def __init__(self, write: Callable[[Samples], None], level: Level) -> None:
        self._write, self._level = write, level
        self.notes: list[str] = []

    def write(self, block: Samples) -> None:
        """Append samples `(n, channels)`, full scale -1 to 1. Raises OSError, for example when the disk is full."""
        for start in range(0, len(block), CHUNK_SAMPLES):
            self._append(self._level.feed(block[start : start + CHUNK_SAMPLES]))

    def finish(self) -> None:
        """Append what the level still holds back, and take its notes."""
        self._append(self._level.rest())
        self.notes += self._level.notes()

    def _append(self, samples: Samples) -> None:
        if len(samples):
            self._write(samples)


@contextmanager
def open_track(
    path: Path, song: Song, *, format: str, expected_samples: int, clip: Clip = "clamp"
) -> Iterator[TrackWriter]:
    """Open a file for a track of `expected_samples` per channel that sounds like a song, at its rate.

    It is complete when the `with` block ends. WAV keeps the song's depth exactly, and so does FLAC for integers. A
    WAV of more than 4 GiB becomes RF64. Raises OSError where the file system or the encoder fails.
    """
    try:
        with encode(path, song, format=format, expected_samples=expected_samples, clip=clip) as track:
            yield track
        match format:
            case "wav":
                _correct_header(path, song)
            case "flac":
                _name_speakers(path, song)
            case "ogg" | "opus":
                ogg.reset_serial_number(path)
    except ENCODER_ERRORS as error:
        with path.open("ab") as file:  # raises what libsndfile only calls a system error, such as a full disk
            file.write(bytes(CHUNK_SAMPLES))
        raise os_error(error) from None


@contextmanager
def encode(
    target: Path | Target, song: Song, *, format: str, expected_samples: int | None, clip: Clip
) -> Iterator[TrackWriter]:
    """Encode a track into a file, or an object like one, which is flushed after each piece of sound.

    The headers lack what `open_track` corrects; an object gets a WAV's sound without header or padding.
    `expected_samples` is None where nobody knows. Raises OSError, one of `ENCODER_ERRORS`, and what `flush` raises.
    """
    bits = integer_bits(format, song)
    level = choose_level(clip, song, lossless=FORMATS[format].lossless, bits=bits)

    def flush() -> None:
        if not isinstance(target, Path):
            target.flush()

    with _open_encoder(target, format, song, bits, expected_samples) as write:

        def append(samples: Samples) -> None:
            write(samples)
            flush()

        track = TrackWriter(append, level)
        yield track
        track.finish()
    flush()
    if format == "flac" and song.depth in ("f32", "f64") and not song.lossy and not fits(song.samples, bits):
        track.notes.append(f"rounded to {bits} bits, as flac holds no floats")
    track.notes += lost_layout(format, song.layout, song.channels)


def os_error(error: Exception) -> OSError:
    """Return the OSError that stands for one of `ENCODER_ERRORS`."""
    return OSError(errno.EIO, getattr(error, "strerror", None) or str(error).removeprefix("Error : ").rstrip("."))


def write_song(path: Path, song: Song, *, format: str) -> list[str]:
    """Write a song as it is, as `open_track` does, and return the notes of the track."""
    with open_track(path, song, format=format, expected_samples=len(song.samples)) as track:
        track.write(song.samples)
    return track.notes


def integer_bits(format: str, song: Song) -> int:
    """Return how many bits the integers have that a format keeps for a song, 0 where it keeps floats."""
    match format:
        case "wav":
            return _INTEGERS.get(song.depth, 0)
        case "flac":
            bits = _INTEGERS.get(song.depth, 24)
            return 24 if bits == 32 and fits(song.samples, 24) else bits
        case "mp3":
            return MP3_BITS
        case _:
            return 0


def to_integers(samples: Samples, bits: int) -> NDArray[Any]:
    """Quantize to `bits` bits, in the upper bits of int16 or int32; the inverse of dividing by `2**(bits - 1)`."""
    dtype = np.int16 if bits <= 16 else np.int32
    full_scale = 2 ** (bits - 1)
    exact = samples.astype(np.float64) if bits > 24 else samples
    values: NDArray[np.int32] = np.clip(np.rint(exact * full_scale), -full_scale, full_scale - 1).astype(np.int32)
    return np.left_shift(values, 8 * dtype().itemsize - bits).astype(dtype, copy=False)


def _open_encoder(
    target: Path | Target, format: str, song: Song, bits: int, expected_samples: int | None
) -> AbstractContextManager[Callable[[Samples], None]]:
    match format:
        case "mp3":
            return _open_mp3(target, song, expected_samples)
        case "m4a":
            return _open_m4a(target, song)
        case "flac" if bits == 32:
            return _open_deep_flac(target, song)
        case _:
            return _open_soundfile(target, format, song, bits, expected_samples)


@contextmanager
def _open_soundfile(
    target: Path | Target, format: str, song: Song, bits: int, expected_samples: int | None
) -> Iterator[Callable[[Samples], None]]:
    container = {"wav": "WAVEX" if song.layout else "WAV", "flac": "FLAC", "ogg": "OGG", "opus": "OGG"}[format]
    if bits:
        subtype = {("wav", 8): "PCM_U8", ("flac", 8): "PCM_S8"}.get((format, bits), f"PCM_{bits}")
    else:
        subtype = {"ogg": "VORBIS", "opus": "OPUS"}.get(format, "DOUBLE" if song.depth == "f64" else "FLOAT")
    if format == "wav" and (expected_samples or 0) * song.channels * (bits // 8 or 8) > MAX_WAV_BYTES:
        container = "RF64"
    endian = None
    if format == "wav" and not isinstance(target, Path):
        container, endian = "RAW", "LITTLE"
    quality = OGG_COMPRESSION if format == "ogg" else None
    with soundfile.SoundFile(
        target,
        "w",
        song.sample_rate,
        song.channels,
        subtype=subtype,
        endian=endian,
        format=container,
        compression_level=quality,
    ) as file:
        if container == "OGG":
            order = np.argsort(vorbis_order(song.channels))
            yield lambda samples: file.write(samples[:, order])
        else:
            yield lambda samples: file.write(to_integers(samples, bits) if bits else samples)


def _correct_header(path: Path, song: Song) -> None:
    """Clear the time that libsndfile stores in float WAVs, so that the same samples give the same bytes.

    And name the speakers in an extensible header, for which libsndfile only guesses them.
    """
    with path.open("r+b") as file:
        header = file.read(HEADER_BYTES)
        peak, form = header.find(b"PEAK"), header.find(b"fmt ")
        if peak >= 0:
            file.seek(peak + 12)
            file.write(bytes(4))
        if header[form + 8 : form + 10] == WAVE_FORMAT_EXTENSIBLE:
            file.seek(form + 28)
            file.write((song.layout or (COMMON[song.channels] if song.channels <= 2 else 0)).to_bytes(4, "little"))


def _name_speakers(path: Path, song: Song) -> None:
    """Name the speakers in a FLAC file (RFC 9639, 8.6.2)."""
    if held_layout("flac", song.layout, song.channels) == song.layout != 0:
        flac = mutagen.flac.FLAC(path)
        flac["WAVEFORMATEXTENSIBLE_CHANNEL_MASK"] = f"0x{song.layout:04X}"
        flac.save()


@contextmanager
def _open_deep_flac(target: Path | Target, song: Song) -> Iterator[Callable[[Samples], None]]:
    """Encode 32 bits, which libsndfile can't."""
    options = {"fflags": "+bitexact", "flush_packets": "1"}
    with av.open(_for_ffmpeg(target), "w", format="flac", options=options) as container:
        stream = container.add_stream("flac", rate=song.sample_rate)
        stream.options = {"strict": "experimental"}  # what FFmpeg calls more than 24 bits
        stream.format, stream.layout = "s32", ffmpeg_layout(song.layout, song.channels)
        with _muxer(container, stream, song) as write:
            yield lambda samples: write(to_integers(samples, 32))


@contextmanager
def _open_mp3(target: Path | Target, song: Song, expected_samples: int | None) -> Iterator[Callable[[Samples], None]]:
    with (
        target.open("wb") if isinstance(target, Path) else nullcontext(target) as file,
        open_mp3(file, song.sample_rate, song.channels, expected_samples) as write,
    ):
        yield lambda samples: write(to_integers(samples, MP3_BITS))


@contextmanager
def _open_m4a(target: Path | Target, song: Song) -> Iterator[Callable[[Samples], None]]:
    index_first = {"movflags": "faststart"} if isinstance(target, Path) else {}  # so that it can be read from a pipe
    with av.open(_for_ffmpeg(target), "w", format="ipod", options=index_first) as container:
        stream = container.add_stream("aac", rate=song.sample_rate)
        stream.layout = ffmpeg_layout(held_layout("m4a", song.layout, song.channels), song.channels)
        stream.bit_rate = AAC_BITS_PER_CHANNEL * song.channels
        with _muxer(container, stream, song) as write:
            yield write


def _for_ffmpeg(target: Path | Target) -> str | Target:
    return str(target) if isinstance(target, Path) else target


@contextmanager
def _muxer(container: OutputContainer, stream: AudioStream, song: Song) -> Iterator[Callable[[NDArray[Any]], None]]:
    """Give a function that encodes samples, for as long as the block lasts, into a stream that is set up."""
    stream.time_base = Fraction(1, song.sample_rate)
    position = 0

    def write(samples: NDArray[Any]) -> None:
        nonlocal position
        frame = ffmpeg_frame(samples, sample_rate=song.sample_rate, position=position, layout=stream.layout)
        container.mux(stream.encode(frame))
        position += len(samples)

    yield write
    container.mux(stream.encode(None))
