"""Loudness after ITU-R BS.1770-4, as FFmpeg's `ebur128` filter measures it."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from extrapcli.audio.channels import LAYOUTS

PER_SECOND = 10
SILENT = -70.0  # LUFS: the absolute gate, below which nothing counts
RELATIVE_GATE = -10.0  # LU
BLOCK = 4  # tenths of a second: a gating block overlaps the next by three quarters

Array = NDArray[np.float64]


def momentary(samples: NDArray[np.floating], sample_rate: int) -> Array:
    """The loudness in LUFS of the 0.4 s up to the end of each tenth of a second; -70 is silence.

    `samples` has shape `(n, channels)`, up to eight of them; surround channels weigh what BS.1770 says.
    """
    powers = list(_powers(samples, sample_rate))
    return np.fmax(np.array(powers, dtype=np.float64), SILENT)  # FFmpeg says NaN of silence after sound


def integrated(blocks: Array) -> float:
    """The gated loudness in LUFS of what the blocks of `momentary` cover; -70 where all is silent."""
    loud = 10 ** (blocks[blocks > SILENT] / 10)
    if not len(loud):
        return SILENT
    gate = loud.mean() * 10 ** (RELATIVE_GATE / 10)
    return float(10 * np.log10(loud[loud > gate].mean()))


def _powers(samples: NDArray[np.floating], sample_rate: int) -> Iterator[float]:
    layout = LAYOUTS[samples.shape[1]]
    graph = Graph()
    time_base = Fraction(1, sample_rate)
    source = graph.add_abuffer(sample_rate=sample_rate, format="flt", layout=layout, time_base=time_base)
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    for start in range(0, len(samples), sample_rate):
        piece = np.ascontiguousarray(samples[start : start + sample_rate], dtype=np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(piece, format="flt", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = sample_rate, time_base, start
        source.push(frame)
        yield from _measured(sink)
    source.push(None)
    yield from _measured(sink)


def _measured(sink: av.filter.context.FilterContext) -> Iterator[float]:
    while True:
        try:
            metadata = sink.pull().metadata
        except (av.BlockingIOError, av.EOFError):
            return
        if "lavfi.r128.M" in metadata:
            yield float(metadata["lavfi.r128.M"])
