"""Where something begins in a sound."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from extrapcli.dsp.stretches import windows

WINDOW, BANDS = 1024, 24
FLOOR = 1e-6  # of the power of sound at unit level
CHUNK_FRAMES = 256  # spectra in memory at a time


def band_edges(*, window: int = WINDOW, bands: int = BANDS) -> NDArray[np.int_]:
    """Return the first Fourier bin of each of up to `bands` bands, and the one after the last.

    The bands are equally wide in octaves, from bin 2 to half the sample rate; the lowest would have less than a bin,
    and are fewer.
    """
    return np.unique(np.geomspace(2, window // 2, bands + 1).astype(int))


def band_powers(
    samples: NDArray[np.float32], *, hop: int, window: int = WINDOW, bands: int = BANDS
) -> Iterator[NDArray[np.float32]]:
    """Yield the mean power of the Fourier bins of each band, float32 `(frames, bands)`, for 512 frames at a time.

    Frame t is a Hann window around sample `t * hop` of mono sound `(n,)`, with silence beyond its ends; there are
    `n // hop + 1`. The power is divided by `window`. The bands are those of `band_edges`.
    """
    edges = band_edges(window=window, bands=bands)
    shape = np.hanning(window).astype(np.float32)
    widths = (np.diff(edges) * window).astype(np.float32)
    for frames in windows(samples, hop=hop, window=window, at_once=CHUNK_FRAMES):
        spectra = np.fft.rfft(frames * shape)
        power = np.square(spectra.real) + np.square(spectra.imag)
        yield (np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1) / widths).astype(np.float32)


def onset_strength(
    samples: NDArray[np.float32],
    *,
    hop: int,
    window: int = WINDOW,
    bands: int = BANDS,
    lag: int = 2,
    floor: float = FLOOR,
) -> NDArray[np.float64]:
    """Return the onset strength of mono sound `(n,)`: float64 `(n // hop + 1,)`, in decibels, 0 and more.

    This is the spectral flux: the mean rise, over `lag` hops, of the levels of the bands of `band_powers` (S. Böck,
    G. Widmer, Maximum filter vibrato suppression for onset detection, 2013, without the maximum filter):

        L[t, b] = 10 log10(P[t, b] + floor)
        o[t] = mean_b max(0, L[t + lag - lag // 2, b] - L[t - lag // 2, b])

    The first and last hops, where a spectrum is missing, have 0. `floor` is relative to the power of sound at unit
    level.
    """
    powers = band_powers(samples, hop=hop, window=window, bands=bands)
    return flux((10 * np.log10(power + floor) for power in powers), lag=lag)


def flux(levels: Iterable[NDArray[np.floating]], *, lag: int = 2) -> NDArray[np.float64]:
    """Return the onset strength of a sound by the levels of its bands, `(frames, bands)`, which come in chunks."""
    rises, last = [np.zeros(lag // 2)], None
    count = 0
    for level in levels:
        count += len(level)
        level = level if last is None else np.concatenate([last, level])
        rises.append(np.maximum(0, level[lag:] - level[:-lag]).mean(axis=1, dtype=np.float64))
        last = level[-lag:]
    return np.concatenate([*rises, np.zeros(lag)])[:count]
