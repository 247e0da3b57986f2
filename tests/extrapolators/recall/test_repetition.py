import numpy as np
import pytest

from extrapcli.extrapolators.recall.encoder import Score
from extrapcli.extrapolators.recall.repetition import MEMORY_SECONDS, Memory

SECOND = 25


def score(seconds: int, rng: np.random.Generator, repeats: int = 1) -> Score:
    """A song in which no second sounds like another, once or several times over."""
    rows = np.tile(np.repeat(rng.normal(size=(seconds * 5, 64)), 5, axis=0), (repeats, 1)).astype(np.float32)
    return Score(rows, rows, rows)


def test_what_was_heard_is_a_repetition_until_it_is_forgotten(rng: np.random.Generator) -> None:
    memory = Memory([score(100, rng)], SECOND)
    memory.note(0.0, 10.0, [20.0 * SECOND])
    share = memory.share(5.0, [0], [0.0])
    assert share.shape == (100 * SECOND,)
    assert share[21 * SECOND : 24 * SECOND].min() > 0.9
    assert share[: 14 * SECOND].max() < 0.1
    assert share[27 * SECOND] == pytest.approx(0.6, abs=0.15)
    memory.note(MEMORY_SECONDS + 11, MEMORY_SECONDS + 12, [80.0 * SECOND])
    assert memory.share(5.0, [0], [0.0])[20 * SECOND] < 0.1


def test_the_same_sound_elsewhere_in_the_song_is_a_repetition_too(rng: np.random.Generator) -> None:
    memory = Memory([score(40, rng, repeats=2)], SECOND)
    memory.note(0.0, 10.0, [20.0 * SECOND])
    share = memory.share(5.0, [0], [0.0])
    assert share[61 * SECOND : 64 * SECOND].min() > 0.9
    assert share[45 * SECOND : 50 * SECOND].max() < 0.1


def test_only_all_parts_together_are_a_repetition(rng: np.random.Generator) -> None:
    memory = Memory([score(30, rng), score(30, rng)], SECOND)
    memory.note(0.0, 10.0, [5.0 * SECOND, 15.0 * SECOND])
    together = memory.share(5.0, [0], [0.0, 15.0 * SECOND])
    assert together.shape == (30 * SECOND,)
    assert together[5 * SECOND] > 0.8
    assert together[12 * SECOND : 25 * SECOND].max() < 0.2
    apart = memory.share(5.0, [0], [0.0, 2.0 * SECOND])
    assert apart[5 * SECOND] < 0.2


def test_parts_that_go_together_repeat_what_they_played_together(rng: np.random.Generator) -> None:
    memory = Memory([score(30, rng), score(30, rng)], SECOND)
    memory.note(0.0, 10.0, [5.0 * SECOND, 5.0 * SECOND])
    share = memory.share(5.0, [0, 1], [29.0 * SECOND, 29.0 * SECOND])
    assert share[6 * SECOND : 9 * SECOND].min() > 0.8
    assert share[16 * SECOND :].max() < 0.2
    memory.note(10.0, 20.0, [25.0 * SECOND, 15.0 * SECOND])
    assert memory.share(5.0, [0, 1], [0.0, 0.0])[16 * SECOND] < 0.2


def test_what_is_noted_in_pieces_is_noted_whole(rng: np.random.Generator) -> None:
    made = score(30, rng)
    whole, pieces = Memory([made], SECOND), Memory([made], SECOND)
    whole.note(0.0, 6.0, [5.0 * SECOND])
    for k in range(60):
        pieces.note(k / 10, (k + 1) / 10, [(5 + k / 10) * SECOND])
    assert len(pieces.times) == len(whole.times) == 30
    np.testing.assert_allclose(pieces.share(5.0, [0], [0.0]), whole.share(5.0, [0], [0.0]))


def test_a_memory_holds_no_more_than_it_needs(rng: np.random.Generator) -> None:
    memory = Memory([score(30, rng)], SECOND)
    assert memory.share(5.0, [0], [0.0]).max() == 0
    for now in range(600):
        memory.note(now, now + 1.0, [20.0 * SECOND])
    assert memory.likeness[0].shape[1] <= 5 * (MEMORY_SECONDS + 1)
