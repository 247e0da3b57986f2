from itertools import product

import numpy as np
import pytest

from extrapcli.analysis.harmony import NO_CHORD, chord_name, find_chords, find_key, likeliest_path
from extrapcli.analysis.spectra import PitchClasses
from tests.analysis.songs import RATE, analysis_of, note, samples_of, true_chords

FORM = "AB"


@pytest.mark.parametrize("transposed", [0, 1, 5, 8, 11])
def test_transposition_moves_key_and_chords(transposed: int) -> None:
    analysis = analysis_of(samples_of(FORM, transposed=transposed))
    key = analysis.key
    assert key
    assert (key.tonic, key.mode) == (transposed, "major")
    assert key.confidence > 0.6
    numbers, truth = analysis.chords.numbers, true_chords(FORM, transposed)
    assert len(numbers) == len(truth)
    assert np.mean(numbers == truth) > 0.95


@pytest.mark.parametrize("gain", [1e-3, 0.1, 1.9])
def test_level_does_not_matter(gain: float) -> None:
    plain, changed = (analysis_of(g * samples_of(FORM)) for g in (np.float32(1), np.float32(gain)))
    np.testing.assert_array_equal(plain.chords.numbers, changed.chords.numbers)
    assert plain.key
    assert changed.key
    assert plain.key.name == changed.key.name


@pytest.mark.parametrize("semitones", [-0.4, 0.0, 0.3])
def test_a_song_may_be_out_of_tune(semitones: float) -> None:
    triad = sum(note(pitch + semitones, 4.0, 4) for pitch in (2, 6, 9))
    found = PitchClasses.of(np.asarray(triad, np.float32))
    assert found.tuning == pytest.approx(semitones, abs=0.05)
    assert set(np.argsort(found.strengths.mean(axis=0))[-3:]) == {2, 6, 9}


def test_noise_has_neither_key_nor_chords(rng: np.random.Generator) -> None:
    analysis = analysis_of(rng.normal(0, 0.1, (10 * RATE, 1)).astype(np.float32))
    assert analysis.key is None
    assert set(analysis.chords.numbers) == {NO_CHORD}


def test_a_single_note_and_silence_are_no_chord() -> None:
    strengths = np.zeros((4, 12), np.float32)
    strengths[:2, 3] = 1
    strengths[3, [0, 4, 7]] = 1
    assert find_chords(strengths).tolist() == [NO_CHORD, NO_CHORD, NO_CHORD, 0]


def test_a_key_between_two_is_less_sure() -> None:
    c_major = np.array([4.0, 0, 2, 0, 3, 2, 0, 3, 0, 2, 0, 1])
    between = c_major + np.roll(c_major, 7)
    keys = find_key(c_major, np.zeros(24)), find_key(between, np.zeros(24))
    assert keys[0]
    assert keys[1]
    assert keys[0].name == "C major"
    assert keys[0].confidence > keys[1].confidence + 0.1


def test_the_tonic_chord_tells_relative_keys_apart() -> None:
    white_keys = np.array([3.0, 0, 2, 0, 3, 2, 0, 2, 0, 3, 0, 2])
    for number, name in ((0, "C major"), (21, "A minor")):
        key = find_key(white_keys, np.eye(24)[number])
        assert key
        assert key.name == name


@pytest.mark.parametrize("cost", [0.0, 0.4, 1.5])
def test_the_likeliest_path_is_the_best_of_all(cost: float, rng: np.random.Generator) -> None:
    scores = rng.random((5, 3))
    paths = list(product(range(3), repeat=5))

    def value(path: tuple[int, ...]) -> float:
        return float(sum(scores[k, state] for k, state in enumerate(path)) - cost * np.count_nonzero(np.diff(path)))

    assert tuple(likeliest_path(scores, cost)) == max(paths, key=value)


def test_chords_have_names() -> None:
    assert [chord_name(number) for number in (0, 10, 12, 21, NO_CHORD)] == ["C", "Bb", "Cm", "Am", "-"]
