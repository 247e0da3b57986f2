"""Sound as other programs write it: encoded by FFmpeg."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, BinaryIO

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

_FORMATS = {"float32": "flt", "int16": "s16", "int32": "s32"}


def encode(
    file: str | BinaryIO,
    sound: NDArray[Any],
    rate: int,
    container: str,
    codec: str,
    *,
    layout: str = "stereo",
    muxer: dict[str, str] | None = None,
    encoder: dict[str, str] | None = None,
    prepare: Callable[[OutputContainer], object] = lambda output: None,
) -> None:
    """Write a sound `(n, channels)` in float32, int16 or int32.

    `muxer` and `encoder` are options of FFmpeg; `prepare` is called before the first sample is written.
    """
    format = _FORMATS[sound.dtype.name]
    with av.open(file, "w", format=container, options=muxer or {}) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout, options=encoder or {})
        assert isinstance(stream, av.AudioStream)
        if sound.dtype == np.int32:
            stream.format = "s32"
        prepare(output)
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format=format, layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        frame.time_base = stream.time_base = Fraction(1, rate)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
