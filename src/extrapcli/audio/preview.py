"""Small audio clips for web pages."""

import io
from fractions import Fraction

import av
import numpy as np

from extrapcli.audio.channels import ffmpeg_layout
from extrapcli.audio.downmix import to_mono
from extrapcli.audio.resample import resample
from extrapcli.audio.song import Samples
from extrapcli.audio.streams import ffmpeg_frame

RATE = 48000


def encode_opus(samples: Samples, sample_rate: int, *, kilobits: int) -> bytes:
    """Encode `(n, channels)` as Ogg Opus at about `kilobits` per second, resampled to 48 kHz and equally long.

    More than two channels are mixed to mono. The same samples give the same bytes, which is why FFmpeg and not
    libsndfile writes the file: libsndfile gives each Ogg stream a random serial number.
    """
    if samples.shape[1] > 2:
        samples = to_mono(samples, sample_rate)[:, None]
    samples = resample(samples, from_rate=sample_rate, to_rate=RATE)
    file = io.BytesIO()
    with av.open(file, "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        layout = ffmpeg_layout(0, samples.shape[1])
        stream = container.add_stream("libopus", rate=RATE, layout=layout, bit_rate=kilobits * 1000)
        stream.options = {"vbr": "constrained", "compression_level": "4"}
        stream.time_base = Fraction(1, RATE)
        for start in range(0, len(samples), RATE):
            clipped = np.clip(samples[start : start + RATE], -1, 1)
            container.mux(stream.encode(ffmpeg_frame(clipped, sample_rate=RATE, position=start, layout=layout)))
        container.mux(stream.encode(None))
    return file.getvalue()
