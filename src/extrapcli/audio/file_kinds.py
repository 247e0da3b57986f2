"""Find the sound in a file, by what the file is, and read it with the library that reads it best.

libsndfile reads the formats it reads best. FFmpeg reads all others, and also MPEG audio, because libsndfile's MP3
decoder prints messages to stderr. The content of a file decides which, never its name.
"""

import io
import os
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO

from extrapcli.audio import ogg
from extrapcli.audio.containers import content, is_fragmented, mpeg_audio_in_wav, readable_sizes
from extrapcli.audio.loss import Loss, absent_seconds, first_few
from extrapcli.audio.mpeg import parse_header
from extrapcli.audio.mpeg_file import read_mpeg_file
from extrapcli.audio.readers import Decoded, read_with_ffmpeg, read_with_sndfile, which_of
from extrapcli.audio.streams import SNDFILE_MAGIC, section
from extrapcli.audio.tag_sizes import leading_tags_end, trailing_tags_start

LENGTH_TOLERANCE_SECONDS = 0.01  # containers round the length they declare, some to a millisecond
FLAC_MAGIC = b"fLaC\0\0\0\x22"  # with the head of the block that must come first
SEARCH_BYTES = 1 << 22
SILENT_SECONDS = 0.1


def read_parts(stream: BinaryIO) -> Iterator[Decoded]:
    """Read a file, or one after another those that it is joined from; nothing where there is no sound.

    All that is missing of each is among its losses.
    """
    start, end = leading_tags_end(stream), stream.seek(0, os.SEEK_END)
    sound = section(stream, start, end)
    head = sound.read(len(FLAC_MAGIC))
    if head.startswith(ogg.MAGIC):
        yield from _read_ogg(sound)
        return
    if head.startswith(FLAC_MAGIC):
        for first, last in pairwise([*_positions(sound, FLAC_MAGIC), end - start]):
            if decoded := _read(section(sound, first, last)):
                yield _with_loss_at_end(decoded)
        return
    if replaced := readable_sizes(sound):
        sound = section(sound, 0, end - start, replaced)
        head = replaced.get(0, head)
    if inside := mpeg_audio_in_wav(sound):
        decoded = _read_mpeg(section(sound, inside.start, inside.end))
        decoded = decoded and decoded._replace(format="wav")
    elif head.startswith(SNDFILE_MAGIC):
        decoded = _read(sound)
    else:
        decoded = _read_others(section(sound, 0, trailing_tags_start(stream) - start), head)
    if decoded:
        found = content(sound)
        missing = found.missing / max(1, found.end - found.start) if found else 0.0
        yield _with_loss_at_end(decoded, missing)


def _read(stream: BinaryIO, *, is_intact: bool = False) -> Decoded | None:
    """Read with libsndfile, or where it fails or returns less than it declares, with FFmpeg.

    libsndfile finds nothing in a WAV of unknown length, loses the end of some FLAC files, and skips parts of some Ogg
    files whose checksums say that they are intact, or gives up at their last page.
    """
    tolerance = 0 if is_intact else LENGTH_TOLERANCE_SECONDS
    decoded = read_with_sndfile(stream)
    if decoded and decoded.seconds and not decoded.losses and decoded.declared_seconds - decoded.seconds <= tolerance:
        return decoded
    other = read_with_ffmpeg(stream)
    if decoded is None or other is None or other.seconds <= decoded.seconds:
        return decoded or other
    # libsndfile stops at wrong checksums, which FFmpeg passes over, but also where a file is too short.
    is_long = decoded.declared_seconds and decoded.declared_seconds - other.seconds <= tolerance
    losses = other.losses or (decoded.losses if is_long and not is_intact else ())
    return other._replace(declared_seconds=decoded.declared_seconds, losses=losses)


def _read_others(stream: BinaryIO, head: bytes) -> Decoded | None:
    if parse_header(head) and (decoded := _read_mpeg(stream)):
        return decoded
    decoded = read_with_ffmpeg(stream)
    if decoded and decoded.container == "mp3":  # with something before it that is no tag
        return _read_mpeg(stream) or decoded
    if decoded and decoded.container == "mov" and is_fragmented(stream):
        return decoded._replace(declared_seconds=0.0)
    return decoded


def _read_mpeg(stream: BinaryIO) -> Decoded | None:
    stream.seek(0)
    file = read_mpeg_file(stream.read())
    decoded = file and read_with_ffmpeg(file.frames, "mp3")
    if not file or not decoded:
        return None
    # The first frame of a piece that was cut out of a file needs bytes of the frame before it.
    silent = [loss for loss in decoded.losses if loss.is_filled and (loss.seconds or 0) <= SILENT_SECONDS]
    notes = [f"{size} bytes at {start:.2f} s are not audio and were skipped" for start, size in file.junk]
    notes += [f"it can't be decoded at {loss.start:.2f} s, where {loss.seconds:.2f} s are silent" for loss in silent]
    return decoded._replace(
        losses=(*file.losses, *(loss for loss in decoded.losses if loss not in silent)),
        notes=tuple(first_few(notes)),
    )


def _read_ogg(stream: BinaryIO) -> Iterator[Decoded]:
    stream.seek(0)
    data = stream.read()
    for link in ogg.links(data):
        if link.is_intact and not link.lacks_pages:
            decoded = _read(section(stream, link.start, link.end), is_intact=True)
        else:
            pages = b"".join(data[page.start : page.end] for page in link.pages)
            decoded = read_with_ffmpeg(io.BytesIO(pages), has_gaps=True)
        if decoded and not link.is_intact and not decoded.losses:
            rate = decoded.pieces[0].sample_rate
            place = min(ogg.damaged_at(link) / rate, decoded.seconds)
            decoded = decoded._replace(losses=(Loss(place, None, to_end=place >= decoded.seconds),))
        if decoded:
            notes = decoded.notes or which_of(1, link.streams)
            yield _with_loss_at_end(decoded._replace(notes=notes))


def _positions(stream: BinaryIO, wanted: bytes) -> Iterator[int]:
    """Yield all positions of some bytes."""
    stream.seek(0)
    position, tail = 0, b""
    while block := stream.read(SEARCH_BYTES):
        block = tail + block
        found = block.find(wanted)
        while found >= 0:
            yield position + found
            found = block.find(wanted, found + 1)
        tail = block[len(block) - len(wanted) + 1 :]
        position += len(block) - len(tail)


def _with_loss_at_end(decoded: Decoded, missing: float = 0.0) -> Decoded:
    """Add to the losses what the length or the bytes that a file declares show to be missing.

    `missing` is how many bytes of the sound are missing for each that is there.
    """
    losses, seconds = list(decoded.losses), decoded.seconds
    short = decoded.declared_seconds - seconds - absent_seconds(losses)
    if decoded.has_constant_rate:
        short = max(short, seconds * missing)
    unknown = [loss for loss in losses if loss.seconds is None]
    if short > LENGTH_TOLERANCE_SECONDS:
        if unknown and not unknown[0].to_end:
            losses[losses.index(unknown[0])] = unknown[0]._replace(seconds=short)
        else:
            losses = [loss for loss in losses if not loss.to_end] + [Loss(seconds, short, to_end=True)]
    elif missing and not decoded.has_constant_rate and not any(loss.to_end for loss in losses):
        losses.append(Loss(seconds, None, to_end=True))
    return decoded._replace(losses=tuple(losses))
