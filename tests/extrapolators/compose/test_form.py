from itertools import islice

import numpy as np
import pytest

from extrapcli.analysis import Section
from extrapcli.extrapolators.compose.form import Phrase, guides, phrases_of
from extrapcli.extrapolators.compose.slots import Slots

NEAR = np.zeros(192)


def sections(letters: str, bars: int) -> list[Section]:
    """Sections of so many bars of 2 s."""
    return [
        Section(2.0 * bars * k, 2.0 * bars * (k + 1), letter, (2.0 * bars * k,)) for k, letter in enumerate(letters)
    ]


def song(bars: int) -> Slots:
    return Slots(np.arange(8 * bars + 1) / 4, np.arange(8 * bars) % 8, 8, True)


def starts(found: list[int]) -> list[int]:
    return [slot for k, slot in enumerate(found) if k == 0 or slot != found[k - 1] + 1]


def test_phrases_have_four_bars_from_the_beginnings_of_sections_on() -> None:
    phrases = phrases_of(song(24), [*sections("AB", 8), Section(32.0, 48.0, "A", (32.0,))])
    assert [(phrase.begin, phrase.end, phrase.label) for phrase in phrases] == [
        (0, 32, "A"), (32, 64, "A"), (64, 96, "B"), (96, 128, "B"), (128, 160, "A"), (160, 192, "A")
    ]  # fmt: skip


@pytest.mark.parametrize(("bars", "expected"), [(1, [8]), (5, [40]), (6, [32, 16]), (7, [32, 24]), (9, [32, 40])])
def test_no_phrase_has_a_single_bar(bars: int, expected: list[int]) -> None:
    lengths = [phrase.end - phrase.begin for phrase in phrases_of(song(bars), sections("A", bars))]
    assert lengths == expected


def test_the_songs_form_goes_on_as_it_did_before() -> None:
    phrases = phrases_of(song(24), sections("ABCABC", 4))
    found = list(islice(guides(phrases, NEAR, 5 * 32, 8), 4 * 32))
    assert starts(found)[:1] == [64]
    assert [phrases[slot // 32].label for slot in found[::32]] == ["C", "A", "B", "C"]


@pytest.mark.parametrize(
    ("letters", "then"),
    [("ABAB", "ABAB"), ("ABCAB", "CABCAB"), ("AABA", "ABA"), ("ABAC", "BACBAC"), ("ABACC", "BACCB")],
)
def test_a_song_that_is_left_at_its_end_goes_on_as_it_did_before(letters: str, then: str) -> None:
    bars = 4 * len(letters)
    phrases = phrases_of(song(bars), sections(letters, 4))
    found = list(islice(guides(phrases, np.zeros(8 * bars), 8 * bars, 8), 32 * len(then)))
    assert "".join(phrases[slot // 32].label for slot in found[::32]) == then


def test_a_last_bar_in_part_guides_nothing() -> None:
    whole = song(9)
    slots = Slots(whole.edges[:70], whole.places[:69], 8, True)
    assert [(phrase.begin, phrase.end) for phrase in phrases_of(slots, sections("AB", 4))] == [(0, 32), (32, 64)]


def test_without_a_form_two_phrases_take_turns() -> None:
    phrases = phrases_of(song(24), sections("A", 24))
    near = np.zeros(192)
    near[64], near[128] = 2.0, 1.0
    found = list(islice(guides(phrases, near, 192, 8), 4 * 32))
    assert [slot // 32 for slot in found[::32]] == [2, 2, 4, 2]


def test_a_phrase_that_was_begun_is_finished() -> None:
    phrases = [Phrase(0, 32, "A"), Phrase(32, 64, "A"), Phrase(64, 96, "A")]
    near = np.zeros(96)
    near[20] = 1.0
    found = list(islice(guides(phrases, near, 84, 8), 13))
    assert found[:12] == list(range(20, 32))
    assert found[12] in (0, 32, 64)


@pytest.mark.parametrize("length", [155, 157, 160])
@pytest.mark.parametrize("letters", ["A", "ABAB"])
def test_guides_keep_their_place_in_the_bar(length: int, letters: str) -> None:
    whole = song(20)
    slots = Slots(whole.edges[: length + 1], whole.places[:length], 8, True)
    phrases = phrases_of(slots, sections(letters, 20 // len(letters)))
    found = np.array(list(islice(guides(phrases, np.zeros(length), length, 8), 400)))
    places = (length + np.arange(400)) % 8
    assert np.array_equal(found % 8, places)


@pytest.mark.parametrize("first", [1, 30, 32, 95, 96])
def test_there_is_always_a_guide(first: int) -> None:
    phrases = [Phrase(0, 32, "A"), Phrase(32, 48, "B"), Phrase(48, 96, "A")]
    found = list(islice(guides(phrases, np.zeros(96), first, 8), 500))
    assert len(found) == 500
    assert min(found) >= 0
    assert max(found) < 96
