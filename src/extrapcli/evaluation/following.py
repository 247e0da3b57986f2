"""How well the mood of a track follows the mood that was wanted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from extrapcli.evaluation.tagger import Tagging

CALM_TAGS = ("slow", "quiet", "soft", "ambient", "new age")
LIVELY_TAGS = ("fast", "loud", "beat", "beats", "dance")
MOST_LAG_SECONDS = 30.0
TIE = 1e-9

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Following:
    """How two curves go together.

    Attributes:
        correlation: Spearman's, -1 to 1; NaN where one of them never changes.
        lag_seconds: how much later the reached curve follows, 0 to 30 s: where the correlation is first highest.
    """

    correlation: float
    lag_seconds: float


def following(wanted: Values, reached: Values, *, step_seconds: float) -> Following:
    """Compare a wanted curve with the one that was reached, `(n,)` each, a value every `step_seconds`."""
    most = min(round(MOST_LAG_SECONDS / step_seconds), len(wanted) // 2)
    by_lag = np.array([_spearman(wanted[: len(wanted) - lag], reached[lag:]) for lag in range(most + 1)])
    lag = int(np.argmax(by_lag >= np.max(by_lag, initial=-1, where=~np.isnan(by_lag)) - TIE))
    return Following(float(by_lag[0]), lag * step_seconds)


def _spearman(one: Values, other: Values) -> float:
    """Return the correlation of the ranks (Spearman 1904)."""
    ranks = [rankdata(values) for values in (one, other)]
    if min(float(np.ptp(rank)) for rank in ranks) == 0:
        return np.nan
    return float(np.corrcoef(*ranks)[0, 1])


def tagged_energy(tagging: Tagging, names: list[str]) -> NDArray[np.float64]:
    """Return how lively each patch is by its tags, `(patches,)` from -1 to 1.

    The mean of five tags of lively music less that of five tags of calm music.
    """
    lively, calm = (
        tagging.tags[:, [names.index(tag) for tag in tags]].mean(axis=1, dtype=np.float64)
        for tags in (LIVELY_TAGS, CALM_TAGS)
    )
    energy: NDArray[np.float64] = lively - calm
    return energy
