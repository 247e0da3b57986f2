"""Three layers of a song that add up to it: bass, middle and treble."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.dsp import padded

NAMES = ("bass", "middle", "treble")
EDGES_HERTZ = (200.0, 4000.0)  # between them
FILTER_SECONDS = (0.05, 0.006)  # the lower an edge, the longer the filter has to be


class Bands:
    """Reads any stretch of one band of a song `(n, channels)`.

    The edges are windowed-sinc filters without phase (S. W. Smith, The scientist and engineer's guide to digital
    signal processing, 1997, chapter 16), so the three bands of a stretch add up to the song. Where the song's rate
    leaves no room for treble, that band is silent.
    """

    def __init__(self, samples: NDArray[np.floating], rate: int) -> None:
        self.samples, self.rate = samples, rate
        self._filters = [
            _low_pass(edge, seconds, rate) for edge, seconds in zip(EDGES_HERTZ, FILTER_SECONDS, strict=True)
        ]

    def read(self, band: int, begin: int, end: int) -> NDArray[np.float32]:
        """Return samples `begin` to `end` of a band, `(end - begin, channels)`; beyond the song is silence."""
        above = self._below(band, begin, end) if band < len(EDGES_HERTZ) else self._stretch(begin, end)
        return above - self._below(band - 1, begin, end) if band else above

    def _below(self, edge: int, begin: int, end: int) -> NDArray[np.float32]:
        """Return what is below an edge."""
        kernel = self._filters[edge]
        if len(kernel) == 1:  # all of the song is below
            return self._stretch(begin, end)
        margin = len(kernel) // 2
        sound = self._stretch(begin - margin, end + margin)
        size = 2 ** int(np.ceil(np.log2(len(sound) + 2 * margin)))
        spectrum = np.fft.rfft(sound, size, axis=0) * np.fft.rfft(kernel, size)[:, None]
        low: NDArray[np.float32] = np.fft.irfft(spectrum, size, axis=0)[2 * margin : len(sound)].astype(np.float32)
        return low

    def _stretch(self, begin: int, end: int) -> NDArray[np.float32]:
        stretch: NDArray[np.float32] = padded(self.samples, begin, end - begin).astype(np.float32)
        return stretch


def _low_pass(edge: float, seconds: float, rate: int) -> NDArray[np.float32]:
    """Return a filter that leaves what is below an edge, of an odd number of samples."""
    half = round(seconds * rate / 2)
    if edge >= rate / 2:
        return np.ones(1, np.float32)
    kernel = np.sinc(2 * edge / rate * np.arange(-half, half + 1)) * np.hanning(2 * half + 3)[1:-1]
    kernel /= kernel.sum()
    low_pass: NDArray[np.float32] = kernel.astype(np.float32)
    return low_pass
