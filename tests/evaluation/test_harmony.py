"""Chroma and key of chords made of sines are right and follow transpositions; noise has neither."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extrapcli.analysis.harmony import NAMES
from extrapcli.dsp.keys import LISTENERS
from extrapcli.evaluation.harmony import RATE, chroma, chroma_similarity, key, key_similarity
from tests.evaluation.sounds import Sound, few, pink, tones, white

Array = NDArray[np.float64]

PARTIALS = (1, 2, 3, 4)
CADENCES = {
    "C major": ((48, 64, 67, 72), (53, 65, 69, 72), (43, 62, 67, 71), (48, 64, 67, 72)),  # I IV V I
    "A minor": ((45, 60, 64, 69), (50, 62, 65, 69), (40, 59, 64, 68), (45, 60, 64, 69)),  # i iv V i
}
"""Chords of MIDI notes."""


def played(notes: tuple[int, ...], *, up: float = 0, seconds: float = 1) -> Sound:
    """Notes with their first partials, each half as strong as the one below, transposed up by some semitones."""
    pitches = 440 * 2 ** ((np.array(notes) + up - 69) / 12)
    sound: Sound = np.sum(
        [tones(*k * pitches, seconds=seconds, rate=RATE, amplitude=0.1 / 2**k) for k in PARTIALS], axis=0
    )
    return sound


def cadence(name: str, *, up: float = 0) -> Sound:
    return np.concatenate([played(chord, up=up) for chord in CADENCES[name]])


def shares(*weights: float) -> Array:
    return np.array(weights) / sum(weights)


@pytest.mark.parametrize("note", [36, 37, 40, 47, 52, 60, 69, 83, 95, 107])
def test_a_note_is_in_its_pitch_class(note: int) -> None:
    found = chroma(tones(440 * 2 ** ((note - 69) / 12), seconds=3, rate=RATE))
    assert found.argmax() == note % 12
    assert found.max() > (0.85 if note >= 48 else 0.5)
    assert found.sum() == pytest.approx(1)


@few
@given(up=st.integers(-11, 12))
def test_transposition_rotates_chroma(up: int) -> None:
    chord = (60, 64, 67)
    here, there = chroma(played(chord, seconds=2)), chroma(played(chord, up=up, seconds=2))
    np.testing.assert_allclose(there, np.roll(here, up), rtol=0, atol=0.03)


@pytest.mark.parametrize("name", list(CADENCES))
@pytest.mark.parametrize("up", [0, 1, 5, -3])
def test_a_cadence_is_in_its_key(name: str, up: int) -> None:
    tonic, mode = name.split()
    assert key(chroma(cadence(name, up=up))) == f"{NAMES[(NAMES.index(tonic) + up) % 12]} {mode}"


@pytest.mark.parametrize("hiss", ["white", "pink"])
def test_keys_are_found_in_noise(hiss: str) -> None:
    noise = white(4, RATE, rms=0.05) if hiss == "white" else pink(4, RATE, rms=0.05)
    assert key(chroma(cadence("A minor") + noise)) == "A minor"


@few
@given(st.lists(st.floats(0, 1), min_size=12, max_size=12), st.lists(st.floats(0, 1), min_size=12, max_size=12))
def test_similarity_is_symmetric_and_within_range(one: list[float], other: list[float]) -> None:
    a, b = shares(*one, 1e-3), shares(*other, 1e-3)
    assert -1 <= chroma_similarity(a, b) <= 1
    assert chroma_similarity(a, b) == pytest.approx(chroma_similarity(b, a))
    assert chroma_similarity(a, a) == pytest.approx(1)


def test_similarity_is_lins_concordance() -> None:
    """Shares of a quarter and three quarters against their opposites, by the formula."""
    a = shares(*[1] * 6, *[3] * 6)
    assert chroma_similarity(a, a[::-1]) == pytest.approx(-1)
    even = np.full(12, 1 / 12)
    assert chroma_similarity(a, even) == pytest.approx(0)
    halfway = (a + even) / 2
    assert chroma_similarity(a, halfway) == pytest.approx(2 * 0.5 / (1 + 0.25))


def test_the_same_sound_agrees_and_gain_does_not_matter(music: Sound) -> None:
    song = chroma(music)
    assert chroma_similarity(song, song) == pytest.approx(1)
    assert chroma_similarity(song, chroma(music * np.float32(0.01))) == pytest.approx(1, abs=1e-3)
    assert chroma_similarity(song, chroma(music[: len(music) // 2])) > 0.8
    assert key_similarity(song, song) == 1


def test_chroma_a_tritone_apart_is_dissimilar() -> None:
    assert chroma_similarity(chroma(cadence("C major")), chroma(cadence("C major", up=6))) < -0.2


@pytest.mark.parametrize("noise", ["white", "pink"])
@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_notes(noise: str, seed: int, music: Sound) -> None:
    made = (white if noise == "white" else pink)(20, RATE, seed=seed)
    found = chroma(made)
    assert found.max() < 0.12
    for song in (music, cadence("C major"), cadence("A minor"), played((65, 70, 74), seconds=3)):
        assert abs(chroma_similarity(chroma(song), found)) < 0.15


def test_silence_has_neither_notes_nor_key(music: Sound) -> None:
    silent = chroma(np.zeros(5 * RATE, np.float32))
    assert not silent.any()
    assert key(silent) is None
    assert np.isnan(chroma_similarity(chroma(music), None))
    assert np.isnan([key_similarity(chroma(music), silent), key_similarity(silent, None)]).all()


@pytest.mark.parametrize("samples", [1, 100, 2048, 5000])
def test_short_sound_has_chroma(samples: int) -> None:
    found = chroma(played((60, 64, 67))[:samples])
    assert found.sum() in (pytest.approx(0), pytest.approx(1))


@pytest.mark.parametrize(
    ("other", "score"),
    [("C major", 1), ("G major", 0.5), ("A minor", 0.3), ("C minor", 0.2), ("Gb major", 0), ("F major", 0.5)],
)
def test_keys_are_scored_as_by_mirex(other: str, score: float) -> None:
    def profile(name: str) -> Array:
        tonic, mode = name.split()
        return shares(*np.roll(LISTENERS[mode == "minor"], NAMES.index(tonic)))

    assert key(profile(other)) == other
    assert key_similarity(profile("C major"), profile(other)) == score
