"""Read a stream with libsndfile or FFmpeg, as far as it can be decoded."""

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import av
import numpy as np
import soundfile
from av.container import InputContainer
from numpy.typing import NDArray

from extrapcli.audio.channels import COMMON, held_layout, layout_of, names, vorbis_order
from extrapcli.audio.containers import wave_mask
from extrapcli.audio.loss import Loss, first_few
from extrapcli.audio.song import Samples
from extrapcli.audio.spooled import Spool, chunks, spooled
from extrapcli.audio.streams import open_with_ffmpeg, open_with_sndfile, speakers_by_ffmpeg, take_speakers

BLOCK_SAMPLES = 1 << 16
UNKNOWN_FRAMES = 2**62  # libsndfile gives the largest of 64-bit numbers where a FLAC file leaves its length open
GAP_SECONDS = 0.05  # some containers round times to milliseconds, and FFmpeg guesses those of Vorbis
JUMP_SECONDS = 0.5
MAX_SILENCE_SECONDS = 600  # for all gaps together, so that a file with absurd times takes no room
MAX_PIECES = 100
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

RECORDINGS = ("mpegts", "mpeg")
"""Containers of broadcasts, which may begin and end anywhere, within a frame, too."""

BARE_FRAMES = ("aac", "ac3", "eac3", "dts")
"""Files of nothing but frames, which may begin within one."""


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
        tracks = [track for track in container.streams.audio if track.codec_context is not None]
        if not tracks:
            return None
        defaults = [track for track in tracks if track.disposition & av.stream.Disposition.default]
        track = (defaults or tracks)[0]
        container_name = container.format.name.split(",")[0]
        collector = _Collector(container_name, take_speakers(track), has_gaps=has_gaps)
        end = 0
        for packet in _packets(container, track, collector):
            if packet.pts is not None and packet.duration:
                end = packet.pts + packet.duration
            try:
                for frame in packet.decode():
                    collector.add(frame)
            except (av.FFmpegError, ValueError):
                collector.fail()
        raw = collector.pieces()
        if not raw:
            return None
        codec = track.codec_context.codec
        if container_name == "mov" and track.time_base and len(raw) == 1:
            samples, rate, speakers = raw[0]
            raw = [(samples[: round(end * track.time_base * rate)], rate, speakers)]  # the last frame is padded
        depths, pieces = [], []
        for samples, rate, speakers in raw:
            floats, depth = _to_float(samples, lossless=codec.lossless)
            layout, order = layout_of(speakers)
            if order != sorted(order):
                floats = spooled(chunk[:, order] for chunk in chunks(floats))
            depths.append(depth)
            pieces.append(Piece(floats, rate, layout))
        # The index of an MP4 file declares its length, counted in packets, from which the encoder delay may have been
        # removed.
        declared = 0.0
        if container_name in EXACT_LENGTHS and track.time_base and track.duration:
            declared = float(track.duration * track.time_base)
            if container_name == "mov":
                decoded = sum(piece.seconds for piece in pieces)
                declared = decoded + float(max(0, track.duration - end) * track.time_base)
        note = f"it has {len(tracks)} streams of sound, of which this is number {tracks.index(track) + 1}"
        return Decoded(
            pieces,
            depths[0],
            FFMPEG_FORMATS.get((container_name, codec.canonical_name.split("_")[0])),
            container_name,
            codec.name.startswith(("pcm", "adpcm")),
            not codec.lossless,
            declared,
            tuple(collector.losses),
            (*([note] if len(tracks) > 1 else []), *first_few(collector.notes)),
        )


class _Collector:
    """Collects the frames of a stream, in a piece for each sample rate and number of channels, and what is lost."""

    def __init__(self, container_name: str, speakers: list[str], *, has_gaps: bool) -> None:
        self.losses: list[Loss] = []
        self.notes: list[str] = []
        self._is_flac = container_name == "flac"  # each frame says which sample it begins with, but for damaged ones
        self._has_gaps = has_gaps or self._is_flac
        self._may_break_off = container_name in RECORDINGS
        self._may_begin_anywhere = self._may_break_off or container_name in BARE_FRAMES
        self._speakers = speakers  # by the header, where the frames don't say
        self._spools: list[tuple[Spool, tuple[int, int, str], list[str]]] = []
        self._packer: av.AudioResampler | None = None
        self._packed = ("", "", 0)
        self._seconds = self._silence = 0.0
        self._next: float | None = None  # the time at which the next frame should begin
        self._failed_at: float | None = None

    def fail(self) -> None:
        """Note that something could not be decoded."""
        if self._failed_at is None:
            self._failed_at = self._seconds

    def add(self, frame: av.AudioFrame) -> None:
        """Append a frame. Raises ValueError where the rate or the channels change too often."""
        rate, channels = frame.sample_rate, frame.layout.nb_channels
        shape = rate, channels, frame.format.packed.name
        if not self._spools or self._spools[-1][1] != shape:
            if len(self._spools) == MAX_PIECES:
                raise ValueError("the sample rate or the channels change too often")
            speakers = [channel.name for channel in frame.layout.channels]
            if "NONE" in speakers and len(self._speakers) == channels:
                speakers = self._speakers
            self._spools.append((Spool(), shape, speakers))
        if self._packer is None or self._packed != (frame.format.name, frame.layout.name, rate):
            self._packer = av.AudioResampler(format=frame.format.packed)  # to_ndarray crashes on 8 planes
            self._packed = frame.format.name, frame.layout.name, rate
        begin = None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)
        missing = 0.0 if begin is None or self._next is None else begin - self._next
        blocks = [packed.to_ndarray().reshape(-1, channels) for packed in self._packer.resample(frame)]
        if self._is_flac and begin is None:
            self.fail()
        elif self._failed_at is not None or (self._has_gaps and missing > GAP_SECONDS):
            self._note_loss(missing, rate, blocks)
        elif missing > JUMP_SECONDS:
            self.notes.append(f"its times jump by {missing:.2f} s at {self._seconds:.2f} s: sound may be missing")
        for block in blocks:
            self._spools[-1][0].add(block)
        self._seconds += frame.samples / rate
        begin = self._next if begin is None else begin  # FLAC frames after a damaged one come without their times
        self._next = None if begin is None else begin + frame.samples / rate

    def _note_loss(self, missing: float, rate: int, blocks: list[NDArray[Any]]) -> None:
        fill = round(missing * rate) > 0 and self._silence + missing <= MAX_SILENCE_SECONDS
        start = self._seconds if fill or self._failed_at is None else self._failed_at
        self._failed_at = None
        if self._may_begin_anywhere and not self._seconds:
            return
        self._add_loss(Loss(start, missing if fill else None, is_filled=fill))
        if fill:
            self._silence += missing
            silence = np.zeros((round(missing * rate), *blocks[0].shape[1:]), blocks[0].dtype)
            self._spools[-1][0].add(silence + (128 if silence.dtype == np.uint8 else 0))
            self._seconds += missing

    def _add_loss(self, loss: Loss) -> None:
        last = self.losses[-1] if self.losses else None
        if last and loss.start - last.start - (last.seconds or 0) < GAP_SECONDS:
            seconds = (last.seconds or 0) + (loss.seconds or 0)
            loss = Loss(last.start, seconds or None, loss.to_end, loss.is_filled)
            self.losses.pop()
        self.losses.append(loss)

    def pieces(self) -> list[tuple[NDArray[Any], int, list[str]]]:
        """Return all samples `(n, channels)` in the decoder's own dtype, with their sample rates and speakers."""
        if self._failed_at is not None and not self._may_break_off:
            self._add_loss(Loss(self._failed_at, None, to_end=True))
        return [(spool.array(), shape[0], speakers) for spool, shape, speakers in self._spools]


def _packets(container: InputContainer, track: av.AudioStream, collector: _Collector) -> Iterator[Any]:
    """Yield packets to the end of the file, past what can't be read."""
    for _ in range(MAX_FAILURES):
        try:
            yield from container.demux(track)
        except (av.FFmpegError, ValueError):
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
