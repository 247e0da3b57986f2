"""Sound made small, to be listened to inside a web page."""

import io
from fractions import Fraction

import av
import numpy as np

from extrapcli.audio.channels import LAYOUTS
from extrapcli.audio.resample import resample
from extrapcli.audio.song import Samples

RATE = 48000


def opus(samples: Samples, sample_rate: int, *, kilobits: int) -> bytes:
    """Encode `(n, channels)` as Ogg Opus at about `kilobits` a second, of the same length to the sample at 48 kHz.

    More than two channels become one, their mean. The same samples give the same bytes: FFmpeg writes this file,
    because libsndfile would number its stream at random.
    """
    if samples.shape[1] > 2:
        samples = samples.mean(axis=1, keepdims=True)
    samples = resample(samples, from_rate=sample_rate, to_rate=RATE)
    layout, file = LAYOUTS[samples.shape[1]], io.BytesIO()
    with av.open(file, "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=RATE, layout=layout, bit_rate=kilobits * 1000)
        stream.options = {"vbr": "constrained", "compression_level": "4"}
        stream.time_base = Fraction(1, RATE)
        for start in range(0, len(samples), RATE):
            packed = np.clip(samples[start : start + RATE], -1, 1).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.time_base, frame.pts = RATE, stream.time_base, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
