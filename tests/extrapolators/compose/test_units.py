import numpy as np
import pytest

from extrapcli.extrapolators.compose.bands import NAMES
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import Spectra, band_columns
from extrapcli.extrapolators.compose.units import PER_SLOT, Units, distances

RATE = 22050
EDGES = np.arange(0.0, 8.01, 0.25)
SLOTS = Slots(EDGES, np.arange(32) % 8, 8, True)


@pytest.fixture(scope="module")
def sound() -> Spectra:
    rng = np.random.default_rng(0)
    notes = 110 * 2 ** (rng.integers(0, 24, 32) / 12)
    t = np.arange(RATE // 4) / RATE
    mono = np.concatenate([np.sin(2 * np.pi * note * t) * np.exp(-4 * t) for note in notes])
    return Spectra.of((mono + 0.01 * rng.normal(size=len(mono))).astype(np.float32))


@pytest.fixture(scope="module")
def units(sound: Spectra) -> Units:
    return Units.of(SLOTS, sound, 8.0)


def test_units_begin_twice_in_a_slot_and_last_as_long(units: Units) -> None:
    np.testing.assert_allclose(np.diff(units.begins), 0.125)
    np.testing.assert_allclose(units.ends - units.begins, 0.25)


@pytest.mark.parametrize("band", range(len(NAMES)))
def test_a_unit_is_nearest_to_itself(units: Units, band: int) -> None:
    targets = units.targets(units.spectra[5:20], band)
    np.testing.assert_allclose(targets[np.arange(15), np.arange(5, 20)], 0, atol=1e-5)
    assert targets.argmin(axis=1).tolist() == list(range(5, 20))


@pytest.mark.parametrize("band", range(len(NAMES)))
def test_joining_what_follows_anyway_costs_least(units: Units, band: int) -> None:
    joins = units.joins(band)
    k = np.arange(len(units) - PER_SLOT)
    assert np.all(joins[k, k + PER_SLOT] <= joins[k].min(axis=1) + 1e-4)


def test_a_softer_unit_gets_a_gain(units: Units) -> None:
    louder = units.spectra[:10] + 2.0
    gains = units.gains(louder, np.arange(10), 1, 6.0)
    np.testing.assert_allclose(gains, 2.0, atol=0.01)
    np.testing.assert_allclose(units.gains(louder, np.arange(10), 1, 1.5), 1.5, atol=0.01)


def test_distances_are_mean_differences(rng: np.random.Generator) -> None:
    one, other = rng.normal(size=(7, 5)).astype(np.float32), rng.normal(size=(9, 5)).astype(np.float32)
    expected = [[np.abs(a - b).mean() for b in other] for a in one]
    np.testing.assert_allclose(distances(one, other), expected, rtol=1e-5)


def test_every_column_belongs_to_one_band() -> None:
    columns = np.sort(np.concatenate(band_columns()))
    np.testing.assert_array_equal(columns, np.arange(116))


@pytest.mark.parametrize("note", [33, 45, 57, 69, 81, 93])
def test_a_note_is_where_it_belongs(note: int) -> None:
    hertz = 440 * 2 ** ((note - 69) / 12)
    tone = np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE).astype(np.float32)
    decibels = Spectra.of(tone).decibels[20:-20, :76].mean(axis=0)
    assert abs(int(decibels.argmax()) - (note - 28)) <= (1 if note < 45 else 0)


def test_means_between_times_are_those_of_the_frames(sound: Spectra) -> None:
    means = sound.between(np.array([1.0]), np.array([2.0]), 1)
    first, last = (round(time * RATE / 256) for time in (1.0, 2.0))
    np.testing.assert_allclose(means[0, 0], sound.decibels[first:last].mean(axis=0), rtol=1e-4)
