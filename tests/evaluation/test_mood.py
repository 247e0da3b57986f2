"""Distances of made-up tags and embeddings are zero from themselves, symmetric, and within their ranges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.evaluation.mood import embedding_distance, mood_distance, tag_distance
from extrapcli.evaluation.tagger import MOOD_TAGS, Tagging
from tests.evaluation.sounds import few

NAMES = [*MOOD_TAGS, "guitar", "piano", "female voice"]
seeds = st.integers(0, 10**6)


def tagging(seed: int, *, patches: int = 3) -> Tagging:
    rng = np.random.default_rng(seed)
    tags = rng.random((patches, len(NAMES))) ** 3
    return Tagging(tags.astype(np.float32), rng.normal(size=(patches, 20)).astype(np.float32))


def tagged(**tags: float) -> Tagging:
    row = [tags.get(name.replace(" ", "_"), 0.0) for name in NAMES]
    return Tagging(np.array([row], np.float32), np.ones((1, 20), np.float32))


@few
@given(one=seeds, other=seeds)
def test_distances_are_symmetric_and_within_range(one: int, other: int) -> None:
    a, b = tagging(one), tagging(other, patches=5)
    assert 0 <= tag_distance(a, b, NAMES) <= 1
    assert 0 <= mood_distance(a, b, NAMES) <= 1
    assert 0 <= embedding_distance(a, b) <= 2
    assert tag_distance(a, b, NAMES) == tag_distance(b, a, NAMES)
    assert mood_distance(a, b, NAMES) == mood_distance(b, a, NAMES)
    assert embedding_distance(a, b) == pytest.approx(embedding_distance(b, a))


@few
@given(seeds)
def test_the_same_is_at_no_distance(seed: int) -> None:
    one = tagging(seed)
    assert tag_distance(one, one, NAMES) == mood_distance(one, one, NAMES) == 0
    assert embedding_distance(one, one) == pytest.approx(0, abs=1e-7)


@few
@given(seeds)
def test_the_order_of_patches_does_not_matter(seed: int) -> None:
    one, other = tagging(seed), tagging(seed + 1)
    turned = Tagging(one.tags[::-1], one.embeddings[::-1])
    assert tag_distance(turned, other, NAMES) == pytest.approx(tag_distance(one, other, NAMES))
    assert embedding_distance(turned, other) == pytest.approx(embedding_distance(one, other))


def test_nothing_in_common_is_the_furthest() -> None:
    assert tag_distance(tagged(slow=0.5), tagged(fast=0.3), NAMES) == 1
    ahead = tagging(1)
    assert embedding_distance(ahead, Tagging(ahead.tags, -ahead.embeddings)) == pytest.approx(2)


def test_tags_are_compared_by_what_they_share() -> None:
    """0.2 and 0.1 are shared, of 0.4 and 0.3 in all."""
    one, other = tagged(slow=0.4, guitar=0.1), tagged(slow=0.2, guitar=0.3)
    assert tag_distance(one, other, NAMES) == pytest.approx(1 - 0.3 / 0.7)


def test_mood_leaves_instruments_out() -> None:
    one, other = tagged(slow=0.4, guitar=0.9), tagged(slow=0.4, piano=0.9)
    assert mood_distance(one, other, NAMES) == 0
    assert tag_distance(one, other, NAMES) == pytest.approx(1 - 0.4 / 2.2)
    assert mood_distance(tagged(slow=0.4, guitar=0.9), tagged(fast=0.4, guitar=0.9), NAMES) == 1


def test_silence_has_distances() -> None:
    silent = Tagging(np.zeros((1, len(NAMES)), np.float32), np.zeros((1, 20), np.float32))
    assert tag_distance(silent, silent, NAMES) <= 1
    assert embedding_distance(silent, tagging(1)) == 1
