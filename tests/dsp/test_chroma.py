import numpy as np
import pytest

from extrapcli.dsp import chroma

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
