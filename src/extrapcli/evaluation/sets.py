"""Do continuations, taken together, sound like what really followed? Distances between two sets of embeddings.

A set is a list of arrays `(patches, dimensions)`, one for each song, in the order of the songs of the other set.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist, pdist
from scipy.stats import t

Array = NDArray[np.floating]
Distance = Callable[[Array, Array], float]

SCALE = 100  # as the paper prints it
LEAST_SONGS, LEAST_FOR_KAD, LEAST_PER_DIMENSION = 10, 100, 10


@dataclass(frozen=True)
class SetDistance:
    """A distance with its 95 % interval over songs, and what speaks against reading much into it."""

    value: float
    low: float
    high: float
    songs: int
    embeddings: int
    warnings: tuple[str, ...]


def kad(made: Array, true: Array) -> float:
    """Kernel audio distance, without unit: 100 times the unbiased squared MMD (Chung et al. 2025, arXiv 2502.15602).

    The kernel is Gaussian, as wide as the median distance within `true`. 0 is the same distribution; chance takes it
    a little below. Raises ValueError for fewer than two embeddings.
    """
    _check_enough(made, true)
    width = max(float(np.median(pdist(true))), 1e-9)

    def kernel(a: Array, b: Array) -> Array:
        likeness: Array = np.exp(-cdist(a, b, "sqeuclidean") / (2 * width**2))
        return likeness

    m, n = len(made), len(true)
    within_made = (kernel(made, made).sum() - m) / (m * (m - 1))
    within_true = (kernel(true, true).sum() - n) / (n * (n - 1))
    return float(SCALE * (within_made + within_true - 2 * kernel(made, true).mean()))


def fad(made: Array, true: Array) -> float:
    """Fréchet audio distance of two Gaussians fitted to the embeddings, 0 and more (Kilgour et al. 2019).

    `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`. It is biased upwards, the more the fewer embeddings there are
    (Gui et al. 2024), so it compares sets of one size. It is a distance of musicnn's embeddings: no figure from
    another network stands beside it. Raises ValueError for fewer than two embeddings.
    """
    _check_enough(made, true)
    apart = made.mean(axis=0) - true.mean(axis=0)
    covariances = [np.cov(a, rowvar=False, dtype=np.float64) + 1e-9 * np.eye(a.shape[1]) for a in (made, true)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    return max(0.0, float(apart @ apart + np.trace(covariances[0] + covariances[1] - 2 * root)))


def between(made: list[Array], true: list[Array], distance: Distance) -> SetDistance:
    """A distance between two sets, with an interval from leaving out each song in turn (Tukey's jackknife).

    Raises ValueError for sets of different or of fewer than two songs, and where less than two embeddings are left
    without one of them.
    """
    songs = len(made)
    if songs != len(true) or songs < 2:
        raise ValueError(f"sets of {songs} and {len(true)} songs: both need the same two songs or more")
    value = distance(np.concatenate(made), np.concatenate(true))
    without = np.array([
        distance(np.concatenate(made[:k] + made[k + 1 :]), np.concatenate(true[:k] + true[k + 1 :]))
        for k in range(songs)
    ])  # fmt: skip
    error = np.sqrt((songs - 1) / songs * np.square(without - without.mean()).sum())
    reach = float(t.ppf(0.975, songs - 1) * error)
    size = min(sum(map(len, made)), sum(map(len, true)))
    return SetDistance(value, value - reach, value + reach, songs, size, _warnings(songs, size, distance, true[0]))


def _check_enough(*sets: Array) -> None:
    fewest = min(map(len, sets))
    if fewest < 2:
        raise ValueError(f"a set of {fewest} embeddings: a distance takes two or more")


def _warnings(songs: int, size: int, distance: Distance, some: Array) -> tuple[str, ...]:
    warnings = []
    if songs < LEAST_SONGS:
        warnings.append(f"{songs} songs are too few for an interval to be relied on; {LEAST_SONGS} are the least")
    if distance is kad and size < LEAST_FOR_KAD:
        warnings.append(f"KAD of {size} embeddings is mostly chance; {LEAST_FOR_KAD} are the least")
    enough = LEAST_PER_DIMENSION * some.shape[1]
    if distance is fad and size < enough:
        warnings.append(
            f"FAD of {size} embeddings of {some.shape[1]} numbers is biased upwards; it takes {enough} to mean "
            "much by itself, fewer only compare sets of this size"
        )
    return tuple(warnings)
