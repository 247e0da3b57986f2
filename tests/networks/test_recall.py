import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.networks.recall import HOP_SAMPLES, MATCH_WEIGHT, WINDOW_SAMPLES, log_mel, mel_bands, recall
from extrapcli.networks.settings import FRAME_SAMPLES, HOPS, RecallSettings

SETTINGS = RecallSettings(bands=16, width=8, vector=6, dilations=(1, 2, 4))


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(3)
    return recall(SETTINGS)


def frames(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.normal(size=(1, count, FRAME_SAMPLES)).astype(np.float32)


def test_spectra_are_those_of_a_fourier_transform(rng: np.random.Generator) -> None:
    """The two-step transform against numpy's, window by window."""
    context = keras.Input((None, FRAME_SAMPLES))
    sound = frames(2, rng)
    measured = keras.Model(context, log_mel(context, 16))(sound).numpy()[0]
    windows = np.lib.stride_tricks.sliding_window_view(sound.ravel(), WINDOW_SAMPLES)[::HOP_SAMPLES]
    power = np.abs(np.fft.rfft(windows * np.hanning(WINDOW_SAMPLES + 1)[:-1])) ** 2
    order = (np.arange(42)[:, None] + 42 * np.arange(16)).ravel()
    expected = 10 * np.log10(power[:, order] @ mel_bands(16) / WINDOW_SAMPLES + 1e-5)
    np.testing.assert_allclose(measured * 15 - 20, expected, atol=1e-3)


def test_mel_bands_are_weights_that_rise_in_frequency() -> None:
    weights = mel_bands(64)
    np.testing.assert_allclose(weights.sum(axis=0), 1, rtol=1e-5)
    k = (np.arange(42)[:, None] + 42 * np.arange(16)).ravel()
    centres = weights.T @ (k * FRAME_SAMPLES / WINDOW_SAMPLES)
    assert (np.diff(centres) > 0).all()
    assert 30 < centres[0] < 80
    assert 7000 < centres[-1] < 8000


@pytest.mark.slow
def test_mel_bands_are_those_of_librosa() -> None:
    from librosa.filters import mel

    bank = mel(
        sr=FRAME_SAMPLES, n_fft=WINDOW_SAMPLES, n_mels=64, fmin=30, fmax=8000, htk=True, norm=1, dtype=np.float64
    )
    k = (np.arange(42)[:, None] + 42 * np.arange(16)).ravel()
    np.testing.assert_allclose(mel_bands(64), bank[:, k].T, atol=1e-6)


@pytest.mark.parametrize("count", [1, 4, 9])
def test_any_number_of_frames_gives_25_rows_each(network: keras.Model, count: int, rng: np.random.Generator) -> None:
    outputs = network(frames(count, rng))
    assert {name: tuple(rows.shape) for name, rows in outputs.items()} == {
        "heard": (1, 25 * count, 14),
        "places": (1, 25 * count, 14),
        "spectra": (1, 25 * count, 16),
    }


def test_heard_knows_nothing_of_what_comes_after(network: keras.Model, rng: np.random.Generator) -> None:
    one = frames(6, rng)
    other = one.copy()
    other[0, 4:] = rng.normal(size=(2, FRAME_SAMPLES))
    first, second = (network(sound)["heard"].numpy()[0] for sound in (one, other))
    np.testing.assert_allclose(first[: 4 * HOPS], second[: 4 * HOPS], atol=1e-4)
    assert np.abs(first[4 * HOPS] - second[4 * HOPS]).max() > 1e-3


def test_places_know_both_sides_as_far_as_the_towers_reach(network: keras.Model, rng: np.random.Generator) -> None:
    one = frames(6, rng)
    reach = 2 * sum(SETTINGS.dilations) + 2
    for changed in (2, 4):
        other = one.copy()
        other[0, changed] = rng.normal(size=FRAME_SAMPLES)
        rows = np.abs(network(one)["places"].numpy() - network(other)["places"].numpy()).max(axis=(0, 2))
        differ = np.flatnonzero(rows > 1e-4)
        assert differ.min() >= changed * HOPS - reach
        assert differ.min() < changed * HOPS
        assert differ.max() > (changed + 1) * HOPS - 1


def test_a_piece_of_a_song_scores_as_within_the_song(network: keras.Model, rng: np.random.Generator) -> None:
    sound = frames(8, rng)
    whole, piece = network(sound), network(sound[:, 2:])
    margin = HOPS + 2
    for name in ("heard", "places", "spectra"):
        np.testing.assert_allclose(
            whole[name].numpy()[0, 2 * HOPS + margin : -margin], piece[name].numpy()[0, margin:-margin], atol=1e-3
        )


def test_the_score_is_query_and_key_less_the_distance_of_the_pasts(
    network: keras.Model, rng: np.random.Generator
) -> None:
    outputs = network(frames(6, rng))
    heard, places = outputs["heard"].numpy()[0], outputs["places"].numpy()[0]
    past, there = heard[:, :6] / (2 * MATCH_WEIGHT), places[:, :6]
    np.testing.assert_allclose(there[2:], past[1:-1], atol=1e-4)  # the past of a place is what was heard before it
    query, key = heard[60, 6:12], places[:, 6:12]
    bias = places[:, 12] + MATCH_WEIGHT * np.square(there).sum(axis=1)
    apart = MATCH_WEIGHT * np.square(past[60] - there).sum(axis=1)
    np.testing.assert_allclose(places @ heard[60], key @ query + bias - apart, atol=1e-3)
