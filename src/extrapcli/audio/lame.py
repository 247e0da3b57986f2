"""Encode MP3 with LAME."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import lameenc
import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.mpeg import parse_header, xing_frame
from extrapcli.audio.target import Target

MP3_VBR_QUALITY = 4  # LAME's V4, libsndfile's default: about 150 kbit/s in stereo
MP3_ALGORITHM_QUALITY = 5  # LAME's -q: 3 and below take longer and change little
MP3_BITS = 16  # of the samples that LAME takes
MP3_DELAY = 576  # samples of padding that LAME adds before the audio
MP3_MIN_PADDING = 576  # and at least after it


@contextmanager
def open_mp3(
    file: Target, sample_rate: int, channels: int, expected_samples: int | None
) -> Iterator[Callable[[NDArray[np.int16]], None]]:
    """Give a function that encodes int16 samples `(n, channels)` into a file, for as long as the block lasts.

    The first frame says how many samples there are: those expected, and once all are there, their true number and the
    bytes. Without expected samples there is no such frame.
    """
    # PyAV has LAME, too, but takes three times as long for the same sound: benchmarks/mp3.py
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_in_sample_rate(sample_rate)
    encoder.set_out_sample_rate(sample_rate)
    encoder.set_channels(channels)
    encoder.set_quality(MP3_ALGORITHM_QUALITY)
    encoder.set_vbr(4)  # vbr_mtrh, LAME's default algorithm
    encoder.set_vbr_quality(MP3_VBR_QUALITY)
    samples_in, size, first = 0, 0, b""

    def append(data: bytes) -> None:
        nonlocal size, first
        if data and not first:
            first = data[:4]
            if expected_samples is not None:
                size = file.write(_index(first, expected_samples, None))
        size += file.write(data)

    def write(samples: NDArray[np.int16]) -> None:
        nonlocal samples_in
        samples_in += len(samples)
        append(bytes(encoder.encode(samples.tobytes())))

    yield write
    append(bytes(encoder.flush()))
    if expected_samples is not None:
        file.seek(0)
        file.write(_index(first, samples_in, size))


def _index(first: bytes, samples: int, size: int | None) -> bytes:
    """Make the frame that says how many samples an MP3 has, and bytes where that is known, from its first frame."""
    header = parse_header(first)
    assert header is not None, "LAME writes MPEG audio"
    padding = header.samples - (samples + MP3_DELAY) % header.samples
    if padding < MP3_MIN_PADDING:
        padding += header.samples
    frames = (samples + MP3_DELAY + padding) // header.samples
    return xing_frame(first, frames=frames, size=size, delay=MP3_DELAY, padding=padding)
