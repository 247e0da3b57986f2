import numpy as np
import pytest

from extrapcli.analysis.onsets import SAMPLE_RATE, to_onsets

AGE = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
SOUNDS = {
    "high": np.sin(2 * np.pi * 5000 * AGE) * np.exp(-40 * AGE),
    "low": np.sin(2 * np.pi * 80 * AGE) * np.exp(-10 * AGE),
    "both": (np.sin(2 * np.pi * 300 * AGE) + np.sin(2 * np.pi * 3000 * AGE)) * np.exp(-15 * AGE),
}


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("apart", [-0.03, -0.01, 0, 0.008, 0.025])
def test_a_time_moves_to_the_onset_near_it(name: str, apart: float, rng: np.random.Generator) -> None:
    onsets = np.array([0.2, 0.9, 1.7])
    sound = rng.normal(scale=0.003, size=2 * SAMPLE_RATE)
    for onset in onsets:
        begin = round(onset * SAMPLE_RATE)
        sound[begin : begin + len(AGE)] += SOUNDS[name]
    found = to_onsets(sound.astype(np.float32), onsets + apart)
    np.testing.assert_allclose(found, onsets, atol=0.005)


def test_a_time_without_an_onset_stays() -> None:
    steady = np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    times = np.array([0.25, 0.5, 0.613])
    np.testing.assert_array_equal(to_onsets(steady, times), times)


def test_many_times_move_as_each_by_itself(rng: np.random.Generator) -> None:
    sound = rng.normal(size=30 * SAMPLE_RATE).astype(np.float32)
    times = np.linspace(0, 30, 700)
    one_by_one = [to_onsets(sound, times[k : k + 1])[0] for k in range(0, 700, 37)]
    np.testing.assert_array_equal(to_onsets(sound, times)[::37], one_by_one)


def test_times_at_the_ends_of_the_sound_are_taken() -> None:
    sound = np.ones(100, np.float32)
    assert np.isfinite(to_onsets(sound, np.array([0.0, 0.004]))).all()
    assert len(to_onsets(sound, np.zeros(0))) == 0
