from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.analysis.grid import grid, means
from extrapcli.analysis.spectra import MOMENTS_PER_SECOND


@given(
    times=st.lists(st.floats(0, 60), max_size=30).map(sorted),
    period=st.floats(0.2, 4),
    begin=st.floats(0, 20),
    seconds=st.floats(0.05, 50),
)
def test_a_grid_goes_from_begin_to_end_in_pieces_of_about_a_period(
    times: list[float], period: float, begin: float, seconds: float
) -> None:
    end = begin + seconds
    edges = grid(np.array(times), period=period, begin=begin, end=end)
    assert (edges[0], edges[-1]) == (begin, end)
    assert (np.diff(edges) >= 0).all()
    assert np.diff(edges).max() <= 1.5 * period * (1 + 1e-9)
    assert set(edges[1:-1]) >= {time for time in times if begin + period / 2 < time < end - period / 2}


def test_regular_beats_stay_and_gaps_are_filled() -> None:
    beats = np.array([2.0, 2.5, 3.0, 5.0])
    expected = [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.6]
    np.testing.assert_allclose(grid(beats, period=0.5, begin=0.0, end=5.6), expected)


def test_means_are_those_of_the_moments_in_between(rng: np.random.Generator) -> None:
    values = rng.normal(size=(10 * MOMENTS_PER_SECOND, 3)).astype(np.float32)
    edges = np.array([0.0, 1.0, 1.2, 4.0, 9.0])
    slow = [
        values[round(a * MOMENTS_PER_SECOND) : round(b * MOMENTS_PER_SECOND)].mean(axis=0) for a, b in pairwise(edges)
    ]
    np.testing.assert_allclose(means(values, edges), slow, atol=1e-5)


@pytest.mark.parametrize("edges", [[0.0, 0.01, 0.02], [9.9, 10.0, 12.0], [0.0, 0.0, 0.0]])
def test_short_pieces_and_those_beyond_the_end_have_a_moment(edges: list[float]) -> None:
    values = np.arange(150, dtype=np.float32)[:, None]
    found = means(values, np.array(edges))
    assert found.shape == (2, 1)
    assert np.isfinite(found).all()
    assert np.isin(found, values).all()
