"""What becomes of a sound that continues from its own predictions."""

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.amplitude.stability import stability

RATE = 22050
T = np.arange(4 * RATE) / RATE


def tone(hertz: float) -> NDArray[np.float64]:
    return np.sin(2 * np.pi * hertz * T)


@pytest.mark.parametrize("seconds", [0.2, 1.0, 2.5])
def test_a_sound_decays_when_it_stays_40_db_below_the_song(seconds: float) -> None:
    fall = 0.01 * np.sqrt(2)
    found = stability(tone(440) * fall ** (T / seconds), RATE)
    assert found.outcome == "decays"
    assert found.seconds == pytest.approx(seconds, abs=0.1)


def test_a_constant_is_silence() -> None:
    assert stability(np.full(RATE, 0.7), RATE) == stability(np.zeros(RATE), RATE)
    assert stability(np.zeros(RATE), RATE).outcome == "decays"
    assert stability(np.zeros(RATE), RATE).seconds == 0


@pytest.mark.parametrize("hertz", [100, 441, 3000])
def test_a_tone_loops_from_where_the_noise_ends(hertz: float, rng: np.random.Generator) -> None:
    sound = tone(hertz) + np.where(T < 1, rng.normal(size=len(T)), 0)
    found = stability(sound, RATE)
    assert found.outcome == "loops"
    assert found.seconds == pytest.approx(1, abs=0.1)


def test_noise_sustains(rng: np.random.Generator) -> None:
    found = stability(rng.normal(size=len(T)), RATE)
    assert (found.outcome, found.seconds) == ("sustains", 4)


def test_what_grows_diverges() -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        found = stability(tone(440) * np.exp(200 * (T - 1)) ** 4, RATE)
    assert found.outcome == "diverges"
    assert found.seconds == pytest.approx(1, abs=0.05)
    assert stability(np.full(RATE, np.nan), RATE).outcome == "diverges"
