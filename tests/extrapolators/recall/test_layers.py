import numpy as np
import pytest

from extrapcli.extrapolators.recall.layers import percussive_layer

RATE = 22050


def test_a_tone_is_harmonic_and_a_click_is_percussive() -> None:
    t = np.arange(4 * RATE) / RATE
    tone = np.sin(2 * np.pi * 440 * t)[:, None].astype(np.float32) * 0.3
    clicks = np.zeros_like(tone)
    clicks[RATE // 2 :: RATE // 2] = 1
    percussive = percussive_layer(tone + clicks, RATE)
    inner = slice(RATE // 4, -RATE // 4)
    harmonic = tone + clicks - percussive
    assert np.square(percussive[inner] - clicks[inner]).sum() < 0.3 * np.square(clicks[inner]).sum()
    assert np.square(harmonic[inner] - tone[inner]).mean() < 0.02 * np.square(tone[inner]).mean()


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_the_layer_has_the_shape_of_the_song(rate: int, channels: int, rng: np.random.Generator) -> None:
    samples = rng.normal(size=(rate + 17, channels)).astype(np.float32)
    percussive = percussive_layer(samples, rate)
    assert percussive.shape == samples.shape
    assert percussive.dtype == np.float32
    assert np.isfinite(percussive).all()


def test_splitting_a_long_song_in_chunks_leaves_no_trace(rng: np.random.Generator) -> None:
    samples = rng.normal(size=(20 * RATE, 1)).astype(np.float32)
    whole = percussive_layer(samples, RATE)
    hop = 512
    begin = 300 * hop
    piece = percussive_layer(samples[begin:], RATE)
    away = 12 * hop + 2048
    np.testing.assert_allclose(whole[begin + away :], piece[away:], atol=1e-4)


def test_a_silent_channel_stays_silent(rng: np.random.Generator) -> None:
    samples = rng.normal(size=(RATE, 2)).astype(np.float32)
    samples[:, 1] = 0
    assert np.abs(percussive_layer(samples, RATE)[:, 1]).max() < 1e-6
