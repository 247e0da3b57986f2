"""Decode any audio file to a `Song`.

libsndfile reads the formats it reads best. FFmpeg reads all others, and also MPEG audio, because libsndfile's MP3
decoder prints messages to stderr. The content of a file decides which, never its name.
"""

import operator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.audio import ogg
from extrapcli.audio.channels import COMMON, layout_of, vorbis_order
from extrapcli.audio.declared_length import declared_length
from extrapcli.audio.mpeg import looks_like_mpeg, trim_to_frames
from extrapcli.audio.song import Samples, Song
from extrapcli.audio.spooled import Spool, chunks, spooled
from extrapcli.audio.streams import open_with_ffmpeg, open_with_sndfile, speakers_by_ffmpeg, take_speakers
from extrapcli.audio.tags import read_tags
from extrapcli.errors import UnreadableAudio, UsageError

SILENCE_DBFS = -90.0
MIN_RATE, MAX_RATE = 1000, 1_000_000  # Hz; beyond these, resampling could make a small file very large
MAX_AMPLITUDE = 2.0**31  # some programs write 32-bit integers as floats; squares of larger values would overflow
MAX_CHANNELS = max(COMMON)
BLOCK_SAMPLES = 1 << 16
LENGTH_TOLERANCE_SECONDS = 0.01  # containers round the length they declare, some to a millisecond

LOSSY_SUBTYPES = ("VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III")
SNDFILE_DEPTHS = {
    "PCM_U8": "u8", "PCM_S8": "s8", "DPCM_8": "s8",
    "PCM_24": "s24", "ALAC_20": "s24", "ALAC_24": "s24", "DWVW_24": "s24",
    "PCM_32": "s32", "ALAC_32": "s32",
    "FLOAT": "f32", "DOUBLE": "f64",
    **dict.fromkeys(LOSSY_SUBTYPES, "f32"),
}  # fmt: skip
"""The sample format by libsndfile's name of the encoding. All others decode to 16 bits."""

SNDFILE_FORMATS = {"WAV": "wav", "WAVEX": "wav", "RF64": "wav", "FLAC": "flac", "MP3": "mp3"}
OGG_FORMATS = {"VORBIS": "ogg", "OPUS": "opus"}
FFMPEG_FORMATS = {
    ("wav", "pcm"): "wav", ("flac", "flac"): "flac", ("mp3", "mp3"): "mp3",
    ("ogg", "vorbis"): "ogg", ("ogg", "opus"): "opus", ("mov", "aac"): "m4a",
}  # fmt: skip
"""By the first word of FFmpeg's names for the container and the codec."""


class Decoded(NamedTuple):
    """A decoder's output. `damaged`: it stopped early. `declared`: samples by the container, 0 if it says none."""

    samples: Samples
    sample_rate: int
    depth: str
    format: str | None
    damaged: bool
    declared: int
    layout: int
    lossy: bool

    @property
    def is_empty(self) -> bool:
        return not len(self.samples) and not self.damaged

    @property
    def is_short(self) -> bool:
        return len(self.samples) < self.declared


def decode(source: Path | BinaryIO, *, name: str | None = None, salvage: bool = False) -> Song:
    """Decode the first audio stream of a file, complete and sample-exact.

    `source` is a path or a seekable binary stream. `name` is what the song and errors are called, by default the name
    of the file. Encoder delay and padding are removed as far as the file declares them. `salvage` takes what can be
    decoded of a damaged file, and says in the song's notes how much is lost.

    Raises UnreadableAudio where the file doesn't exist, isn't audio, is damaged, holds less than it declares, has a
    sample rate outside 1 kHz to 1 MHz, holds NaN, infinite or absurdly large values, or nothing above -90 dBFS;
    CannotWrite where a long song finds no room in the folder for temporary files.
    """
    if not isinstance(source, Path):
        return _decode(source, name or "the input", salvage)
    name = name or source.name
    try:
        with source.open("rb") as stream:
            return _decode(stream, name, salvage)
    except FileNotFoundError:
        raise UnreadableAudio(f"{name}: no such file; check the path {source}") from None
    except (IsADirectoryError, PermissionError):
        if source.is_dir():  # for which Windows raises PermissionError
            raise UnreadableAudio(f"{name}: a folder, not a file; name a song in it") from None
        raise UnreadableAudio(f"{name}: no permission to read it; change its permissions or copy it") from None
    except OSError as error:
        raise UnreadableAudio(f"{name}: cannot be read ({error.strerror}); copy it from its source again") from None


def _decode(stream: BinaryIO, name: str, salvage: bool) -> Song:
    if stream.seek(0, 2) == 0:
        raise UnreadableAudio(f"{name}: an empty file; copy it from its source again")
    if looks_like_mpeg(stream):
        decoded = _read_with_ffmpeg(trim_to_frames(stream))
    else:
        decoded = _read_with_sndfile(stream)
        # libsndfile finds nothing in a WAV of unknown length, and skips parts of some Ogg files that are intact.
        if decoded is None or decoded.is_empty or (decoded.is_short and ogg.pages_are_intact(stream)):
            decoded = _longer(_read_with_ffmpeg(stream), decoded)
    if decoded is None:
        raise UnreadableAudio(f"{name}: not audio that can be decoded; give it a song, for example WAV, FLAC or MP3")
    _check_rate(decoded.sample_rate, name)
    _check_channels(decoded.samples.shape[1], name)
    _check_length(decoded, stream, name)
    _check_values(decoded.samples, name)
    return Song(
        name=name,
        samples=decoded.samples,
        sample_rate=decoded.sample_rate,
        depth=decoded.depth,
        format=decoded.format,
        tags=read_tags(stream),
        layout=decoded.layout,
        lossy=decoded.lossy,
    )


def song_from_samples(samples: NDArray[np.floating], sample_rate: int, name: str) -> Song:
    """Make a song from an array `(n,)` or `(n, channels)`.

    Raises UsageError for another type or shape, UnreadableAudio where the samples are empty, silent or not finite, or
    the rate is absurd.
    """
    samples = np.asarray(samples)
    try:
        sample_rate = operator.index(sample_rate)
    except TypeError:
        raise UsageError(f"a sample rate of {sample_rate!r} is not a whole number; give it in Hz, as 44100") from None
    if not np.issubdtype(samples.dtype, np.floating):
        raise UsageError(f"samples are {samples.dtype}; give floats between -1 and 1")
    if samples.ndim not in (1, 2):
        raise UsageError(f"samples have the shape {samples.shape}; give (n,) or (n, channels)")
    if samples.ndim == 2 and not 1 <= samples.shape[1] <= MAX_CHANNELS:
        raise UsageError(
            f"samples have {samples.shape[1]} channels; give (n, channels) with 1 to {MAX_CHANNELS} channels"
        )
    rows = samples[:, None] if samples.ndim == 1 else samples
    double = samples.dtype.itemsize > 4
    sound: Samples = rows.astype(np.float64, copy=False) if double else rows.astype(np.float32, copy=False)
    _check_rate(sample_rate, name)
    _check_values(sound, name)
    return Song(name, sound, sample_rate, "f64" if double else "f32", None)


def _longer(one: Decoded | None, other: Decoded | None) -> Decoded | None:
    return other if one is None or (other and len(other.samples) > len(one.samples)) else one


def _check_rate(sample_rate: int, name: str) -> None:
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise UnreadableAudio(
            f"{name}: a sample rate of {sample_rate} Hz is not supported; convert it to 8000 to 192000 Hz"
        )


def _check_channels(channels: int, name: str) -> None:
    if channels > MAX_CHANNELS:
        raise UnreadableAudio(
            f"{name}: has {channels} channels, more than {MAX_CHANNELS}; keep some or mix them down"
        )


def _check_length(decoded: Decoded, stream: BinaryIO, name: str) -> None:
    by_file = declared_length(stream)
    declared = max(by_file.samples, decoded.declared)
    seconds, declared_seconds = len(decoded.samples) / decoded.sample_rate, declared / decoded.sample_rate
    if declared_seconds - seconds > LENGTH_TOLERANCE_SECONDS:
        found = f"only {seconds:.2f} of its {declared_seconds:.2f} seconds can be decoded"
    elif decoded.damaged or by_file.cut_off:
        found = f"{seconds:.2f} seconds of it can be decoded"
    else:
        return
    raise UnreadableAudio(f"{name}: cut off or damaged, {found}; copy it from its source again")


def _check_values(samples: Samples, name: str) -> None:
    if not len(samples):
        raise UnreadableAudio(f"{name}: contains no samples; give it a song that isn't empty")
    ranges = [(chunk.min(axis=0), chunk.max(axis=0)) for chunk in chunks(samples)]
    lowest, highest = np.min([low for low, _ in ranges], axis=0), np.max([high for _, high in ranges], axis=0)
    if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
        raise UnreadableAudio(f"{name}: some samples are infinite or NaN; export it again")
    if max(-lowest.min(), highest.max()) > MAX_AMPLITUDE:
        raise UnreadableAudio(f"{name}: some samples are larger than 2^31 times full scale; export it again")
    if np.max(highest - lowest) / 2 < 10 ** (SILENCE_DBFS / 20):
        raise UnreadableAudio(f"{name}: silent from start to end; give it a song that isn't")


def _read_with_sndfile(stream: BinaryIO) -> Decoded | None:
    """Read up to the end or the first damage; return None if libsndfile doesn't know the format."""
    speakers = speakers_by_ffmpeg(stream)
    file = open_with_sndfile(stream)
    if file is None:
        return None
    damaged = False
    with file:
        depth = SNDFILE_DEPTHS.get(file.subtype, "s16")
        dtype = "float64" if depth in ("s32", "f64") else "float32"
        is_ogg = file.format == "OGG"
        layout, order = layout_of(speakers if len(speakers) == file.channels else [""] * file.channels)
        if is_ogg and (
            layout or not speakers
        ):  # FFmpeg has the speakers in WAV order, libsndfile in that of the file
            layout, order = layout or COMMON.get(file.channels, 0), vorbis_order(file.channels)
        in_order = order == sorted(order)
        spool = Spool()
        spool.add(np.empty((0, file.channels), dtype))
        try:
            while len(block := file.read(BLOCK_SAMPLES, dtype, always_2d=True)):
                spool.add(block if in_order else block[:, order])
        except soundfile.LibsndfileError:
            damaged = True
        format = OGG_FORMATS.get(file.subtype) if is_ogg else SNDFILE_FORMATS.get(file.format)
        lossy = file.subtype in LOSSY_SUBTYPES
        return Decoded(spool.array(), file.samplerate, depth, format, damaged, file.frames, layout, lossy)


def _read_with_ffmpeg(stream: BinaryIO) -> Decoded | None:
    """Read the first audio stream up to the end or the first damage; return None if there is none."""
    container = open_with_ffmpeg(stream)
    if container is None:
        return None
    with container:
        if not container.streams.audio or container.streams.audio[0].codec_context is None:
            return None
        track = container.streams.audio[0]
        speakers = take_speakers(track)
        spool = Spool()
        shape = None
        damaged = False
        end = 0
        packer: av.AudioResampler | None = None
        try:
            for packet in container.demux(track):
                if packet.pts is not None and packet.duration:
                    end = packet.pts + packet.duration
                for frame in packet.decode():
                    shape = shape or (frame.sample_rate, frame.layout.nb_channels)
                    if shape != (frame.sample_rate, frame.layout.nb_channels):
                        raise ValueError("the sample rate or the channels change midway")
                    decoded = [channel.name for channel in frame.layout.channels]
                    if "NONE" not in decoded or len(speakers) != len(decoded):
                        speakers = decoded
                    packer = packer or av.AudioResampler(format=frame.format.packed)  # to_ndarray crashes on 8 planes
                    for packed in packer.resample(frame):
                        spool.add(_packed_samples(packed))
        except (av.FFmpegError, ValueError):
            damaged = True
        if shape is None:
            return None
        codec = track.codec_context.codec
        layout, order = layout_of(speakers)
        samples, depth = _to_float(spool.array(), lossless=codec.lossless)
        if order != sorted(order):
            samples = spooled(chunk[:, order] for chunk in chunks(samples))
        container_name = container.format.name.split(",")[0]
        if container_name == "mov" and track.time_base:
            samples = samples[: round(end * track.time_base * shape[0])]  # the last frame is padded with zeros
        format = FFMPEG_FORMATS.get((container_name, codec.canonical_name.split("_")[0]))
        # FFmpeg only estimates the length of a bare stream. The index of an MP4 file declares it, counted in packets,
        # from which the encoder delay may have been removed.
        declared = 0
        if container_name == "mov" and track.time_base and track.duration:
            declared = len(samples) + round(max(0, track.duration - end) * track.time_base * shape[0])
        return Decoded(samples, shape[0], depth, format, damaged, declared, layout, not codec.lossless)


def _packed_samples(frame: av.AudioFrame) -> NDArray[Any]:
    """Return samples `(n, channels)` in the decoder's own dtype."""
    return frame.to_ndarray().reshape(-1, frame.layout.nb_channels)


def _to_float(samples: NDArray[Any], *, lossless: bool) -> tuple[Samples, str]:
    """Scale to -1 to 1 and find the depth. FFmpeg returns 24-bit samples in the upper bits of 32."""
    depth = {"uint8": "u8", "int16": "s16", "int32": "s24", "float64": "f64"}.get(samples.dtype.name, "f32")
    if depth == "s24" and any((chunk & 0xFF).any() for chunk in chunks(samples)):
        depth = "s32"
    depth = depth if lossless else "f32"
    dtype: type[np.floating] = np.float64 if depth in ("s32", "f64") else np.float32
    if samples.dtype == dtype:
        return samples, depth
    zero, full = {"uint8": (128, 2**7), "int16": (0, 2**15), "int32": (0, 2**31)}.get(samples.dtype.name, (0, 1))
    return spooled((chunk.astype(dtype) - zero) / full for chunk in chunks(samples)), depth
