"""Films to fit music to."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def film(path: Path, frames: int, *, rate: int = 25, sound: float = 0) -> Path:
    """A film of so many frames, with so many seconds of sound."""
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=rate, width=64, height=48, pix_fmt="yuv420p")
        audio = container.add_stream("aac", rate=44100, layout="mono") if sound else None
        for k in range(frames):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), k % 256, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
        if audio:
            for begin in range(0, round(sound * 44100), 1024):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 44100, begin, Fraction(1, 44100)
                container.mux(audio.encode(frame))
            container.mux(audio.encode())
    return path
