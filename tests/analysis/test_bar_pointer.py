"""The decoder against a slow one, and on activations whose beats are known."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis.bar_pointer import BEAT_PART, LENGTHS, PEAK_FRAMES, REACH, STEADINESS, TINY, decode


def activations(lengths: Sequence[int], metre: int, *, first: int = 10, silence: int = 0) -> NDArray[np.float64]:
    """Clear activations of beats of the given lengths in frames, the first of which is a downbeat."""
    begins = first + np.cumsum([0, *lengths])
    found = np.full((int(begins[-1]) + 20 + silence, 2), 0.01)
    for number, begin in enumerate(begins):
        beat = np.array([0.05, 0.8] if number % metre == 0 else [0.8, 0.05])
        found[begin - 1 : begin + 2] = 0.4 * beat
        found[begin] = beat
    return found


def best_score(given: NDArray[np.float64], metre: int) -> float:
    """The score of the most probable beats, written as the formulas are: over every beat that may come before."""
    frames = len(given)
    beat, downbeat = np.maximum(given.T, TINY)
    neither = np.maximum(1 - beat - downbeat, TINY) / (BEAT_PART - 1)

    def gain(begin: int, length: int, position: int) -> float:
        part = slice(begin, begin + -(-length // BEAT_PART))
        return float(np.log((beat if position else downbeat)[part] / neither[part]).sum())

    def change(old: int, new: int) -> float:
        if abs(old - new) > REACH:
            return -np.inf
        total = sum(np.exp(-STEADINESS * abs(other / old - 1)) for other in LENGTHS)
        return float(-STEADINESS * abs(new / old - 1) - np.log(total))

    @cache
    def best(begin: int, length: int, position: int) -> float:
        before = [
            best(begin - old, old, (position - 1) % metre) + change(old, length)
            for old in LENGTHS.tolist()
            if begin >= old and abs(old - length) <= REACH
        ]
        return max([*before, *([0.0] if begin < length else [])], default=-np.inf) + gain(begin, length, position)

    for begin in range(frames):  # so that the recursion stays shallow
        for length in LENGTHS.tolist():
            for position in range(metre):
                best(begin, length, position)
    ends = [(begin, length) for begin in range(frames) for length in LENGTHS.tolist() if begin + length >= frames]
    return max(best(begin, length, position) for begin, length in ends for position in range(metre))


@pytest.mark.parametrize("metre", [2, 3])
def test_scores_are_those_of_a_slow_search(metre: int, rng: np.random.Generator) -> None:
    given = rng.dirichlet([0.3, 0.2, 2], size=80)[:, :2]
    assert decode(given, {2: 0.0, 3: 0.0}).scores[metre] == pytest.approx(best_score(given, metre), abs=1e-3)


@pytest.mark.parametrize("metre", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("length", [14, 25, 37, 54])
def test_beats_and_bars_that_are_clear_are_found(metre: int, length: int) -> None:
    path = decode(activations(40 * [length], metre))
    np.testing.assert_array_equal(path.frames[:41], 10 + length * np.arange(41))
    assert path.metre == metre
    np.testing.assert_array_equal(path.positions[:41], np.arange(41) % metre)


def test_a_beat_that_is_missing_or_too_much_moves_no_other() -> None:
    given = activations(30 * [25], 4)
    given[10 + 25 * 7] = 0.01
    given[10 + 25 * 9 + 12] = (0.6, 0.1)
    np.testing.assert_allclose(decode(given).frames, 10 + 25 * np.arange(31), atol=1)


@pytest.mark.parametrize("lengths", [[20] * 20 + [30] * 20, list(range(20, 40)) + [40] * 10, [44] * 12 + [36] * 12])
def test_the_tempo_may_change(lengths: list[int]) -> None:
    found = decode(activations(lengths, 4)).frames
    true = 10 + np.cumsum([0, *lengths])
    assert len(np.setdiff1d(true, found)) <= 3


def test_each_metre_has_a_score_and_the_best_one_wins() -> None:
    path = decode(activations(30 * [25], 3), {2: 0.0, 3: 0.0, 4: 0.0})
    assert set(path.scores) == {2, 3, 4}
    assert max(path.scores, key=lambda metre: path.scores[metre]) == path.metre == 3


def test_between_near_equals_what_speaks_for_a_metre_decides() -> None:
    given = activations(32 * [25], 4).mean(axis=1, keepdims=True).repeat(2, axis=1)  # any beat may be a downbeat
    for metre in (2, 3, 4):
        assert decode(given, {m: 0.1 * (m == metre) for m in (2, 3, 4)}).metre == metre


@pytest.mark.parametrize("from_downbeat", [False, True])
@pytest.mark.parametrize("frames", [1, 13, 14, 15, 53, 54, 55, 100])
def test_any_number_of_frames_can_be_decoded(frames: int, from_downbeat: bool, rng: np.random.Generator) -> None:
    path = decode(rng.dirichlet([1, 1, 8], size=frames)[:, :2], from_downbeat=from_downbeat)
    assert len(path.frames) == len(path.positions) >= 1
    assert path.frames[0] >= 0
    assert path.frames[-1] < frames
    assert (np.diff(path.frames) > LENGTHS[0] - PEAK_FRAMES).all()
    np.testing.assert_array_equal(np.diff(path.positions) % path.metre, 1 % path.metre)


@pytest.mark.parametrize("metre", [2, 3, 4])
def test_the_first_beat_can_be_said_to_be_a_downbeat(metre: int) -> None:
    for shift in range(metre):  # what is heard says that the first downbeat comes later
        given = activations(40 * [25], metre, first=0)[25 * shift :]
        path = decode(given, {metre: 0.0}, from_downbeat=True)
        assert path.positions[0] == 0
        assert path.frames[0] <= 2 * (PEAK_FRAMES - 1)
        np.testing.assert_array_equal(np.diff(path.positions) % metre, 1)


def test_certain_activations_give_finite_scores() -> None:
    given = np.zeros((200, 2))
    given[::25, 0] = 1
    assert np.isfinite(decode(given).scores[4])
