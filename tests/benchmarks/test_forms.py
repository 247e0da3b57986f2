"""The songs of known form: what is said of them is true."""

import importlib
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def forms() -> ModuleType:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    return importlib.import_module("forms")


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("seed", range(0, 22, 5))
def test_sections_beats_and_chords_fit_together(seed: int, odd: bool, forms: ModuleType) -> None:
    truth, events, programs = forms.make_song(seed, odd=odd)
    assert "".join(label for _, _, label in truth.sections) == forms.FORMS[seed % len(forms.FORMS)]
    assert all(one[1] == after[0] for one, after in pairwise(truth.sections))
    assert truth.sections[-1][1] == truth.end
    assert len(truth.beats) == len(truth.chords)
    np.testing.assert_allclose(np.diff(truth.beats), np.diff(truth.beats)[0])
    bars = [
        np.count_nonzero((np.array(truth.beats) >= a - 1e-6) & (np.array(truth.beats) < b - 1e-6))
        for a, b, _ in truth.sections
    ]
    assert all(beats % truth.metre == 0 for beats in bars)
    assert max(event.begin for event in events) < truth.end
    assert {channel for _, channel, _ in programs} == {forms.LEAD, forms.BASS, forms.CHORDS}


def test_the_chords_that_are_played_are_those_that_are_told(forms: ModuleType) -> None:
    truth, events, _ = forms.make_song(3, odd=False)
    for event in events:
        if event.channel in (forms.CHORDS, forms.BASS):
            chord = truth.chords[int(np.searchsorted(truth.beats, event.begin + 1e-6)) - 1]
            notes = {chord % 12, (chord + (3 if chord >= 12 else 4)) % 12, (chord + 7) % 12}
            assert event.pitch % 12 in notes


def test_the_truth_is_perfect_and_one_section_is_not(forms: ModuleType) -> None:
    truth, _, _ = forms.make_song(3, odd=False)
    assert set(forms.form_figures(truth.sections, truth).values()) == {1.0}
    halves = [(truth.sections[0][0], 21.0, "A"), (21.0, truth.end, "B")]
    assert max(forms.form_figures(halves, truth).values()) < 0.9
