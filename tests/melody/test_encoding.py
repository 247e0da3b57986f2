"""Tunes as the network sees them: symbols, keys and positions in the bar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extrapcli.errors import UsageError
from extrapcli.melody.encoding import (
    BAR_POSITIONS,
    DURATIONS,
    METRES,
    Note,
    Tune,
    bar_position,
    decode,
    encode,
    parse_symbols,
)
from extrapcli.melody.keys import Key, find_key, parse_key, semitones_from_c, semitones_to_c

NOTES = st.lists(
    st.builds(Note, st.one_of(st.none(), st.integers(0, 127)), st.sampled_from(sorted(DURATIONS))), min_size=1
).map(tuple)
SCALE = [60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60]
MINOR = [69, 71, 72, 74, 76, 77, 80, 81, 76, 72, 69]


@given(NOTES)
def test_decoding_gives_back_what_was_encoded(notes: tuple[Note, ...]) -> None:
    symbols = encode(notes)
    assert len(symbols) == sum(note.steps for note in notes)
    assert decode(symbols) == notes
    assert decode([*symbols, "/", "60"]) == notes


def test_symbols_are_read_and_written() -> None:
    assert " ".join(encode([Note(67, 4), Note(None, 2), Note(65, 1)])) == "67 _ _ _ r _ 65"
    assert parse_symbols(" 067 _\n r ") == ["67", "_", "r"]
    assert decode(["_", "_", "60"]) == (Note(None, 2), Note(60, 1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "contains no notes"),
        ("r _ _", "contains no notes"),
        ("67 _ H 65", "'H' is not a note"),
        ("67 128", "'128' is not a note"),
        ("67 -1", "'-1' is not a note"),
        ("67 ²", "is not a note"),
        ("67 _ /", "ended with /"),
        ("_ 67", "nothing to hold"),
    ],
)
def test_a_senseless_seed_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_symbols(text)


def test_every_position_of_every_bar_has_a_number() -> None:
    assert {bar_position(metre, 0, step) for metre in METRES for step in range(48)} == set(range(1, BAR_POSITIONS))
    assert bar_position("", 3, 7) == 0
    assert bar_position("3/4", 4, 4) == bar_position("3/4", 0, 0) == bar_position("3/4", 4, 16)


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("shift", range(-6, 6))
def test_a_scale_in_every_key_is_transposed_to_c_or_a_minor_and_back(minor: bool, shift: int) -> None:
    home = Tune("", tuple(Note(pitch, 4) for pitch in (MINOR if minor else SCALE)))
    moved = home.transposed(shift)
    key = find_key(moved)
    assert key == Key((9 * minor + shift) % 12, minor)
    back = moved.transposed(semitones_to_c(moved, key))
    assert {p % 12 for p in back.pitches} == {p % 12 for p in home.pitches}
    assert abs(sum(back.pitches) / len(back.pitches) - 67) <= 6
    assert semitones_from_c(key) == shift
    assert parse_key(str(key)) == key


def test_a_single_note_is_its_own_tonic() -> None:
    assert find_key(Tune("", (Note(62, 4),))) in (Key(2), Key(2, minor=True))


@pytest.mark.parametrize("text", ["", "K", "C##", "Gx", "7"])
def test_text_that_names_no_key_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a key"):
        parse_key(text)
