import numpy as np
import pytest

from extrapcli.extrapolators.compose.bands import NAMES, Bands

BANDS = range(len(NAMES))


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_the_bands_of_any_stretch_add_up_to_the_song(rate: int, channels: int, rng: np.random.Generator) -> None:
    song = rng.normal(size=(2 * rate, channels)).astype(np.float32)
    bands = Bands(song, rate)
    for begin, end in ((0, 2 * rate), (17, 18), (rate, rate + 999)):
        together = sum(bands.read(band, begin, end) for band in BANDS)
        np.testing.assert_allclose(together, song[begin:end], atol=1e-5)


@pytest.mark.parametrize(("hertz", "band"), [(60, 0), (150, 0), (300, 1), (3000, 1), (5000, 2), (9000, 2)])
@pytest.mark.parametrize("rate", [22050, 48000])
def test_a_tone_is_in_one_band(hertz: int, band: int, rate: int) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(2 * rate) / rate)[:, None].astype(np.float32)
    bands = Bands(tone, rate)
    inner = rate // 2, rate * 3 // 2
    powers = [np.square(bands.read(other, *inner)).mean() / 0.5 for other in BANDS]
    assert powers[band] > 0.95
    assert sum(powers) - powers[band] < 0.01


def test_a_stretch_is_the_same_however_it_is_read(rng: np.random.Generator) -> None:
    bands = Bands(rng.normal(size=(30000, 2)).astype(np.float32), 22050)
    for band in BANDS:
        whole = bands.read(band, 100, 29000)
        parts = [bands.read(band, begin, min(begin + 3001, 29000)) for begin in range(100, 29000, 3001)]
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)


def test_beyond_the_song_is_silence(rng: np.random.Generator) -> None:
    song = rng.normal(size=(22050, 1)).astype(np.float32)
    bands = Bands(song, 22050)
    for begin, end in ((-30000, -20000), (40000, 50000), (-10000, 60000)):
        together = sum(bands.read(band, begin, end) for band in BANDS)
        expected = np.zeros((end - begin, 1), np.float32)
        if begin < 0 < end:
            expected[-begin : 22050 - begin] = song
        np.testing.assert_allclose(together, expected, atol=1e-5)


def test_a_song_of_eight_kilohertz_has_no_treble(rng: np.random.Generator) -> None:
    bands = Bands(rng.normal(size=(8000, 1)).astype(np.float32), 8000)
    assert np.abs(bands.read(2, 0, 8000)).max() < 1e-6
