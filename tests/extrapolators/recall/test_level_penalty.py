import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.level_penalty import TOLERANCE_DECIBELS, WEIGHT, LevelPenalty
from tests.extrapolators.recall.conftest import PER_SECOND, RATE, analysed


def steps(*levels: float) -> NDArray[np.float32]:
    """Ten seconds of a tone at each level in decibels, where 0 is unit power."""
    tone = np.sqrt(2) * np.sin(np.arange(10 * RATE))
    return np.concatenate([tone * 10 ** (level / 20) for level in levels]).astype(np.float32)


def test_the_cost_grows_with_the_decibels_beyond_the_tolerance() -> None:
    cost = LevelPenalty(analysed(steps(0, 1, -12, 6))).cost(5.0, [0], [0.0])
    assert cost.shape == (40 * PER_SECOND,)
    assert cost[: 15 * PER_SECOND].max() == pytest.approx(0, abs=1e-3)
    assert cost[22 * PER_SECOND] == pytest.approx(WEIGHT * (12 - TOLERANCE_DECIBELS), abs=0.01)
    assert cost[32 * PER_SECOND] == pytest.approx(WEIGHT * (6 - TOLERANCE_DECIBELS), abs=0.01)


def test_the_level_is_that_of_all_layers_together() -> None:
    level = LevelPenalty(analysed(steps(-3, -30), steps(-3, -30)))
    beside_loud, beside_quiet = (level.cost(5.0, [0], [0.0, position]) for position in (0.0, 12.0 * PER_SECOND))
    assert beside_loud[0] == pytest.approx(0, abs=1e-3)
    assert beside_loud[12 * PER_SECOND] < beside_quiet[12 * PER_SECOND]
    together = level.cost(5.0, [0, 1], [0.0, 12.0 * PER_SECOND])
    assert together[0] == pytest.approx(0, abs=1e-3)
    assert together[12 * PER_SECOND] > beside_loud[12 * PER_SECOND] + 5


def test_near_the_end_the_level_is_that_of_the_rest_of_the_song() -> None:
    assert LevelPenalty(analysed(steps(0))).cost(30.0, [0], [0.0]).max() == pytest.approx(0, abs=1e-3)
