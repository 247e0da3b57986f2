"""Loudness to ITU-R BS.1770-4, measured by FFmpeg's `ebur128` filter."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from extrapcli.audio.channels import ffmpeg_layout
from extrapcli.audio.song import Samples
from extrapcli.audio.streams import ffmpeg_frame

PER_SECOND = 10  # values of momentary loudness
BLOCK = 4  # a gating block in such steps: 0.4 s, of which three quarters overlap the next block
SILENT = -70.0  # LUFS: the absolute gate, below which nothing counts
RELATIVE_GATE = -10.0  # LU


def momentary(samples: Samples, sample_rate: int, layout: int = 0) -> NDArray[np.float64]:
    """Return the momentary loudness in LUFS every 0.1 s, each value over the 0.4 s before; silence is -70.

    `samples` has shape `(n, channels)` with up to eight channels. BS.1770's weights for surround channels and LFE
    apply, by the speakers of the `layout`, or where it is 0 of the common one for so many channels.
    """
    loudness = np.array(list(_measure(samples, sample_rate, layout)), dtype=np.float64)
    return np.fmax(loudness, SILENT)  # FFmpeg returns NaN for silence after sound


def integrated(blocks: NDArray[np.float64]) -> float:
    """Return the gated loudness in LUFS over values of `momentary`, -70 where all are silent."""
    powers = 10 ** (blocks[blocks > SILENT] / 10)
    if not len(powers):
        return SILENT
    gate = powers.mean() * 10 ** (RELATIVE_GATE / 10)
    return float(10 * np.log10(powers[powers > gate].mean()))


def _measure(samples: Samples, sample_rate: int, layout: int) -> Iterator[float]:
    graph, speakers = Graph(), ffmpeg_layout(layout, samples.shape[1])
    source = graph.add_abuffer(
        sample_rate=sample_rate,
        format="flt",
        layout=speakers,
        time_base=Fraction(1, sample_rate),
    )
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    for start in range(0, len(samples), sample_rate):
        second = samples[start : start + sample_rate]
        source.push(ffmpeg_frame(second, sample_rate=sample_rate, position=start, layout=speakers))
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
