import numpy as np
import pytest

from extrapcli.extrapolators.compose.candidates import Candidates
from extrapcli.extrapolators.compose.matching import (
    CONTEXTS,
    ENERGY,
    FOLLOWS,
    HALF_BAR,
    KINDS,
    PLAIN,
    WITH_BASS,
    WITH_MIDDLE,
    alike,
    matches,
)
from extrapcli.extrapolators.compose.walk import BASS, MIDDLE, TREBLE, Walk

NO_ONE = np.full(3, 10**6)


def all_of(candidates: Candidates, played: int) -> np.ndarray:
    return matches(
        candidates,
        candidates.own[:, :played],
        np.tile(np.arange(played), (3, 1)),
        candidates.moments[1 : played + 1],
        candidates.energies[1 : played + 1],
    )


def test_what_repeats_is_matched(candidates: Candidates) -> None:
    found = all_of(candidates, 60)[-1]
    assert found.shape == (3, 128, KINDS)
    for kind in range(len(CONTEXTS), 2 * len(CONTEXTS)):
        best = int(np.argmax(np.where(np.arange(128) == 60, -9, found[MIDDLE, :, kind])))
        assert best % 8 == 60 % 8
    plain = found[MIDDLE] @ PLAIN[MIDDLE]
    assert set(np.argsort(-plain)[:4].tolist()) == {28, 60, 92, 124}


def test_the_last_sixteen_slots_are_enough(candidates: Candidates) -> None:
    whole = all_of(candidates, 60)[-1]
    last = slice(60 - CONTEXTS[-1], 60)
    moments, energies = candidates.moments[1:61][last], candidates.energies[1:61][last]
    part = matches(candidates, candidates.own[:, last], np.tile(np.arange(60)[last], (3, 1)), moments, energies)[-1]
    np.testing.assert_allclose(part[:, 20:], whole[:, 20:], atol=0.05)


@pytest.mark.parametrize("played", range(1, 18))
def test_what_was_played_may_be_short(candidates: Candidates, played: int) -> None:
    found = all_of(candidates, played)
    assert found.shape == (played, 3, 128, KINDS)
    assert np.isfinite(found).all()
    longer = all_of(candidates, 20)[:played]
    np.testing.assert_allclose(found, longer, atol=1e-4)


def test_places_in_one_two_four_and_eight_bars(candidates: Candidates) -> None:
    found = all_of(candidates, 60)[-1, 0]
    for number, slots in enumerate((8, 16, 32, 64)):
        same = found[:, 2 * len(CONTEXTS) + number] == 1
        assert np.flatnonzero(same).tolist() == list(range(60 % slots, 128, slots))
    assert np.flatnonzero(found[:, HALF_BAR]).tolist() == list(range(0, 128, 4))
    assert np.flatnonzero(found[:, FOLLOWS]).tolist() == [60]
    assert found[:, ENERGY].max() <= 0


def test_without_bars_no_place_is_the_same(candidates: Candidates) -> None:
    loose = Candidates(candidates.spectra, candidates.moments, 0)
    found = all_of(loose, 60)
    assert not found[..., 2 * len(CONTEXTS) : HALF_BAR + 1].any()


def test_a_walk_finds_the_same_matches_and_goes_on(candidates: Candidates) -> None:
    walk = Walk(candidates, candidates.own[:, :60], np.full(3, 59))
    moment, wanted = int(candidates.moments[60]), float(candidates.energies[60])
    np.testing.assert_allclose(walk.matches(moment, wanted)[:, 20:], all_of(candidates, 60)[-1][:, 20:], atol=0.05)
    chosen = walk.step(moment, wanted, PLAIN, lambda _, logits: int(logits.argmax()))
    assert walk.at.tolist() == chosen.tolist()
    np.testing.assert_array_equal(walk.distances, candidates.own[[0, 1, 2], chosen])


def test_layers_choose_in_order_and_go_by_the_others(candidates: Candidates) -> None:
    walk = Walk(candidates, candidates.own[:, :60], NO_ONE)
    weights = np.zeros_like(PLAIN)
    weights[:, WITH_MIDDLE], weights[:, WITH_BASS] = 1, 10
    seen: list[int] = []

    def choose(layer: int, logits: np.ndarray) -> int:
        seen.append(layer)
        if layer == MIDDLE:
            assert not logits.any()
            return 17
        if layer == BASS:
            np.testing.assert_allclose(logits, alike(candidates.own[MIDDLE, 17]), rtol=1e-5)
            return 40
        both = alike(candidates.own[MIDDLE, 17]) + 10 * alike(candidates.own[BASS, 40])
        np.testing.assert_allclose(logits, both, rtol=1e-4)
        return 3

    walk.step(60, 0.0, weights, choose)
    assert seen == [MIDDLE, BASS, TREBLE]
    assert walk.at.tolist() == [40, 17, 3]
