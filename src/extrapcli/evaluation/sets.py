"""How much continuations, taken together, sound like what really followed: distances between sets of embeddings.

A set is a list of arrays `(patches, dimensions)`, one for each song, in the same order as in the other set.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist, pdist
from scipy.stats import t

Embeddings = NDArray[np.floating]
"""`(patches, dimensions)`."""

Distance = Callable[[Embeddings, Embeddings], float]

SCALE = 100  # as the paper prints it
LEAST_SONGS, LEAST_FOR_KAD, LEAST_PER_DIMENSION = 10, 100, 10


@dataclass(frozen=True)
class SetDistance:
    """A distance with its 95 % interval over songs, and reasons not to read much into it."""

    value: float
    low: float
    high: float
    songs: int
    embeddings: int
    warnings: tuple[str, ...]


def kad(made: Embeddings, true: Embeddings) -> float:
    """Compute the kernel audio distance: 100 times the unbiased squared MMD (Chung et al. 2025, arXiv 2502.15602).

    The kernel is Gaussian, as wide as the median distance within `true`. 0 is the same distribution; by chance it can
    be a little negative. Raises ValueError for fewer than two embeddings.
    """
    _check_enough(made, true)
    width = max(float(np.median(pdist(true))), 1e-9)

    def kernel(a: Embeddings, b: Embeddings) -> Embeddings:
        likeness: Embeddings = np.exp(-cdist(a, b, "sqeuclidean") / (2 * width**2))
        return likeness

    m, n = len(made), len(true)
    within_made = (kernel(made, made).sum() - m) / (m * (m - 1))
    within_true = (kernel(true, true).sum() - n) / (n * (n - 1))
    return float(SCALE * (within_made + within_true - 2 * kernel(made, true).mean()))


def fad(made: Embeddings, true: Embeddings) -> float:
    """Compute the Fréchet audio distance of two Gaussians fitted to the embeddings (Kilgour et al. 2019).

    `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`, never negative. It is biased upwards, the more the fewer embeddings
    there are (Gui et al. 2024), so compare only sets of one size, and never with a figure from another network than
    musicnn. Raises ValueError for fewer than two embeddings.
    """
    _check_enough(made, true)
    difference = made.mean(axis=0) - true.mean(axis=0)
    covariances = [np.cov(a, rowvar=False, dtype=np.float64) + 1e-9 * np.eye(a.shape[1]) for a in (made, true)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    return max(0.0, float(difference @ difference + np.trace(covariances[0] + covariances[1] - 2 * root)))


def set_distance(made: list[Embeddings], true: list[Embeddings], distance: Distance) -> SetDistance:
    """Compute a distance between two sets, with an interval from leaving out each song in turn (Tukey's jackknife).

    A bootstrap would draw songs twice, and equal embeddings in both sets bring them nearer. Raises ValueError where
    the sets have different numbers of songs or fewer than two, and where fewer than two embeddings are left without
    one of them.
    """
    return _jackknife(true, (made,), lambda true, made: distance(made, true), distance)


def set_difference(
    made: list[Embeddings], other: list[Embeddings], true: list[Embeddings], distance: Distance
) -> SetDistance:
    """Compute how much farther from the true set one set is than another, paired over songs as in `set_distance`."""
    return _jackknife(
        true, (made, other), lambda true, made, other: distance(made, true) - distance(other, true), distance
    )


def _jackknife(
    true: list[Embeddings],
    sets: tuple[list[Embeddings], ...],
    statistic: Callable[..., float],
    distance: Distance,
) -> SetDistance:
    """Compute a statistic of the true set and others, with its interval."""
    songs = len(true)
    if songs < 2 or any(len(one) != songs for one in sets):
        sizes = " and ".join(str(len(one)) for one in (*sets, true))
        raise ValueError(f"sets of {sizes} songs: all need the same songs, at least two")

    def without(left_out: int | None) -> float:
        kept = [[one for k, one in enumerate(songs) if k != left_out] for songs in (true, *sets)]
        return statistic(*map(np.concatenate, kept))

    value, others = without(None), np.array([without(k) for k in range(songs)])
    error = np.sqrt((songs - 1) / songs * np.square(others - others.mean()).sum())
    reach = float(t.ppf(0.975, songs - 1) * error)
    size = min(sum(map(len, one)) for one in (true, *sets))
    return SetDistance(value, value - reach, value + reach, songs, size, _warnings(songs, size, distance, true[0]))


def _check_enough(*sets: Embeddings) -> None:
    fewest = min(map(len, sets))
    if fewest < 2:
        raise ValueError(f"a set of {fewest} embeddings: a distance needs two or more")


def _warnings(songs: int, size: int, distance: Distance, some: Embeddings) -> tuple[str, ...]:
    warnings = []
    if songs < LEAST_SONGS:
        warnings.append(f"{songs} songs are too few for a reliable interval; it takes at least {LEAST_SONGS}")
    if distance is kad and size < LEAST_FOR_KAD:
        warnings.append(f"KAD of {size} embeddings is mostly chance; it takes at least {LEAST_FOR_KAD}")
    enough = LEAST_PER_DIMENSION * some.shape[1]
    if distance is fad and size < enough:
        warnings.append(
            f"FAD of {size} embeddings of {some.shape[1]} numbers is biased upwards; it takes {enough} to mean "
            "much by itself, so compare only sets of this size"
        )
    return tuple(warnings)
