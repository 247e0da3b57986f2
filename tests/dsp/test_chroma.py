import numpy as np
import pytest

from extrapcli.dsp import chroma, pitch_classes, tuning

RATE = 22050
C = 261.6256


def notes(*semitones: int, seconds: float = 2.0) -> np.ndarray:
    """Tones so many semitones above A4 = 440 Hz, at once."""
    t = np.arange(round(seconds * RATE)) / RATE
    return sum(np.sin(2 * np.pi * 440 * 2 ** (k / 12) * t + k) for k in semitones).astype(np.float32)  # type: ignore[union-attr]


@pytest.mark.parametrize("semitone", range(-24, 13))
def test_a_note_is_found_in_its_pitch_class(semitone: int) -> None:
    found = chroma(notes(semitone), sample_rate=RATE, hop=4410)[3]
    assert found.argmax() == semitone % 12
    assert np.sort(found)[-2] < 0.35 * found.max()


def test_classes_can_be_counted_from_another_note() -> None:
    found = chroma(notes(3, 7, 10), sample_rate=RATE, hop=4410, reference=C)[3]  # C, E, G
    assert set(np.argsort(found)[-3:]) == {0, 4, 7}


def test_rows_are_unit_vectors_one_for_each_hop_and_one_more(rng: np.random.Generator) -> None:
    for n in (4410 * 7, 4410 * 7 + 4409):
        found = chroma(rng.normal(size=n).astype(np.float32), sample_rate=RATE, hop=4410)
        assert found.shape == (8, 12)
        assert found.dtype == np.float32
        assert found.min() >= 0
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_level_does_not_matter_and_harmony_does() -> None:
    one = chroma(notes(3, 7, 10), sample_rate=RATE, hop=4410)
    louder = chroma(8 * notes(3, 7, 10), sample_rate=RATE, hop=4410)
    other = chroma(notes(1, 5, 8), sample_rate=RATE, hop=4410)
    assert (one * louder).sum(axis=1).min() == pytest.approx(1, abs=1e-4)
    assert (one * other).sum(axis=1)[2:-2].max() < 0.4


def test_silence_has_none() -> None:
    assert chroma(np.zeros(RATE, np.float32), sample_rate=RATE, hop=4410).max() == 0


def strengths(sound: np.ndarray, surroundings: float) -> np.ndarray:
    parts = pitch_classes(sound, sample_rate=RATE, hop=2205, reference=C, surroundings=surroundings)
    return np.concatenate(list(parts))[5:-5]


def test_noise_around_notes_can_be_taken_away(rng: np.random.Generator) -> None:
    quiet, noise = notes(3, 7, 10, seconds=4.0), rng.normal(0, 1.0, 4 * RATE).astype(np.float32)
    for surroundings in (0.0, 0.5):
        assert set(np.argsort(strengths(quiet, surroundings).mean(axis=0))[-3:]) == {0, 4, 7}
    loud, less = (strengths(quiet + noise, surroundings) for surroundings in (0.0, 0.5))
    chord = [0, 4, 7]
    assert less[:, chord].sum() / less.sum() > loud[:, chord].sum() / loud.sum() + 0.1


def test_pitch_classes_of_a_long_sound_are_those_of_its_parts(rng: np.random.Generator) -> None:
    sound = rng.normal(size=80 * 441).astype(np.float32)
    whole = np.concatenate(list(pitch_classes(sound, sample_rate=RATE, hop=441, window=1024)))
    part = np.concatenate(list(pitch_classes(sound[30 * 441 :], sample_rate=RATE, hop=441, window=1024)))
    assert whole.shape == (81, 12)
    np.testing.assert_allclose(whole[35:], part[5:], rtol=1e-4)


@pytest.mark.parametrize("semitones", [-0.45, -0.2, 0.0, 0.31])
def test_the_tuning_is_that_of_the_notes(semitones: float) -> None:
    t = np.arange(4 * RATE) / RATE
    sound = sum(np.sin(2 * np.pi * 440 * 2 ** ((k + semitones) / 12) * t) for k in (-7, 0, 4))
    assert tuning(np.asarray(sound, np.float32), sample_rate=RATE) == pytest.approx(semitones, abs=0.02)


def test_noise_and_silence_have_no_tuning(rng: np.random.Generator) -> None:
    assert tuning(np.zeros(RATE, np.float32), sample_rate=RATE) == 0
    assert tuning(rng.normal(size=4 * RATE).astype(np.float32), sample_rate=RATE) == 0
