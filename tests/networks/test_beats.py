import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.networks.beats import BANDS, HOP_SAMPLES, MARGINS, SAMPLE_RATE, band_filters, beats, state_size
from extrapcli.networks.beats import features as features_of
from tests.networks.golden.beatnet import GOLDEN, sounds

RELEASED = Path(__file__).parents[2] / "models" / "beats" / "model.keras"
SILENT_HOPS = 2  # before the sound, as for the golden values


@pytest.fixture(scope="module")
def beatnet() -> keras.Model:
    """BeatNet's networks, with the weights that are released."""
    released = keras.saving.load_model(RELEASED, compile=False)
    model = beats()
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(released.get_layer(layer.name).get_weights())
    return model


def run(
    model: keras.Model, context: NDArray[np.float32], state: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the activations of each frame, [beat, downbeat], and the state after them."""
    given = model.predict_on_batch({"context": context[None], "state": state})
    return np.stack([given["beat"][0], given["downbeat"][0]], axis=-1), np.asarray(given["next_state"])


def hops(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fold a sound to hops, with silence around."""
    before, after = (HOP_SAMPLES * count for count in (SILENT_HOPS + MARGINS[0], MARGINS[1]))
    return np.pad(sound, (before, after)).reshape(-1, HOP_SAMPLES)


@pytest.mark.parametrize("name", ["song", "drums"])
def test_activations_are_those_of_beatnets_own_code(beatnet: keras.Model, name: str) -> None:
    """To 0.001, as the released weights are rounded to float16; with those of BeatNet it is 0.0001."""
    activations, _ = run(beatnet, hops(sounds()[name]), np.zeros((1, state_size()), np.float32))
    np.testing.assert_allclose(activations[SILENT_HOPS:], json.loads(GOLDEN.read_text())[name], atol=1e-3)


def test_slices_give_what_the_whole_gives(beatnet: keras.Model) -> None:
    context, state = hops(sounds()["drums"]), np.zeros((1, state_size()), np.float32)
    whole, last = run(beatnet, context, state)
    parts = []
    for begin, end in ((0, 100), (100, 103), (103, len(whole))):
        part, state = run(beatnet, context[begin : end + sum(MARGINS)], state)
        parts.append(part)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)
    np.testing.assert_allclose(state, last, atol=1e-5)


def test_bands_are_filtered_spectra_and_their_rise(rng: np.random.Generator) -> None:
    """The two-step transform, folded to half of its rows, against numpy's."""
    context = keras.Input((None, HOP_SAMPLES))
    sound = rng.normal(size=(30, HOP_SAMPLES)).astype(np.float32)
    measured = keras.Model(context, features_of(context))(sound[None]).numpy()[0]
    windows = np.lib.stride_tricks.sliding_window_view(sound.ravel(), 1411)[2 * HOP_SAMPLES - 705 :: HOP_SAMPLES][:27]
    spectra = np.abs(np.fft.fft(windows * np.hanning(1411)))
    order = (np.arange(9)[:, None] + 17 * np.arange(83)).ravel()
    level = np.log10(1 + spectra[:, order] @ band_filters())
    expected = np.concatenate([level[1:], np.maximum(0, np.diff(level, axis=0))], axis=1)
    np.testing.assert_allclose(measured, expected, atol=1e-5)


def test_each_filter_is_a_mean_around_a_note() -> None:
    filters = band_filters()
    assert filters.shape[1] == BANDS
    np.testing.assert_allclose(filters.sum(axis=0), 1, rtol=1e-5)
    k = (np.arange(9)[:, None] + 17 * np.arange(83)).ravel()
    centres = filters.T @ (np.minimum(k, 1411 - k) * SAMPLE_RATE / 1411)
    assert (np.diff(centres) > 0).all()
    octaves = np.log2(centres[60:] / 440) * 24
    assert np.abs(octaves - np.rint(octaves)).max() < 0.5
    assert centres[0] < 60
    assert centres[-1] > 10_000


@pytest.mark.slow
def test_a_released_model_loads_without_this_package() -> None:
    script = (
        f"import keras, sys; keras.saving.load_model({str(RELEASED)!r}); "
        "assert not any(name.startswith('extrapcli') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
