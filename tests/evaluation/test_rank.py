"""A scorer that knows the answer ranks it first, one that knows nothing in the middle, one that guesses by chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extrapcli.evaluation.rank import (
    CLIP_SECONDS,
    PAST_SECONDS,
    Ranks,
    rank,
    similarity_scorer,
    true_continuation_ranks,
)
from tests.evaluation.sounds import Sound, few

RATE = 50
CLIP, PAST = CLIP_SECONDS * RATE, PAST_SECONDS * RATE
Scores = NDArray[np.floating]


def counted(seconds: float, first: int = 0) -> Sound:
    """A song whose samples are their own positions."""
    return (first + np.arange(round(seconds * RATE))).astype(np.float32)


def knowing(past: Sound, clips: list[Sound]) -> Scores:
    return np.array([-abs(clip[0] - past[-1] - 1) for clip in clips])


def test_a_perfect_scorer_ranks_first() -> None:
    found = true_continuation_ranks([counted(150), counted(90)], RATE, knowing, candidates=20)
    assert found.ranks == (1,) * 8
    assert found.first == found.mean_reciprocal == 1


def test_an_inverted_scorer_ranks_last() -> None:
    found = true_continuation_ranks([counted(150)], RATE, lambda past, clips: -knowing(past, clips), candidates=20)
    assert found.ranks == (20,) * 4
    assert found.first == 0
    assert found.mean_reciprocal == pytest.approx(1 / 20)


def test_equal_scores_rank_in_the_middle() -> None:
    found = true_continuation_ranks([counted(150)], RATE, lambda past, clips: np.zeros(len(clips)), candidates=20)
    assert found.ranks == (10.5,) * 4
    assert found.first == 0


def test_a_random_scorer_is_first_by_chance() -> None:
    rng = np.random.default_rng(3)
    candidates = 8
    found = true_continuation_ranks(
        [counted(150)] * 60, RATE, lambda past, clips: rng.random(len(clips)), cuts=6, candidates=candidates
    )
    low, high = found.interval
    assert low < 1 / candidates < high
    assert found.first == pytest.approx(1 / candidates, abs=0.06)
    assert np.mean(found.ranks) == pytest.approx((candidates + 1) / 2, abs=0.4)


@few
@given(seconds=st.floats(31, 200), cuts=st.integers(1, 6), candidates=st.integers(2, 20))
def test_candidates_are_elsewhere(seconds: float, cuts: int, candidates: int) -> None:
    asked = []

    def score(past: Sound, clips: list[Sound]) -> Scores:
        asked.append(past[-1])
        cut = int(past[-1]) + 1
        begins = [int(clip[0]) for clip in clips]
        assert len(past) == PAST
        assert len(clips) == candidates
        assert all(len(clip) == CLIP for clip in clips)
        assert begins[0] == cut
        assert len(set(begins)) == candidates
        for begin in begins[1:]:
            assert begin + CLIP <= cut - RATE or begin >= cut + CLIP
        return np.zeros(len(clips))

    found = true_continuation_ranks([counted(seconds)], RATE, score, cuts=cuts, candidates=candidates)
    assert len(found.ranks) == len(asked) <= cuts
    if seconds > 80:
        assert len(asked) == cuts


@pytest.mark.parametrize("seconds", [0, 5, 29, 30, 31])
def test_short_songs_are_skipped(seconds: float) -> None:
    assert true_continuation_ranks([counted(seconds)], RATE, knowing, candidates=20).ranks == ()


@few
@given(st.lists(st.integers(0, 3), min_size=2, max_size=20))
def test_ranks_add_up(scores: list[int]) -> None:
    """Tied or not, all ranks together are those from 1 to the last."""
    values = np.array(scores, np.float64)
    ranks = [rank(values, true) for true in range(len(values))]
    assert sum(ranks) == len(values) * (len(values) + 1) / 2
    assert min(ranks) >= 1
    assert max(ranks) <= len(values)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0),
     (81, 263, 0.2553, 0.3662)],
)  # fmt: skip
def test_the_interval_is_wilsons(hits: int, trials: int, low: float, high: float) -> None:
    """The last is Newcombe's example (1998, table I, method 3); the others follow from the formula."""
    found = Ranks((1.0,) * hits + (2.0,) * (trials - hits), 20).interval
    assert list(found) == pytest.approx([low, high], abs=5e-5)


def test_the_mean_reciprocal_rank() -> None:
    assert Ranks((1.0, 2.0, 4.0), 20).mean_reciprocal == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)
    assert Ranks((1.0, 2.0, 4.0), 20).first == pytest.approx(1 / 3)


def test_a_held_tone_is_the_most_similar_continuation(music: Sound) -> None:
    """A tone is held over the cut; the other clips are music."""
    rate = 22050
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(5 * rate) / rate).astype(np.float32)
    song = np.concatenate([music[: 22 * rate], tone, music[: 25 * rate]])
    clips = [song[24 * rate : 34 * rate], *(song[k * rate :][: 10 * rate] for k in (2, 8, 12, 30, 40))]
    assert rank(similarity_scorer(rate)(song[4 * rate : 24 * rate], clips), 0) == 1
