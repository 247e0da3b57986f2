"""Distances of sets: none between two of a kind, known ones between Gaussians, and what their intervals say."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extrapcli.evaluation.sets import fad, kad, set_difference, set_distance
from tests.evaluation.golden.measures import fad_by_singular_values, kad_by_loops
from tests.evaluation.sounds import few

Array = NDArray[np.floating]
Distance = Callable[[Array, Array], float]


def drawn(count: int, *, seed: int, dimensions: int = 8, at: float = 0.0, spread: float = 1.0) -> Array:
    """Draw embeddings from a Gaussian with mean `at` from 0, and the same standard deviation in all dimensions."""
    rng = np.random.default_rng(seed)
    sample: Array = at / dimensions**0.5 + spread * rng.normal(size=(count, dimensions))
    return sample


def songs(count: int, *, seed: int, patches: int = 6, at: float = 0.0, dimensions: int = 8) -> list[Array]:
    """Draw songs; patches of one song are more similar than those of different songs."""
    own = drawn(count, seed=seed, at=at, dimensions=dimensions)
    return [
        mean + drawn(patches, seed=1000 * seed + k, spread=0.5, dimensions=dimensions) for k, mean in enumerate(own)
    ]


def exact(count: int, mean: Array, deviations: Array, seed: int) -> Array:
    """Draw embeddings with exactly this mean and these standard deviations, uncorrelated."""
    sample = drawn(count, seed=seed, dimensions=len(mean))
    sample -= sample.mean(axis=0)
    whitened = sample @ np.linalg.inv(np.linalg.cholesky(np.cov(sample, rowvar=False))).T
    return mean + whitened * deviations


@pytest.mark.parametrize("seed", range(3))
def test_kad_is_what_its_formula_says(seed: int) -> None:
    made, true = drawn(30, seed=seed, at=0.5), drawn(25, seed=seed + 10)
    assert kad(made, true) == pytest.approx(kad_by_loops(made, true), rel=1e-9)


@pytest.mark.parametrize(("count", "dimensions"), [(40, 3), (40, 20), (12, 60)])
def test_fad_is_what_another_formula_gives(count: int, dimensions: int) -> None:
    """Even with fewer embeddings than dimensions, where covariances have no inverse."""
    made, true = (
        drawn(count, seed=1, dimensions=dimensions, at=1, spread=1.5),
        drawn(count, seed=2, dimensions=dimensions),
    )
    assert fad(made, true) == pytest.approx(fad_by_singular_values(made, true), rel=1e-5)


@few
@given(
    apart=st.lists(st.floats(-3, 3), min_size=4, max_size=4),
    here=st.lists(st.floats(0.1, 3), min_size=4, max_size=4),
    there=st.lists(st.floats(0.1, 3), min_size=4, max_size=4),
)
def test_fad_of_gaussians_is_in_closed_form(apart: list[float], here: list[float], there: list[float]) -> None:
    made, true = exact(50, np.array(apart), np.array(here), 1), exact(60, np.zeros(4), np.array(there), 2)
    wanted = np.square(apart).sum() + np.square(np.subtract(here, there)).sum()
    assert fad(made, true) == pytest.approx(wanted, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("distance", [kad, fad])
def test_a_shift_makes_it_grow(distance: Distance) -> None:
    true = drawn(150, seed=1)
    found = [distance(drawn(150, seed=2, at=at), true) for at in (0, 0.5, 1, 2, 4)]
    assert found == sorted(found)
    assert found[-1] > 10 * max(found[0], 0.1)


@pytest.mark.parametrize("distance", [kad, fad])
def test_a_set_is_nearest_to_itself(distance: Distance) -> None:
    one, other = drawn(150, seed=1), drawn(150, seed=2)
    assert distance(one, one) < distance(other, one)
    assert fad(one, one) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("distance", "spread", "share"), [(fad, 1.5, 1e-6), (kad, 1.0, 0.1), (kad, 1.5, 0.5)])
def test_exchanging_the_sets_hardly_matters(distance: Distance, spread: float, share: float) -> None:
    """FAD is symmetric; KAD takes its kernel's width from the true set."""
    one, other = drawn(150, seed=1), drawn(150, seed=2, at=2, spread=spread)
    assert distance(one, other) == pytest.approx(distance(other, one), rel=share)


@few
@given(scale=st.floats(0.01, 100))
def test_kad_has_no_unit(scale: float) -> None:
    one, other = drawn(40, seed=1), drawn(40, seed=2, at=1)
    assert kad(scale * one, scale * other) == pytest.approx(kad(one, other), rel=1e-6)


def test_two_halves_of_one_distribution_are_not_apart() -> None:
    """KAD of independent embeddings is unbiased: 0 on average, and within about nineteen of twenty intervals."""
    found = [
        set_distance(
            list(drawn(120, seed=seed).reshape(20, 6, -1)), list(drawn(120, seed=100 + seed).reshape(20, 6, -1)), kad
        )
        for seed in range(30)
    ]
    values = np.array([one.value for one in found])
    assert abs(values.mean()) < 3 * values.std() / 30**0.5
    assert sum(one.low <= 0 <= one.high for one in found) >= 27


def test_other_moments_of_the_same_songs_are_not_apart() -> None:
    """Unlike those of other songs."""
    halves = [songs(20, seed=seed, patches=12) for seed in range(10)]
    paired = [set_distance([a[:6] for a in one], [a[6:] for a in one], kad).value for one in halves]
    others = [
        set_distance([a[:6] for a in one], [a[6:] for a in other], kad).value for one, other in pairwise(halves)
    ]
    assert abs(np.mean(paired)) < 0.5
    assert np.mean(others) > 1


def test_two_distributions_are_apart() -> None:
    found = set_distance(songs(20, seed=1, at=2), songs(20, seed=2), kad)
    assert found.low > 0


@pytest.mark.parametrize("distance", [kad, fad])
@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_interval_is_around_the_value(distance: Distance, count: int) -> None:
    found = set_distance(songs(count, seed=1, at=1), songs(count, seed=2), distance)
    assert found.low <= found.value <= found.high
    assert found.high - found.value == pytest.approx(found.value - found.low)
    assert (found.songs, found.embeddings) == (count, 6 * count)


def test_the_interval_is_tukeys() -> None:
    """For the difference of two means, the jackknife gives the usual standard error."""
    one, other = drawn(12, seed=1, dimensions=1), drawn(12, seed=2, dimensions=1)
    found = set_distance(list(one[:, None]), list(other[:, None]), lambda a, b: float(a.mean() - b.mean()))
    error = np.std(one - other, ddof=1) / 12**0.5
    assert found.high - found.value == pytest.approx(2.200985 * error)  # Student's t for 11 degrees, 95 %


def test_the_interval_narrows_with_more_songs() -> None:
    few_songs, many = (set_distance(songs(count, seed=3, at=1), songs(count, seed=4), kad) for count in (8, 60))
    assert many.high - many.low < (few_songs.high - few_songs.low) / 2


@pytest.mark.parametrize("distance", [kad, fad])
def test_a_difference_is_that_of_two_distances(distance: Distance) -> None:
    made, other, true = songs(12, seed=1, at=2), songs(12, seed=2, at=1), songs(12, seed=3)
    found = set_difference(made, other, true, distance)
    apart = [set_distance(one, true, distance).value for one in (made, other)]
    assert found.value == pytest.approx(apart[0] - apart[1])
    assert set_difference(other, made, true, distance).low == pytest.approx(-found.high)


def test_a_difference_is_paired_over_songs() -> None:
    """What two sets have in common, such as how easy each song is, does not widen the interval."""
    true = songs(20, seed=1)
    shared = songs(20, seed=2, at=1)
    made = [one + 0.3 for one in shared]
    found, alone = set_difference(made, shared, true, kad), set_distance(made, true, kad)
    assert found.low > 0
    assert found.high - found.low < (alone.high - alone.low) / 2


@pytest.mark.parametrize(
    ("count", "patches", "dimensions", "distance", "warned"),
    [
        (9, 20, 8, kad, ["9 songs are too few"]),
        (10, 10, 8, kad, []),
        (11, 9, 8, kad, ["KAD of 99 embeddings"]),
        (2, 3, 8, kad, ["2 songs", "KAD of 6 embeddings"]),
        (10, 8, 8, fad, []),
        (11, 7, 8, fad, ["FAD of 77 embeddings of 8 numbers is biased upwards; it takes 80"]),
    ],
)
def test_small_sets_have_warnings(
    count: int, patches: int, dimensions: int, distance: Distance, warned: list[str]
) -> None:
    made, true = (songs(count, seed=seed, patches=patches, dimensions=dimensions) for seed in (1, 2))
    found = set_distance(made, true, distance).warnings
    assert len(found) == len(warned)
    for text, start in zip(found, warned, strict=True):
        assert text.startswith(start)


@pytest.mark.parametrize("counts", [(3, 4), (1, 1), (0, 0)])
def test_sets_are_of_the_same_two_songs_or_more(counts: tuple[int, int]) -> None:
    made, true = (songs(count, seed=1) for count in counts)
    with pytest.raises(ValueError, match=f"sets of {counts[0]} and {counts[1]} songs"):
        set_distance(made, true, kad)
    with pytest.raises(ValueError, match=f"sets of {counts[0]} and {counts[0]} and {counts[1]} songs"):
        set_difference(made, made, true, kad)


@pytest.mark.parametrize("distance", [kad, fad])
def test_one_embedding_is_no_set(distance: Distance) -> None:
    with pytest.raises(ValueError, match="a set of 1 embeddings"):
        distance(drawn(1, seed=1), drawn(5, seed=2))
    with pytest.raises(ValueError, match="a set of 1 embeddings"):
        set_distance(songs(2, seed=1, patches=1), songs(2, seed=2, patches=1), distance)
