"""Adapt sound to a device with fewer channels, or another sample rate."""

from collections.abc import Callable
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.channels import ffmpeg_layout
from extrapcli.audio.song import Song
from extrapcli.audio.streams import ffmpeg_frame


def adapter(song: Song, *, channels: int, sample_rate: int) -> Callable[[NDArray[np.floating]], NDArray[np.float32]]:
    """Return a function that mixes the next samples of a track like a song, `(n, channels)`, to other channels.

    It is FFmpeg that mixes, by the speakers that the channels are for, and resamples. What it gives is float32
    `(m, channels)`, of which some comes with the next samples only.
    """
    layout = ffmpeg_layout(song.layout, song.channels)
    resampler = av.AudioResampler(format="flt", layout=ffmpeg_layout(0, channels), rate=sample_rate)
    position = 0

    def adapt(samples: NDArray[np.floating]) -> NDArray[np.float32]:
        nonlocal position
        frame = ffmpeg_frame(samples, sample_rate=song.sample_rate, position=position, layout=layout)
        position += len(samples)
        pieces: list[NDArray[Any]] = [made.to_ndarray().reshape(-1, channels) for made in resampler.resample(frame)]
        return np.concatenate([np.zeros((0, channels), np.float32), *pieces])

    return adapt
