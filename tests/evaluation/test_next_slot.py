import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.backends import open_model
from extrapcli.evaluation.next_slot import (
    TEMPERATURE,
    WAYS,
    Clip,
    by_network,
    foreseen,
    likely,
    posed,
    run_free,
)
from extrapcli.extrapolators.compose import softmax
from extrapcli.extrapolators.compose.walk import MIDDLE
from extrapcli.models import find_model

HEAD = 96


@pytest.fixture(scope="module")
def clip() -> Clip:
    """A tune of 16 slots that comes again and again, with some noise."""
    rng = np.random.default_rng(0)
    phrase = rng.normal(0, 8, size=(16, 232))
    rows = np.tile(phrase, (10, 1)) + rng.normal(0, 0.5, size=(160, 232))
    bars = np.stack([np.arange(160), np.full(160, 8)], axis=1)
    return Clip.of(np.hstack([rows, bars]).astype(np.float32), HEAD)


def knowing(clip: Clip, question: dict[str, NDArray[np.generic]]) -> NDArray[np.floating]:
    costs = np.moveaxis(clip.apart[:, question["judged"] + 1], 0, 1)
    return np.log(likely(costs, TEMPERATURE))


def test_knowing_what_comes_costs_no_bits(clip: Clip) -> None:
    found = foreseen(clip, {"knowing": knowing, **WAYS})
    assert found["knowing"].bits == pytest.approx(0, abs=1e-4)
    assert found["knowing"].decibels == min(way.decibels for way in found.values())
    assert found["plain"].bits < found["nearest"].bits < found["unigram"].bits
    assert found["plain"].decibels < 1 < found["repeat"].decibels


@pytest.mark.parametrize("way", ["network", *WAYS])
def test_nothing_is_known_of_what_comes(clip: Clip, way: str) -> None:
    """From slot 120 on, the second clip is another one, and louder."""
    rows = np.hstack([clip.spectra.reshape(160, -1), clip.moments[:, None], np.full((160, 1), 8)])
    rows[120:, :-2] = np.random.default_rng(1).normal(20, 8, size=(40, 232))
    ask = {"network": by_network(open_model(find_model("compose"), device="cpu")), **WAYS}[way]
    said: list[NDArray[np.floating]] = []

    def noted(of: Clip, question: dict[str, NDArray[np.generic]]) -> NDArray[np.floating]:
        said.append(ask(of, question))
        return said[-1]

    for one in (clip, Clip.of(rows.astype(np.float32), HEAD)):
        foreseen(one, {way: noted})
    np.testing.assert_allclose(said[0][: 121 - HEAD], said[1][: 121 - HEAD], atol=1e-4)
    assert way == "unigram" or not np.allclose(said[0][122 - HEAD :], said[1][122 - HEAD :])


def test_the_shipped_network_foresees_what_repeats(clip: Clip) -> None:
    backend = open_model(find_model("compose"), device="cpu")
    found = foreseen(clip, {"network": by_network(backend), **WAYS})
    assert found["network"].bits < found["unigram"].bits
    assert found["network"].decibels < 1


def test_running_free_it_goes_on_with_the_tune(clip: Clip) -> None:
    backend = open_model(find_model("compose"), device="cpu")
    found = run_free(clip, HEAD + 16, backend, 32)
    assert set(found) == {"network", "plain", "nearest"}
    for decibels in found.values():
        assert decibels.shape == (32,)
        assert decibels.max() < 1.5


def test_a_walk_stays_among_the_candidates(clip: Clip) -> None:
    sources, apart = clip.walked(np.random.default_rng(1), 1.0)
    assert sources.shape == (3, 159)
    np.testing.assert_array_equal(sources[:, :HEAD], np.tile(np.arange(HEAD), (3, 1)))
    assert sources.max() < HEAD
    k = HEAD + 5
    np.testing.assert_array_equal(apart[MIDDLE, k], clip.head.own[MIDDLE, sources[MIDDLE, k]])


def test_without_walks_the_clip_is_played(clip: Clip) -> None:
    sources, apart = clip.walked(np.random.default_rng(1), 0.0)
    np.testing.assert_array_equal(sources, np.tile(np.arange(159), (3, 1)))
    np.testing.assert_array_equal(apart, clip.apart[:, :159])


def test_a_question_for_each_slot_after_the_head(clip: Clip) -> None:
    sources, apart = clip.walked(np.random.default_rng(1), 0.5)
    question, costs = posed(clip, sources, apart, np.random.default_rng(0), temperature=TEMPERATURE)
    assert question["context"].shape == (159, 246)
    assert question["judged"].tolist() == list(range(HEAD - 1, 159))
    assert costs.shape == (64, 3, HEAD)
    np.testing.assert_array_equal(costs[0, MIDDLE], clip.apart[MIDDLE, HEAD])


def test_nearer_candidates_are_likelier() -> None:
    chances = likely(np.array([[0.1, 0.2, 1.0]], np.float32), 0.08)
    assert chances.sum() == pytest.approx(1)
    assert chances[0, 0] > chances[0, 1] > chances[0, 2]
    np.testing.assert_allclose(likely(np.zeros((1, 4), np.float32), 0.08), 0.25)
    np.testing.assert_allclose(softmax(np.array([1000.0, 1000.0])), 0.5)
