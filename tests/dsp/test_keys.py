import numpy as np
import pytest

from extrapcli.dsp import key_correlations
from extrapcli.dsp.keys import LISTENERS, SCORES


@pytest.mark.parametrize("profiles", [LISTENERS, SCORES])
def test_it_is_pearson_s_correlation(profiles: tuple[tuple[float, ...], ...], rng: np.random.Generator) -> None:
    strengths = rng.random(12)
    expected = [
        [np.corrcoef(np.roll(profile, tonic), strengths)[0, 1] for tonic in range(12)] for profile in profiles
    ]
    np.testing.assert_allclose(key_correlations(strengths, profiles=(profiles[0], profiles[1])), expected, atol=1e-12)


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(("mode", "scale"), [(0, (0, 2, 4, 5, 7, 9, 11)), (1, (0, 2, 3, 5, 7, 8, 10))])
def test_a_scale_that_dwells_on_its_triad_is_in_its_key(tonic: int, mode: int, scale: tuple[int, ...]) -> None:
    strengths = np.zeros(12)
    strengths[list(scale)] = 1
    strengths[[scale[0], scale[2], scale[4]]] = 3
    found = key_correlations(np.roll(strengths, tonic))
    assert divmod(int(found.argmax()), 12) == (mode, tonic)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_no_key_fits_strengths_that_are_all_the_same(value: float) -> None:
    assert np.abs(key_correlations(np.full(12, value))).max() < 1e-9
