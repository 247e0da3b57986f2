"""Collect the frames that FFmpeg decodes, with silence in the place of what can't be decoded."""

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.loss import Loss
from extrapcli.audio.spooled import Spool

GAP_SECONDS = 0.05  # some containers round times to milliseconds, and FFmpeg guesses those of Vorbis
JUMP_SECONDS = 0.5
MAX_SILENCE_SECONDS = 600  # for all gaps together, so that a file with absurd times takes no room
MAX_PIECES = 100
UNSAFE_PLANES = 8  # to_ndarray crashes on them

RECORDINGS = ("mpegts", "mpeg")
"""Containers of broadcasts, which may begin and end anywhere, within a frame, too."""

BARE_FRAMES = ("aac", "ac3", "eac3", "dts")
"""Files of nothing but frames, which may begin within one."""


class Collector:
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
        blocks = self._blocks(frame, channels)
        if not blocks:
            return
        shape = rate, channels, frame.format.packed.name
        if not self._spools or self._spools[-1][1] != shape:
            if len(self._spools) == MAX_PIECES:
                raise ValueError("the sample rate or the channels change too often")
            speakers = [channel.name for channel in frame.layout.channels]
            if "NONE" in speakers and len(self._speakers) == channels:
                speakers = self._speakers
            self._spools.append((Spool(), shape, speakers))
        begin: float | None = frame.time
        missing = 0.0 if begin is None or self._next is None else begin - self._next
        if self._is_flac and begin is None:
            self.fail()
        elif self._failed_at is not None or (self._has_gaps and missing > GAP_SECONDS):
            self._note_loss(missing, rate, blocks[0])
        elif missing > JUMP_SECONDS:
            self.notes.append(f"its times jump by {missing:.2f} s at {self._seconds:.2f} s: sound may be missing")
        for block in blocks:
            self._spools[-1][0].add(block)
        self._seconds += frame.samples / rate
        begin = self._next if begin is None else begin  # FLAC frames after a damaged one come without their times
        self._next = None if begin is None else begin + frame.samples / rate

    def _blocks(self, frame: av.AudioFrame, channels: int) -> list[NDArray[Any]]:
        """Return the samples of a frame, `(n, channels)`; not all frames give some at once."""
        if channels < UNSAFE_PLANES:
            samples = frame.to_ndarray()
            return [samples.T if frame.format.is_planar else samples.reshape(-1, channels)]
        if self._packer is None or self._packed != (frame.format.name, frame.layout.name, frame.sample_rate):
            self._packer = av.AudioResampler(format=frame.format.packed)
            self._packed = frame.format.name, frame.layout.name, frame.sample_rate
        return [packed.to_ndarray().reshape(-1, channels) for packed in self._packer.resample(frame)]

    def _note_loss(self, missing: float, rate: int, like: NDArray[Any]) -> None:
        fill = round(missing * rate) > 0 and self._silence + missing <= MAX_SILENCE_SECONDS
        start = self._seconds if fill or self._failed_at is None else self._failed_at
        self._failed_at = None
        if self._may_begin_anywhere and not self._seconds:
            return
        self._add_loss(Loss(start, missing if fill else None, is_filled=fill))
        if fill:
            self._silence += missing
            silence = np.zeros((round(missing * rate), *like.shape[1:]), like.dtype)
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
