"""A file of MPEG audio: its frames, and whether all that it declares are there.

Tags and junk may lie anywhere between the frames, and files may be joined. Tags are stepped over by their declared
sizes, so nothing in them is taken for a frame.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from extrapcli.audio.loss import Loss
from extrapcli.audio.mpeg import FrameHeader, Index, parse_header, read_index
from extrapcli.audio.tag_sizes import nameless_tag_bytes, tag_bytes, trailing_tags_start

FRAMES_IN_PLACE, FRAMES_AFTER_JUNK = 2, 3
"""Frames that must follow one another to be believed: where a file or a tag says that they begin, and elsewhere."""

_MAY_BEGIN = re.compile(rb"\xff[\xe2-\xe7\xf2-\xff][\x10-\xef]|ID3|APETAGEX|TAG|LYRICSBEGIN")
_ONLY_ONE_MISSING = 1


class Span(NamedTuple):
    """A frame, or where `header` is None something else between the frames. `is_tag` where its size is declared."""

    start: int
    end: int
    header: FrameHeader | None
    is_tag: bool = False


@dataclass
class _Part:
    """A file among joined ones, or all of one: it begins with a frame that may have an index of what follows.

    `start` is in bytes and `begins` in seconds. `holes` are the seconds at which junk lies between its frames.
    """

    start: int
    begins: float
    index: Index | None
    header: FrameHeader
    frames: int = 0
    seconds: float = 0.0
    holes: list[float] = field(default_factory=list)

    def missing_frames(self, end: int) -> int:
        """Return how many frames less than declared it has, if it ends at a byte.

        Some encoders count the frame of the index. So where one frame seems to be missing, the bytes decide. They
        also do where only they are declared.
        """
        if self.index is None:
            return 0
        missing_bytes = max(0, self.index.bytes - (end - self.start))
        if not self.index.frames:
            return missing_bytes * self.frames // (end - self.start)
        missing = self.index.frames - self.frames
        return 0 if missing <= _ONLY_ONE_MISSING and not missing_bytes else max(0, missing)


@dataclass(frozen=True)
class MpegFile:
    """The complete frames of a file without anything between them, and what is wrong with it.

    `junk` has the second and the bytes of each thing between frames that isn't a tag.
    """

    frames: BinaryIO
    losses: list[Loss]
    junk: list[tuple[float, int]]


def read_mpeg_file(data: bytes) -> MpegFile | None:
    """Find the frames in a file's bytes; return None where there are none.

    A recorded stream begins within a frame, so it may end within one.
    """
    end = trailing_tags_start(io.BytesIO(data))
    parts: list[_Part] = []
    runs: list[tuple[int, int]] = []
    junk: list[tuple[float, int]] = []
    hole: Span | None = None
    seconds, cut_off, is_recorded = 0.0, False, False
    for span in spans(data, end):
        if span.header is None:
            hole = hole if span.is_tag else span
            is_recorded = is_recorded or not (span.is_tag or runs)
            continue
        index = read_index(data, span.start, span.header)
        if hole and runs:
            junk.append((seconds, hole.end - hole.start))
            parts[-1].holes += [] if index else [seconds]
        hole = None
        if index or not parts:
            parts.append(_Part(span.start, seconds, index, span.header))
        cut_off = span.end > end
        if cut_off:
            break
        follows = bool(runs) and runs[-1][1] == span.start
        if index and runs and not follows:
            continue  # it holds no sound, and FFmpeg passes over it, as over that of the first index
        length = span.header.samples / span.header.sample_rate if runs or not index else 0.0
        if index is None:
            parts[-1].frames += 1
            parts[-1].seconds += length
        seconds += length
        if follows:
            runs[-1] = (runs[-1][0], span.end)
        else:
            runs.append((span.start, span.end))
    if not runs:
        return None
    frames = b"".join(data[first:last] for first, last in runs)
    return MpegFile(io.BytesIO(frames), _losses(parts, len(data), cut_off=cut_off and not is_recorded), junk)


def spans(data: bytes, end: int) -> Iterator[Span]:
    """Divide bytes into frames, tags and junk. The last frame may extend past the end."""
    position, kind = 0, None
    while position < end:
        header = parse_header(data, position)
        if header and (header.kind == kind or _frames_follow(data, position, end, FRAMES_IN_PLACE)):
            yield Span(position, position + header.length, header)
            position, kind = position + header.length, header.kind
            continue
        kind = None
        if size := tag_bytes(data, position) or nameless_tag_bytes(data, position):
            yield Span(position, position + size, None, is_tag=True)
            position += size
        else:
            following = _next_place(data, position + 1, end)
            yield Span(position, following, None)
            position = following


def _frames_follow(data: bytes, position: int, end: int, count: int) -> bool:
    """Return whether so many frames of one kind follow one another, or fewer that end where a tag or the end is."""
    first = header = parse_header(data, position)
    while header and first and header.kind == first.kind:
        position, count = position + header.length, count - 1
        if not count or position == end or tag_bytes(data, position):
            return True
        header = parse_header(data, position)
    return False


def _next_place(data: bytes, position: int, end: int) -> int:
    """Return where after junk the next frame or tag begins, or the end."""
    for found in _MAY_BEGIN.finditer(data, position, end):
        is_frame = found[0][0] == 0xFF
        if is_frame and _frames_follow(data, found.start(), end, FRAMES_AFTER_JUNK):
            return found.start()
        if not is_frame and tag_bytes(data, found.start()):
            return found.start()
    return end


def _losses(parts: list[_Part], end: int, *, cut_off: bool) -> list[Loss]:
    ends = [part.start for part in parts[1:]] + [end]
    counts = [part.missing_frames(end) for part, end in zip(parts, ends, strict=True)]
    # A program that joins files may write one index for all of them.
    first, frames = parts[0].index, sum(part.frames for part in parts)
    if first and len(parts) > 1 and 0 <= first.frames - frames <= len(parts):
        counts[0] = 0
    losses = []
    for part, missing in zip(parts, counts, strict=True):
        if missing:
            seconds = missing * part.header.samples / part.header.sample_rate
            at_end = part is parts[-1] and not part.holes
            losses.append(Loss(part.holes[0] if part.holes else part.begins + part.seconds, seconds, to_end=at_end))
    if cut_off and not counts[-1] and parts[-1].index is None:
        losses.append(Loss(parts[-1].begins + parts[-1].seconds, None, to_end=True))
    return losses
