from math import log10

import numpy as np
import pytest

from extrapcli.dsp import mel_filters


def slow(f: float, band: int, bands: int, lowest: float, highest: float) -> float:
    """The same, for one frequency and one band, from the definition."""
    low, high = (2595 * log10(1 + hertz / 700) for hertz in (lowest, highest))
    below, peak, above = (
        700 * (10 ** ((low + (high - low) * (band + k) / (bands + 1)) / 2595) - 1) for k in range(3)
    )
    if not below < f < above:
        return 0.0
    return (f - below) / (peak - below) if f <= peak else (above - f) / (above - peak)


@pytest.mark.parametrize(
    ("rate", "window", "bands", "lowest", "highest"),
    [(22050, 2048, 64, 40.0, 10000.0), (8000, 512, 20, 0.0, 4000.0), (44100, 1024, 1, 100.0, 200.0)],
)
def test_filters_are_triangles_on_the_mel_scale(
    rate: int, window: int, bands: int, lowest: float, highest: float
) -> None:
    frequencies = np.fft.rfftfreq(window, 1 / rate)
    filters = mel_filters(frequencies, bands=bands, lowest=lowest, highest=highest)
    expected = [[slow(f, band, bands, lowest, highest) for band in range(bands)] for f in frequencies]
    np.testing.assert_allclose(filters, expected, atol=1e-9)


def test_between_the_outer_peaks_filters_sum_to_one() -> None:
    filters = mel_filters(np.linspace(400, 4000, 500), bands=30, lowest=100.0, highest=9000.0)
    np.testing.assert_allclose(filters.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize(("rate", "window", "bands"), [(22050, 2048, 64), (16000, 512, 40)])
def test_they_are_those_of_librosa(rate: int, window: int, bands: int) -> None:
    librosa = pytest.importorskip("librosa")
    theirs = librosa.filters.mel(sr=rate, n_fft=window, n_mels=bands, fmin=40, fmax=7000, htk=True, norm=None)
    ours = mel_filters(np.fft.rfftfreq(window, 1 / rate), bands=bands, lowest=40.0, highest=7000.0)
    np.testing.assert_allclose(ours, theirs.T, atol=1e-6)
