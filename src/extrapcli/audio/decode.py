"""Any audio file to a song.

libsndfile reads the formats that it reads best; FFmpeg reads the rest, and MPEG audio, for which libsndfile would
print the decoder's own remarks on stderr. What the bytes are decides, never what the file is called.
"""

from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.channels import vorbis_order
from extrapcli.audio.declared_length import declared_length, ogg_is_intact, starts_like_mpeg, without_junk
from extrapcli.audio.song import Samples, Song
from extrapcli.audio.spooled import Spool, pieces, spooled
from extrapcli.audio.streams import open_with_ffmpeg, open_with_sndfile
from extrapcli.audio.tags import read_tags
from extrapcli.errors import UnreadableAudio

SILENCE_DBFS = -90.0
LOWEST_RATE, HIGHEST_RATE = 1000, 1_000_000  # Hz; beyond them a small file would become very large at another rate
LOUDEST = 2.0**31  # some programs write 32-bit integers as floats; the squares of what is beyond would overflow
BLOCK_SAMPLES = 1 << 16
WORTH_MENTIONING_SECONDS = 0.01  # containers round the length they declare, some to a millisecond

SNDFILE_DEPTHS = {
    "PCM_U8": "u8", "PCM_S8": "s8", "DPCM_8": "s8",
    "PCM_24": "s24", "ALAC_20": "s24", "ALAC_24": "s24", "DWVW_24": "s24",
    "PCM_32": "s32", "ALAC_32": "s32",
    "FLOAT": "f32", "DOUBLE": "f64",
    "VORBIS": "f32", "OPUS": "f32", "MPEG_LAYER_I": "f32", "MPEG_LAYER_II": "f32", "MPEG_LAYER_III": "f32",
}  # fmt: skip
"""By libsndfile's name of the encoding; every other is 16 bits wide once decoded."""

SNDFILE_FORMATS = {"WAV": "wav", "WAVEX": "wav", "RF64": "wav", "FLAC": "flac", "MP3": "mp3"}
OGG_FORMATS = {"VORBIS": "ogg", "OPUS": "opus"}
FFMPEG_FORMATS = {
    ("wav", "pcm"): "wav", ("flac", "flac"): "flac", ("mp3", "mp3"): "mp3",
    ("ogg", "vorbis"): "ogg", ("ogg", "opus"): "opus", ("mov", "aac"): "m4a",
}  # fmt: skip
"""By the first word of FFmpeg's names of the container and of the codec."""


class Sound(NamedTuple):
    """What a decoder gave: `damaged` if it stopped early, `declared` samples by the container, 0 if unsaid."""

    samples: Samples
    sample_rate: int
    depth: str
    format: str | None
    damaged: bool
    declared: int

    @property
    def empty(self) -> bool:
        return not len(self.samples) and not self.damaged

    @property
    def short(self) -> bool:
        return len(self.samples) < self.declared


def decode(source: Path | BinaryIO, *, name: str | None = None) -> Song:
    """Decode the first sound of a file, whole and exact.

    `source` is a path or a seekable binary stream; `name` is what to call it in the song and in errors,
    by default the name of the file. Decoder delay and padding are removed as far as the file tells them.

    Raises UnreadableAudio when there is no such file, when it is no audio, is damaged, holds less sound
    than it declares, has a rate that no sound has, holds values that are no numbers or beyond any loudness, or
    nothing louder than -90 dBFS; CannotWrite when a long one finds no room in the folder for temporary files.
    """
    if not isinstance(source, Path):
        return _decode(source, name or "the input")
    name = name or source.name
    try:
        with source.open("rb") as stream:
            return _decode(stream, name)
    except FileNotFoundError:
        raise UnreadableAudio(f"{name}: no such file; check the path {source}") from None
    except IsADirectoryError:
        raise UnreadableAudio(f"{name}: a folder, not a file; name a song in it") from None
    except PermissionError:
        raise UnreadableAudio(f"{name}: no permission to read it; change that, or copy the file") from None
    except OSError as error:
        raise UnreadableAudio(f"{name}: cannot be read ({error.strerror}); copy it from its source again") from None


def _decode(stream: BinaryIO, name: str) -> Song:
    if stream.seek(0, 2) == 0:
        raise UnreadableAudio(f"{name}: an empty file; copy it from its source again")
    if starts_like_mpeg(stream):
        sound = _read_with_ffmpeg(without_junk(stream))
    else:
        sound = _read_with_sndfile(stream)
        # libsndfile finds nothing in a WAV of unknown length, and passes over parts of Ogg files that are whole.
        if sound is None or sound.empty or (sound.short and ogg_is_intact(stream)):
            sound = _fuller(_read_with_ffmpeg(stream), sound)
    if sound is None:
        raise UnreadableAudio(f"{name}: not audio that can be decoded; give it a song, for example WAV, FLAC or MP3")
    _check_rate(sound.sample_rate, name)
    _check_whole(sound, stream, name)
    _check_values(sound.samples, name)
    return Song(
        name=name,
        samples=sound.samples,
        sample_rate=sound.sample_rate,
        depth=sound.depth,
        format=sound.format,
        tags=read_tags(stream),
    )


def check_samples(samples: Samples, sample_rate: int, name: str) -> None:
    """Raise UnreadableAudio where sound `(n, channels)` has no sensible rate, or is empty, silent or not finite."""
    _check_rate(sample_rate, name)
    _check_values(samples, name)


def _check_rate(sample_rate: int, name: str) -> None:
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise UnreadableAudio(f"{name}: has {sample_rate} samples a second; convert it to 8000 to 192000")


def _fuller(sound: Sound | None, other: Sound | None) -> Sound | None:
    return other if sound is None or (other and len(other.samples) > len(sound.samples)) else sound


def _check_whole(sound: Sound, stream: BinaryIO, name: str) -> None:
    claim = declared_length(stream)
    declared = max(claim.samples, sound.declared)
    seconds, declared_seconds = len(sound.samples) / sound.sample_rate, declared / sound.sample_rate
    if declared_seconds - seconds > WORTH_MENTIONING_SECONDS:
        found = f"only {seconds:.2f} of its {declared_seconds:.2f} seconds can be decoded"
    elif sound.damaged or claim.cut_off:
        found = f"{seconds:.2f} seconds of it can be decoded"
    else:
        return
    raise UnreadableAudio(f"{name}: cut off or damaged, {found}; copy it from its source again")


def _check_values(samples: Samples, name: str) -> None:
    if not len(samples):
        raise UnreadableAudio(f"{name}: holds no samples; give it a song with sound in it")
    ranges = [(piece.min(axis=0), piece.max(axis=0)) for piece in pieces(samples)]
    lowest, highest = np.min([low for low, _ in ranges], axis=0), np.max([high for _, high in ranges], axis=0)
    if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
        raise UnreadableAudio(f"{name}: some samples are infinite or no numbers; export it again")
    if max(-lowest.min(), highest.max()) > LOUDEST:
        raise UnreadableAudio(f"{name}: some samples are beyond any loudness; export it again")
    if np.max(highest - lowest) / 2 < 10 ** (SILENCE_DBFS / 20):
        raise UnreadableAudio(f"{name}: silent from start to end; give it a song with sound in it")


def _read_with_sndfile(stream: BinaryIO) -> Sound | None:
    """Read until the end or the first damage; None if libsndfile does not know the file."""
    file = open_with_sndfile(stream)
    if file is None:
        return None
    damaged = False
    with file:
        depth = SNDFILE_DEPTHS.get(file.subtype, "s16")
        dtype = "float64" if depth in ("s32", "f64") else "float32"
        ogg = file.format == "OGG"
        order = vorbis_order(file.channels) if ogg else slice(None)
        samples = Spool()
        samples.add(np.empty((0, file.channels), dtype))
        try:
            while len(block := file.read(BLOCK_SAMPLES, dtype, always_2d=True)):
                samples.add(block[:, order])
        except soundfile.LibsndfileError:
            damaged = True
        format = OGG_FORMATS.get(file.subtype) if ogg else SNDFILE_FORMATS.get(file.format)
        return Sound(samples.whole(), file.samplerate, depth, format, damaged, file.frames)


def _read_with_ffmpeg(stream: BinaryIO) -> Sound | None:
    """Read the first audio stream until the end or the first damage; None if there is none."""
    container = open_with_ffmpeg(stream)
    if container is None:
        return None
    with container:
        if not container.streams.audio or container.streams.audio[0].codec_context is None:
            return None
        track = container.streams.audio[0]
        decoded = Spool()
        shape = None
        damaged = False
        end = 0
        pack: av.AudioResampler | None = None
        try:
            for packet in container.demux(track):
                if packet.pts is not None and packet.duration:
                    end = packet.pts + packet.duration
                for frame in packet.decode():
                    shape = shape or (frame.sample_rate, frame.layout.nb_channels)
                    if shape != (frame.sample_rate, frame.layout.nb_channels):
                        raise ValueError("the sound changes its rate or channels")
                    pack = pack or av.AudioResampler(format=frame.format.packed)  # to_ndarray crashes on 8 planes
                    for packed in pack.resample(frame):
                        decoded.add(_packed_samples(packed))
        except (av.FFmpegError, ValueError):
            damaged = True
        if shape is None:
            return None
        codec = track.codec_context.codec
        samples, depth = _to_float(decoded.whole(), lossless=codec.lossless)
        container_name = container.format.name.split(",")[0]
        if container_name == "mov" and track.time_base:
            samples = samples[: round(end * track.time_base * shape[0])]  # the last frame is filled up with zeros
        format = FFMPEG_FORMATS.get((container_name, codec.canonical_name.split("_")[0]))
        # FFmpeg estimates the length of a bare stream, while the index of a movie declares it, in packets,
        # of which the decoder's delay may have been taken away.
        declared = 0
        if container_name == "mov" and track.time_base and track.duration:
            declared = len(samples) + round(max(0, track.duration - end) * track.time_base * shape[0])
        return Sound(samples, shape[0], depth, format, damaged, declared)


def _packed_samples(frame: av.AudioFrame) -> NDArray[Any]:
    """Shape `(n, channels)`, in the decoder's own type."""
    return frame.to_ndarray().reshape(-1, frame.layout.nb_channels)


def _to_float(samples: NDArray[Any], *, lossless: bool) -> tuple[Samples, str]:
    """Full scale -1 to 1, and the depth. FFmpeg hands over 24-bit sound in the upper bits of 32."""
    depth = {"uint8": "u8", "int16": "s16", "int32": "s24", "float64": "f64"}.get(samples.dtype.name, "f32")
    if depth == "s24" and any((piece & 0xFF).any() for piece in pieces(samples)):
        depth = "s32"
    depth = depth if lossless else "f32"
    dtype: type[np.floating] = np.float64 if depth in ("s32", "f64") else np.float32
    if samples.dtype == dtype:
        return samples, depth
    middle, full = {"uint8": (128, 2**7), "int16": (0, 2**15), "int32": (0, 2**31)}.get(samples.dtype.name, (0, 1))
    return spooled((piece.astype(dtype) - middle) / full for piece in pieces(samples)), depth
