"""How well one curve follows another."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from extrapcli.evaluation.following import CALM_TAGS, LIVELY_TAGS, following, tagged_energy
from extrapcli.evaluation.tagger import Tagger, Tagging


def test_the_correlation_is_spearmans(rng: np.random.Generator) -> None:
    one, other = rng.normal(size=60), rng.integers(0, 9, 60).astype(float)
    expected = spearmanr(one, other).statistic
    assert following(one, other, step_seconds=1).correlation == pytest.approx(expected)


def test_any_rising_curve_follows_a_rising_one() -> None:
    found = following(np.linspace(0, 1, 50), np.linspace(0, 1, 50) ** 3, step_seconds=1)
    assert found.correlation == pytest.approx(1)
    assert found.lag_seconds == 0


def test_the_lag_is_how_much_later_it_follows() -> None:
    wanted = np.sin(np.arange(120) / 10)
    found = following(wanted, np.sin((np.arange(120) - 4) / 10), step_seconds=2)
    assert found.lag_seconds == pytest.approx(8)


def test_a_curve_that_never_changes_follows_nothing() -> None:
    assert np.isnan(following(np.linspace(0, 1, 9), np.ones(9), step_seconds=1).correlation)


def test_the_tagger_knows_a_drone_from_drums(rng: np.random.Generator) -> None:
    rate, tagger = 16000, Tagger()
    at = np.arange(15 * rate) / rate
    drone = 0.05 * np.sin(2 * np.pi * 220 * at) * np.sin(2 * np.pi * 0.1 * at)
    drums = 0.5 * rng.normal(size=len(at)) * np.exp(-30 * (at % 0.25)) + np.sin(2 * np.pi * 60 * at) * np.exp(
        -20 * (at % 0.5)
    )
    calm, lively = (
        tagged_energy(tagger.tag(sound.astype(np.float32), rate), tagger.names).mean() for sound in (drone, drums)
    )
    assert lively > calm


def test_tags_count_for_one_side_each() -> None:
    names = [*CALM_TAGS, *LIVELY_TAGS, "guitar"]
    tags = np.array([[1] * 5 + [0] * 5 + [1], [0] * 5 + [1] * 5 + [0], [1] * 11], np.float32)
    np.testing.assert_allclose(tagged_energy(Tagging(tags, np.zeros((3, 200), np.float32)), names), [-1, 1, 0])
