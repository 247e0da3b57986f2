"""Read a stream with libsndfile or FFmpeg, as far as it can be decoded."""

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import av
import numpy as np
import soundfile
from av.container import InputContainer
from numpy.typing import NDArray

from extrapcli.audio.channels import COMMON, held_layout, layout_of, names, vorbis_order
from extrapcli.audio.collector import Collector
from extrapcli.audio.containers import wave_mask
from extrapcli.audio.loss import Loss, first_few
from extrapcli.audio.song import Samples
from extrapcli.audio.spooled import Spool, chunks, spooled
from extrapcli.audio.streams import (
    ENCRYPTED_CODECS,
    decodable,
    open_with_ffmpeg,
    open_with_sndfile,
    speakers_by_ffmpeg,
    take_speakers,
)

BLOCK_SAMPLES = 1 << 16
UNKNOWN_FRAMES = 2**62  # libsndfile gives the largest of 64-bit numbers where a FLAC file leaves its length open
MAX_FAILURES = 100  # of finding another packet

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

EXACT_LENGTHS = ("mov", "wv", "tta", "ape")
"""Containers of which FFmpeg reports the length that they declare. Of others it may be an estimate."""


class Piece(NamedTuple):
    """Samples `(n, channels)` of one sample rate in Hz and, as in `Song`, one layout."""

    samples: Samples
    sample_rate: int
    layout: int = 0

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate


class Decoded(NamedTuple):
    """A decoder's output: one piece, or more where the rate or the channels change.

    `container` is FFmpeg's or libsndfile's name of it. `declared_seconds` is the length that the container declares,
    0 if it leaves it open. `has_constant_rate`: the samples are in proportion to the bytes.
    """

    pieces: list[Piece]
    depth: str
    format: str | None
    container: str
    has_constant_rate: bool
    lossy: bool
    declared_seconds: float = 0.0
    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return sum(piece.seconds for piece in self.pieces)


def read_with_sndfile(stream: BinaryIO) -> Decoded | None:
    """Read up to the end or the first damage; return None if libsndfile doesn't know the format."""
    speakers, mask = speakers_by_ffmpeg(stream), wave_mask(stream)
    file = open_with_sndfile(stream)
    if file is None:
        return None
    with file:
        notes: tuple[str, ...] = ()
        depth = SNDFILE_DEPTHS.get(file.subtype, "s16")
        dtype = "float64" if depth in ("s32", "f64") else "float32"
        is_ogg = file.format == "OGG"
        layout, order = layout_of(speakers if len(speakers) == file.channels else [""] * file.channels)
        if is_ogg and file.channels in COMMON and (layout or not speakers):
            # FFmpeg's speakers are in WAV order, libsndfile's channels in that of the file
            layout, order = held_layout("ogg", layout, file.channels), vorbis_order(file.channels)
        named = [] if layout or file.channels <= 2 else names(mask)
        if len(named) > file.channels:  # what is too much has no meaning: Microsoft's "Multiple channel audio data"
            layout, _ = layout_of(named[: file.channels])
        elif named:
            notes = (f"its channel mask names {len(named)} of its {file.channels} channels, and was left out",)
        in_order = order == sorted(order)
        spool = Spool()
        spool.add(np.empty((0, file.channels), dtype))
        is_damaged = False
        try:
            while len(block := file.read(BLOCK_SAMPLES, dtype, always_2d=True)):
                spool.add(block if in_order else block[:, order])
        except soundfile.LibsndfileError:
            is_damaged = True
        format = OGG_FORMATS.get(file.subtype) if is_ogg else SNDFILE_FORMATS.get(file.format)
        declared = file.frames / file.samplerate if file.frames < UNKNOWN_FRAMES else 0.0
        piece = Piece(spool.array(), file.samplerate, layout)
        losses = (Loss(piece.seconds, None),) if is_damaged else ()
        constant = not file.subtype.startswith(("ALAC", "VORBIS", "OPUS")) and file.format != "FLAC"
        lossy = file.subtype in LOSSY_SUBTYPES
        return Decoded([piece], depth, format, file.format, constant, lossy, declared, losses, notes)


def read_with_ffmpeg(stream: BinaryIO, format: str | None = None, *, has_gaps: bool = False) -> Decoded | None:
    """Read the default audio stream, else the first, to its end, past any damage; return None if there is none.

    Where the container tells the time at which the sound goes on after damage, silence fills the gap. `format` is
    FFmpeg's name of the container, by default the one that the content looks like. `has_gaps`: parts were left out.
    """
    container = open_with_ffmpeg(stream, format)
    if container is None:
        return None
    with container:
        tracks = decodable(container)
        if not tracks:
            return None
        defaults = [track for track in tracks if track.disposition & av.stream.Disposition.default]
        track = (defaults or tracks)[0]
        if track.codec_context.codec_tag in ENCRYPTED_CODECS:
            return None
        container_name = container.format.name.split(",")[0]
        collector = Collector(container_name, take_speakers(track), has_gaps=has_gaps)
        end = 0
        for packet in _packets(container, track, collector):
            try:
                for frame in packet.decode():
                    collector.add(frame)
            except (av.FFmpegError, ValueError):
                collector.fail()
                continue
            if packet.pts is not None and packet.duration:
                end = packet.pts + packet.duration
        raw = collector.pieces()
        if not raw:
            return None
        codec = track.codec_context.codec
        if container_name == "mov" and track.time_base and len(raw) == 1:
            samples, rate, speakers = raw[0]
            raw = [(samples[: round(end * track.time_base * rate)], rate, speakers)]  # the last frame is padded
        floats = [_to_float(samples, lossless=codec.lossless) for samples, _, _ in raw]
        origins = [(rate, speakers) for _, rate, speakers in raw]
        decoded = Decoded(
            [_ordered(samples, *of) for (samples, _), of in zip(floats, origins, strict=True)],
            floats[0][1],
            FFMPEG_FORMATS.get((container_name, codec.canonical_name.split("_")[0])),
            container_name,
            codec.name.startswith(("pcm", "adpcm")),
            not codec.lossless,
            losses=tuple(collector.losses),
            notes=(*which_of(tracks.index(track) + 1, len(tracks)), *first_few(collector.notes)),
        )
        if container_name not in EXACT_LENGTHS or not track.time_base or not track.duration:
            return decoded
        if container_name == "mov":
            # It counts packets, and the encoder delay may have been removed from what was decoded.
            missing = float(max(0, track.duration - end) * track.time_base)
            return decoded._replace(declared_seconds=decoded.seconds + missing)
        return decoded._replace(declared_seconds=float(track.duration * track.time_base))


def _ordered(samples: Samples, sample_rate: int, speakers: list[str]) -> Piece:
    """Put channels that are for these speakers into WAV order."""
    layout, order = layout_of(speakers)
    if order != sorted(order):
        samples = spooled(chunk[:, order] for chunk in chunks(samples))
    return Piece(samples, sample_rate, layout)


def which_of(number: int, streams: int) -> tuple[str, ...]:
    """Return a note that says which of several streams of sound was decoded."""
    return (f"it has {streams} streams of sound; number {number} is used",) if streams > 1 else ()


def _packets(container: InputContainer, track: av.AudioStream, collector: Collector) -> Iterator[Any]:
    """Yield packets to the end of the file, past what can't be read."""
    for _ in range(MAX_FAILURES):
        try:
            yield from container.demux(track)
        except (av.FFmpegError, ValueError, IndexError):  # the last where a damaged Ogg file loses its streams
            collector.fail()
        else:
            return


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
