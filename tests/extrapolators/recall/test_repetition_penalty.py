import numpy as np
import pytest

from extrapcli.extrapolators.recall.encoder import Encoding
from extrapcli.extrapolators.recall.repetition_penalty import MEMORY_SECONDS, RepetitionPenalty

SECOND = 25


def encoding(seconds: int, rng: np.random.Generator, repeats: int = 1) -> Encoding:
    """A song in which no second sounds like another, played once or several times."""
    rows = np.tile(np.repeat(rng.normal(size=(seconds * 5, 64)), 5, axis=0), (repeats, 1)).astype(np.float32)
    return Encoding(rows, rows, rows)


def test_recent_sound_counts_as_repeated_until_it_is_forgotten(rng: np.random.Generator) -> None:
    penalty = RepetitionPenalty([encoding(100, rng)], SECOND)
    penalty.record(0.0, 10.0, [20.0 * SECOND])
    share = penalty.repeated_share(5.0, [0], [0.0])
    assert share.shape == (100 * SECOND,)
    assert share[21 * SECOND : 24 * SECOND].min() > 0.9
    assert share[: 14 * SECOND].max() < 0.1
    assert share[27 * SECOND] == pytest.approx(0.6, abs=0.15)
    penalty.record(MEMORY_SECONDS + 11, MEMORY_SECONDS + 12, [80.0 * SECOND])
    assert penalty.repeated_share(5.0, [0], [0.0])[20 * SECOND] < 0.1


def test_the_same_sound_elsewhere_in_the_song_counts_as_repeated_too(rng: np.random.Generator) -> None:
    penalty = RepetitionPenalty([encoding(40, rng, repeats=2)], SECOND)
    penalty.record(0.0, 10.0, [20.0 * SECOND])
    share = penalty.repeated_share(5.0, [0], [0.0])
    assert share[61 * SECOND : 64 * SECOND].min() > 0.9
    assert share[45 * SECOND : 50 * SECOND].max() < 0.1


def test_only_all_layers_together_count_as_repeated(rng: np.random.Generator) -> None:
    penalty = RepetitionPenalty([encoding(30, rng), encoding(30, rng)], SECOND)
    penalty.record(0.0, 10.0, [5.0 * SECOND, 15.0 * SECOND])
    together = penalty.repeated_share(5.0, [0], [0.0, 15.0 * SECOND])
    assert together.shape == (30 * SECOND,)
    assert together[5 * SECOND] > 0.8
    assert together[12 * SECOND : 25 * SECOND].max() < 0.2
    apart = penalty.repeated_share(5.0, [0], [0.0, 2.0 * SECOND])
    assert apart[5 * SECOND] < 0.2


def test_layers_that_jump_together_repeat_what_they_played_together(rng: np.random.Generator) -> None:
    penalty = RepetitionPenalty([encoding(30, rng), encoding(30, rng)], SECOND)
    penalty.record(0.0, 10.0, [5.0 * SECOND, 5.0 * SECOND])
    share = penalty.repeated_share(5.0, [0, 1], [29.0 * SECOND, 29.0 * SECOND])
    assert share[6 * SECOND : 9 * SECOND].min() > 0.8
    assert share[16 * SECOND :].max() < 0.2
    penalty.record(10.0, 20.0, [25.0 * SECOND, 15.0 * SECOND])
    assert penalty.repeated_share(5.0, [0, 1], [0.0, 0.0])[16 * SECOND] < 0.2


def test_recording_in_pieces_is_the_same_as_at_once(rng: np.random.Generator) -> None:
    made = encoding(30, rng)
    whole, pieces = RepetitionPenalty([made], SECOND), RepetitionPenalty([made], SECOND)
    whole.record(0.0, 6.0, [5.0 * SECOND])
    for k in range(60):
        pieces.record(k / 10, (k + 1) / 10, [(5 + k / 10) * SECOND])
    assert len(pieces.times) == len(whole.times) == 30
    np.testing.assert_allclose(pieces.repeated_share(5.0, [0], [0.0]), whole.repeated_share(5.0, [0], [0.0]))


def test_it_remembers_no_more_than_it_needs(rng: np.random.Generator) -> None:
    penalty = RepetitionPenalty([encoding(30, rng)], SECOND)
    assert penalty.repeated_share(5.0, [0], [0.0]).max() == 0
    for now in range(600):
        penalty.record(now, now + 1.0, [20.0 * SECOND])
    assert penalty.similarity[0].shape[1] <= 5 * (MEMORY_SECONDS + 1)


def test_it_works_after_years_as_at_the_beginning(rng: np.random.Generator) -> None:
    made = encoding(30, rng)
    soon, late = RepetitionPenalty([made], SECOND), RepetitionPenalty([made], SECOND)
    years = 1e8
    for penalty, begin in ((soon, 0.0), (late, years)):
        for k in range(20):
            penalty.record(begin + k / 2, begin + (k + 1) / 2, [(5 + k / 2) * SECOND])
    assert len(soon.times) == len(late.times) == 50
    np.testing.assert_allclose(soon.repeated_share(5.0, [0], [0.0]), late.repeated_share(5.0, [0], [0.0]))
