import numpy as np
import pytest

from extrapcli.extrapolators.compose.bands import NAMES
from extrapcli.extrapolators.compose.candidates import PLACES, SLOT_NUMBERS, Candidates, distances
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import BINS, Spectra, band_columns


def test_a_slot_is_nearest_to_itself_and_to_its_repetition(candidates: Candidates) -> None:
    apart = candidates.own[1]
    np.testing.assert_allclose(np.diagonal(apart), 0, atol=1e-6)
    again = [row[k + 32] for k, row in enumerate(apart[:96])]
    assert np.median(again) < 0.2 < 0.8 < np.median(apart)


@pytest.mark.parametrize("layer", range(len(NAMES)))
def test_distances_are_in_units_of_the_median(candidates: Candidates, layer: int) -> None:
    assert candidates.scale[layer] > 0.7
    assert np.median(candidates.own[layer]) == pytest.approx(1, abs=1e-5)
    decibels = distances(*[candidates.spectra[..., band_columns()[layer]].reshape(128, -1)] * 2)
    np.testing.assert_allclose(candidates.own[layer] * candidates.scale[layer], decibels, rtol=1e-5)


def test_silence_has_distances_of_zero() -> None:
    silent = Candidates.of(
        Slots(np.arange(9) / 4, np.arange(8), 8, True), Spectra.of(np.zeros(2 * 22050, np.float32))
    )
    assert np.all(silent.own == 0)
    assert np.all(np.isfinite(silent.sounds(silent.spectra)))
    assert np.all(silent.energies == 0)


def test_energies_follow_the_level() -> None:
    rng = np.random.default_rng(0)
    loud = np.repeat([0.1, 1.0, 0.1], 8 * 22050).astype(np.float32) * rng.normal(size=24 * 22050).astype(np.float32)
    energies = Candidates.of(Slots(np.arange(97) / 4, np.arange(96) % 8, 8, True), Spectra.of(loud)).energies
    assert energies[40:56].min() > 1
    assert energies[:24].max() < 0 > energies[72:].max()
    assert energies.mean() == pytest.approx(0, abs=1e-5)


def test_layers_of_different_slots_are_put_together(candidates: Candidates) -> None:
    layered = candidates.layered(np.array([[3, 4], [50, 51], [90, 7]]))
    for layer, columns in enumerate(band_columns()):
        slot = (3, 50, 90)[layer]
        np.testing.assert_array_equal(layered[0][:, columns], candidates.spectra[slot][:, columns])


def test_the_network_is_told_sound_and_place(candidates: Candidates) -> None:
    sounds, places = candidates.sounds(candidates.spectra), candidates.places(candidates.moments, candidates.energies)
    assert sounds.shape == (128, 2 * BINS)
    assert places.shape == (128, PLACES)
    assert sounds.shape[1] + 2 * places.shape[1] == SLOT_NUMBERS
    np.testing.assert_allclose(places[:8, :6], places[8:16, :6], atol=1e-5)
    assert len(np.unique(places[:8, :2].round(4), axis=0)) == 8


def test_without_bars_places_say_nothing(candidates: Candidates) -> None:
    loose = Candidates(candidates.spectra, candidates.moments, 0)
    assert np.all(loose.places(loose.moments, loose.energies)[:, :-1] == 0)
