import numpy as np
import pytest

from extrapcli.extrapolators.recall.hearing import Score
from extrapcli.extrapolators.recall.repetition import CombinationMemory, PlaceMemory

SECOND = 25


def score(seconds: int, rng: np.random.Generator) -> Score:
    """A song in which no second sounds like another."""
    rows = np.repeat(rng.normal(size=(seconds * 5, 64)), 5, axis=0).astype(np.float32)
    return Score(rows, rows, rows)


def test_a_place_heard_just_now_is_a_repetition_and_is_forgotten_after_75_seconds(rng: np.random.Generator) -> None:
    memory = PlaceMemory(score(100, rng), SECOND)
    memory.heard(0.0, 10.0, [20.0 * SECOND])
    share = memory.share(10.0, 5.0, 0, [0.0])
    assert share.shape == (100 * SECOND,)
    assert share[20 * SECOND : 25 * SECOND] == pytest.approx(1)
    assert share[: 15 * SECOND].max() == 0
    assert share[round(27.5 * SECOND)] == pytest.approx(0.5, abs=0.01)
    assert memory.share(60.0, 5.0, 0, [0.0])[20 * SECOND] > 0.9
    assert memory.share(86.0, 5.0, 0, [0.0]).max() == 0


def test_only_all_parts_together_are_a_repetition(rng: np.random.Generator) -> None:
    memory = CombinationMemory([score(30, rng), score(30, rng)], SECOND)
    memory.heard(0.0, 10.0, [5.0 * SECOND, 15.0 * SECOND])
    together = memory.share(10.0, 5.0, 0, [0.0, 15.0 * SECOND])
    assert together.shape == (30 * SECOND,)
    assert together[5 * SECOND] > 0.8
    assert together[12 * SECOND : 25 * SECOND].max() < 0.2
    apart = memory.share(10.0, 5.0, 0, [0.0, 2.0 * SECOND])
    assert apart[5 * SECOND] < 0.2


def test_combinations_are_forgotten_too(rng: np.random.Generator) -> None:
    memory = CombinationMemory([score(30, rng), score(30, rng)], SECOND)
    memory.heard(0.0, 10.0, [0.0, 0.0])
    memory.heard(300.0, 1.0, [20.0 * SECOND, 20.0 * SECOND])
    assert len(memory.times) == 5
    assert memory.share(301.0, 5.0, 0, [0.0, 0.0])[0] < 0.2
