"""Mel spectra: bands of frequencies as the ear tells them apart."""

import numpy as np
from numpy.typing import NDArray


def mel_filters(
    frequencies: NDArray[np.floating], *, bands: int, lowest: float, highest: float
) -> NDArray[np.float64]:
    """Return triangular filters of height 1, `(len(frequencies), bands)`, to multiply power spectra with.

    The edges and peaks are equally spaced on the mel scale between `lowest` and `highest` Hz; each filter reaches
    from the peak of the one below to the peak of the one above:

        mel = 2595 log10(1 + f / 700)        (D. O'Shaughnessy, Speech Communication, 1987)

    Filters for a Fourier transform of n samples: `mel_filters(np.fft.rfftfreq(n, 1 / sample_rate), ...)`. The same as
    `librosa.filters.mel(htk=True, norm=None).T`.
    """
    low, high = 2595 * np.log10(1 + np.array([lowest, highest]) / 700)
    edges = 700 * (10 ** (np.linspace(float(low), float(high), bands + 2) / 2595) - 1)
    f = np.asarray(frequencies)[:, None]
    rise = (f - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - f) / (edges[2:] - edges[1:-1])
    filters: NDArray[np.float64] = np.maximum(0, np.minimum(rise, fall))
    return filters
