from itertools import product

import numpy as np
import pytest

from extrapcli.analysis import Analysis, Beats, Section
from extrapcli.analysis.sections import _divide
from extrapcli.audio.song import Song
from tests.analysis.songs import LEAD_SECONDS, RATE, analysis_of, samples_of

SECTION_SECONDS = 16.0


def runs(sections: tuple[Section, ...]) -> tuple[list[float], str]:
    """Where sections of another label than the one before begin, and their labels.

    The parts of these songs are four bars, twice; so a part may be found as two sections that are alike.
    """
    first = [k for k, section in enumerate(sections) if not k or section.label != sections[k - 1].label]
    return [sections[k].begin for k in first], "".join(sections[k].label for k in first)


@pytest.mark.parametrize("form", ["ABAB", "ABCAB", "ABACA", "ABCBA"])
def test_the_form_of_a_song_is_found(form: str) -> None:
    begins, labels = runs(analysis_of(samples_of(form)).sections)
    np.testing.assert_allclose(begins, LEAD_SECONDS + SECTION_SECONDS * np.arange(len(form)), atol=0.05)
    assert labels == form


def test_a_section_that_comes_twice_in_a_row_is_like_itself() -> None:
    begins, labels = runs(analysis_of(samples_of("AABA")).sections)
    np.testing.assert_allclose(begins, LEAD_SECONDS + SECTION_SECONDS * np.array([0, 2, 3]), atol=0.05)
    assert labels == "ABA"


def test_what_comes_before_shifts_everything() -> None:
    song, later = samples_of("ABA"), 3.2
    shifted = np.concatenate([np.zeros((round(later * RATE), 1), np.float32), song])
    one, other = analysis_of(song), analysis_of(shifted, lead=LEAD_SECONDS + later)
    (begins, labels), (begins_later, labels_later) = runs(one.sections), runs(other.sections)
    assert labels == labels_later
    np.testing.assert_allclose(np.array(begins) + later, begins_later, atol=0.05)


@pytest.mark.parametrize("change", ["gain", "transposition"])
def test_neither_level_nor_key_matters(change: str) -> None:
    plain = analysis_of(samples_of("ABCAB")).sections
    changed = analysis_of(
        np.float32(0.01) * samples_of("ABCAB") if change == "gain" else samples_of("ABCAB", transposed=3)
    ).sections
    assert runs(changed) == runs(plain)


def test_phrases_are_four_bars_at_their_section_s_bar_lines() -> None:
    for section in analysis_of(samples_of("ABA")).sections:
        assert section.phrases[0] == section.begin
        np.testing.assert_allclose(np.diff((*section.phrases, section.end)), 8.0, atol=0.3)


def test_sections_fill_the_music_without_a_pulse() -> None:
    samples = samples_of("ABA")
    analysis = Analysis(Song("made", samples, RATE, "f32", None))
    analysis.beats = Beats(np.zeros(0), np.zeros(0, np.int_), 0, 0.0, 0.0)
    sections = analysis.sections
    begins = [section.begin for section in sections]
    assert [section.end for section in sections[:-1]] == begins[1:]
    assert sections[0].begin == analysis.bounds.begin / RATE
    assert sections[-1].end == analysis.bounds.end / RATE
    for boundary in (LEAD_SECONDS + SECTION_SECONDS, LEAD_SECONDS + 2 * SECTION_SECONDS):
        assert min(abs(boundary - begin) for begin in begins) <= 1.1


def test_even_noise_has_one_label(rng: np.random.Generator) -> None:
    sections = analysis_of(rng.normal(0, 0.1, (60 * RATE, 1)).astype(np.float32)).sections
    assert {section.label for section in sections} == {"A"}
    assert len(sections) <= 2


def test_the_division_is_the_best_of_all(rng: np.random.Generator) -> None:
    n = 8
    gain, cost = rng.normal(size=n), rng.random(n + 1) * 2

    def value(cuts: tuple[bool, ...]) -> float:
        lines = [0, *(k for k in range(1, n) if cuts[k - 1]), n]
        return float(sum(gain[line] for line in lines[1:-1]) - sum(cost[size] for size in np.diff(lines)))

    best = max(product((False, True), repeat=n - 1), key=value)
    assert _divide(gain, cost) == [0, *(k for k in range(1, n) if best[k - 1]), n]
