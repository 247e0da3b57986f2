from itertools import pairwise

import numpy as np
import pytest

from extrapcli.dsp import band_edges, band_powers, flux, onset_strength

RATE = 22050


def slow(samples: np.ndarray, hop: int, window: int, bands: int, lag: int, floor: float) -> list[float]:
    """The same, a frame and a band at a time, from the definition."""
    edges = sorted({int(2 * (window / 4) ** (k / bands)) for k in range(bands)} | {window // 2})
    padded = np.concatenate([np.zeros(window // 2), samples, np.zeros(window)])
    levels = []
    for t in range(len(samples) // hop + 1):
        spectrum = np.fft.rfft(padded[t * hop : t * hop + window] * np.hanning(window))
        power = [float(np.mean(np.abs(spectrum[a:b]) ** 2)) for a, b in pairwise(edges)]
        levels.append([10 * np.log10(p / window + floor) for p in power])
    found = [0.0] * len(levels)
    for t in range(lag // 2, len(levels) - (lag - lag // 2)):
        now, then = levels[t + lag - lag // 2], levels[t - lag // 2]
        found[t] = float(np.mean([max(0.0, a - b) for a, b in zip(now, then, strict=True)]))
    return found


@pytest.mark.parametrize(("n", "hop"), [(0, 100), (1, 100), (150, 100), (5000, 294), (5000, 7)])
@pytest.mark.parametrize("lag", [1, 2, 3])
def test_it_is_the_mean_rise_of_the_bands(n: int, hop: int, lag: int, rng: np.random.Generator) -> None:
    samples = rng.normal(size=n).astype(np.float32)
    found = onset_strength(samples, hop=hop, window=256, bands=8, lag=lag)
    assert found.shape == (n // hop + 1,)
    np.testing.assert_allclose(found, slow(samples, hop, 256, 8, lag, 1e-6), atol=1e-4)


def test_a_long_sound_is_measured_as_its_parts_are(rng: np.random.Generator) -> None:
    samples = rng.normal(size=2000 * 50).astype(np.float32)
    whole, part = onset_strength(samples, hop=50), onset_strength(samples[600 * 50 :], hop=50)
    np.testing.assert_allclose(whole[650:], part[50:], atol=1e-4)


def test_it_peaks_where_notes_begin_and_not_where_they_end() -> None:
    rate, hop = 22050, 220
    t = np.arange(4 * rate) / rate
    sound = np.where(t % 1 > 0.5, np.sin(2 * np.pi * 440 * t), 0).astype(np.float32)
    strength = onset_strength(sound, hop=hop)
    begins, ends = (np.round(np.arange(first, 4) * rate / hop).astype(int) for first in (0.5, 1.0))
    assert all(strength[k - 4 : k + 5].max() > 10 for k in begins)
    assert all(strength[k + 4 : k + 30].max() < 1 for k in ends)


def test_louder_is_not_more_onset(rng: np.random.Generator) -> None:
    sound = rng.normal(size=20000).astype(np.float32)
    np.testing.assert_allclose(onset_strength(sound, hop=200), onset_strength(8 * sound, hop=200), atol=0.01)


@pytest.mark.parametrize("sizes", [(10,), (1, 1, 8), (3, 3, 4), (0, 10), (1, 9)])
@pytest.mark.parametrize("lag", [1, 2, 3])
def test_the_chunks_of_levels_do_not_matter(sizes: tuple[int, ...], lag: int, rng: np.random.Generator) -> None:
    levels = rng.normal(size=(10, 4))
    np.testing.assert_allclose(flux(np.split(levels, np.cumsum(sizes)[:-1]), lag=lag), flux([levels], lag=lag))


def test_a_tone_is_in_its_band() -> None:
    sound = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    powers = np.concatenate(list(band_powers(sound, hop=441)))
    edges = band_edges() * RATE / 1024
    band = int(powers[5:-5].mean(axis=0).argmax())
    assert edges[band] <= 1000 < edges[band + 1]
    assert powers.shape == (RATE // 441 + 1, len(edges) - 1)
