"""Seeds from scores: which part and voice is taken, the grid, the metre, the length, and what is said of it."""

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from extrapcli.errors import UsageError
from extrapcli.melody.encoding import METRES, Note, Tune
from extrapcli.melody.score import Metre, Part, Score, TimedNote
from extrapcli.melody.seeds import Seed, choose_part, shorten, take_seed
from extrapcli.melody.voice import quantize, top_voice

FOUR_FOUR = (Metre(Fraction(0), "4/4"),)


def timed(*notes: tuple[float, float, int]) -> tuple[TimedNote, ...]:
    """Notes of a begin and a length in steps, and a pitch."""
    return tuple(
        TimedNote(begin, begin + Fraction(length).limit_denominator(96), pitch)
        for begin, length, pitch in ((Fraction(b).limit_denominator(96), length, pitch) for b, length, pitch in notes)
    )


def line(*pitches: int, name: str = "", steps: int = 4) -> Part:
    return Part(name, timed(*((steps * index, steps, pitch) for index, pitch in enumerate(pitches))), FOUR_FOUR)


NOTES = st.builds(
    lambda begin, length, pitch: TimedNote(begin, begin + length, pitch),
    st.fractions(0, 30, max_denominator=24),
    st.fractions(Fraction(1, 24), 12, max_denominator=24),
    st.integers(40, 90),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(NOTES, min_size=1, max_size=12), st.sampled_from(sorted(METRES)))
@example([TimedNote(Fraction(3, 2), Fraction(37, 24), 40)], "2/2")
@example([TimedNote(Fraction(0), Fraction(1, 24), 40), TimedNote(Fraction(1, 2), Fraction(3, 2), 40)], "2/2")
def test_a_seed_is_one_voice_from_the_first_of_its_notes_to_the_last(notes: list[TimedNote], metre: str) -> None:
    part = Part("", tuple(sorted(notes)), (Metre(Fraction(0), metre),))
    seed = take_seed(Score("", (part,)), bars=1000)
    voice = top_voice(sorted(notes))
    first = round(voice[0].begin)
    assert all(note.steps > 0 for note in seed.tune.notes)
    assert seed.tune.notes[0].pitch is not None
    assert seed.tune.notes[-1].pitch is not None
    assert (first + seed.tune.upbeat) % METRES[metre] == 0
    taken = {round(note.begin): note for note in sorted(voice, key=lambda note: (note.pitch, -note.begin))}
    now = first
    for note in seed.tune.notes:
        assert note.pitch == (taken[now].pitch if now in taken else None)
        now += note.steps
    assert now == max(max(taken) + 1, round(taken[max(taken)].end))
    highest = max(notes, key=lambda note: note.pitch)
    assert highest.pitch in {note.pitch for note in voice}


def test_lower_notes_are_hidden_while_a_higher_one_sounds() -> None:
    chords = timed((0, 8, 72), (0, 2, 60), (2, 2, 64), (4, 4, 60), (8, 4, 71), (8, 4, 67), (12, 4, 55))
    assert [(int(note.begin), note.pitch) for note in top_voice(chords)] == [(0, 72), (8, 71), (12, 55)]
    legato = timed((0, 4.75, 72), (4, 4.75, 71), (8, 4.75, 69))
    assert [note.pitch for note in top_voice(legato)] == [72, 71, 69]
    never_ended = timed((0, 400, 60), (4, 4, 60), (8, 4, 60))
    assert [note.begin for note in top_voice(never_ended)] == [0, 4, 8]


def test_triplets_go_to_the_nearest_sixteenth_and_short_notes_are_left_out() -> None:
    triplet = quantize(timed((0, 4 / 3, 60), (4 / 3, 4 / 3, 62), (8 / 3, 4 / 3, 64), (4, 4, 65)), 16, 0)
    assert triplet.notes == (Note(60, 1), Note(62, 2), Note(64, 1), Note(65, 4))
    assert triplet.moved == {1: Fraction(1, 3), 3: Fraction(1, 3)}
    assert not triplet.dropped
    short = quantize(timed((0, 1, 60), (1, 0.25, 62), (1.25, 0.25, 61), (1.5, 2.5, 64)), 16, 0)
    assert short.notes == (Note(60, 1), Note(62, 1), Note(64, 2))
    assert short.dropped == [1]


def test_rests_are_cut_at_bar_lines() -> None:
    quantized = quantize(timed((0, 4, 60), (30, 2, 62)), 16, 0)
    assert quantized.notes == (Note(60, 4), Note(None, 12), Note(None, 12), Note(None, 2), Note(62, 2))


def test_remarks_name_the_part_the_bars_and_the_metre() -> None:
    notes = timed(*((16 + 4 * index / 3, 4 / 3, 60 + index % 3) for index in range(36)))
    part = Part("Oboe", notes, (Metre(Fraction(0), "12/8"),))
    seed = take_seed(Score("", (part, line(48, 50)), ("is cut off",)), bars=2)
    assert seed.tune.metre == "6/8"
    assert seed.remarks == (
        "is cut off",
        "part 1 of 2 is used: Oboe",
        "bars of 12/8 are counted in 6/8",
        "10 notes in bars 1 and 2 moved to a sixteenth, by up to 0.33 of one",
        "the seed is cut after 1 bar, to leave room in a tune of 2 bars",
    )


def test_the_part_that_is_named_as_the_melody_is_taken_or_else_the_highest() -> None:
    bass, high, sung = line(*[40] * 5), line(*[79] * 5, name="Flute"), line(60, name="Vocals")
    rare = line(100, name="Triangle")
    drums = Part("Kit", (), FOUR_FOUR, drums=True)
    score = Score("", (drums, bass, high, rare))
    assert choose_part(score, None)[0] is high
    assert choose_part(Score("", (*score.parts, sung)), None) == (sung, ["part 5 of 5 is used: Vocals"])
    for wanted, part in (("2", bass), ("flute", high), (" 4", rare), ("LUT", high)):
        assert choose_part(score, wanted)[0] is part
    pair = Score("", (line(60, name="Violin II"), line(72, name="Violin I"), line(50, name="violin ii solo")))
    assert choose_part(pair, "violin")[0].name == "Violin I"
    assert choose_part(pair, "violin ii")[0].name == "Violin II"
    with pytest.raises(UsageError, match="no part 'oboe'; its parts are 1 Kit, 2, 3 Flute, 4 Triangle"):
        choose_part(score, "oboe")
    with pytest.raises(UsageError, match="only drums in part '1'"):
        choose_part(score, "1")


@pytest.mark.parametrize("metre", METRES)
@pytest.mark.parametrize("bars", [1, 2, 3, 16])
def test_a_seed_that_fills_the_bars_is_cut_to_half_of_them(metre: str, bars: int) -> None:
    bar = METRES[metre]
    whole = Tune("", (Note(60, 2),) * (bar * bars * 2), metre, 1)
    short = shorten(whole, bars)
    assert short.tune.steps == 1 + (bars // 2 * bar or bar // 2)
    assert len(short.remarks) == 1
    assert shorten(short.tune, bars).tune == short.tune or bars == 1
    fits = Tune("", (Note(60, 1),) * (bar * bars - bar // 2), metre)
    assert shorten(fits, bars) == Seed(fits)


def test_a_note_that_is_held_for_hours_takes_no_memory() -> None:
    part = Part("", timed((0, 10**9, 60), (4, 4, 62), (10**9, 4, 64)), FOUR_FOUR)
    assert take_seed(Score("", (part,)), bars=4).tune.steps <= 4 * 16


def test_one_note_long_before_the_others_is_left_out() -> None:
    part = Part("", timed((0, 1, 90), (256, 4, 60), (260, 4, 62), (264, 4, 64), (268, 4, 65)), FOUR_FOUR)
    seed = take_seed(Score("", (part,)), bars=8)
    assert [note.pitch for note in seed.tune.notes] == [60, 62, 64, 65]
    assert seed.remarks == ("the seed begins in bar 17",)


def test_bars_are_counted_in_the_metre_of_most_of_the_seed() -> None:
    metres = (Metre(Fraction(0), "1/4"), Metre(Fraction(4), "3/4"), Metre(Fraction(400), "7/8"))
    notes = timed(*((4 * index, 4, 60) for index in range(20)))
    seed = take_seed(Score("", (Part("", notes, metres),)), bars=8)
    assert (seed.tune.metre, seed.tune.upbeat) == ("3/4", 4)
    odd = take_seed(Score("", (Part("", notes, metres[2:]),)), bars=8)
    assert (odd.tune.metre, odd.tune.upbeat) == ("", 0)
    assert odd.remarks == ("a metre of 7/8 is not supported, so bars are not counted",)
    assert take_seed(Score("", (Part("", notes, metres),)), bars=8, metre="6/8").tune.metre == "6/8"
