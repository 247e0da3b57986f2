import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.extrapolators.compose.candidates import Candidates
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import Spectra

RATE = 22050
PHRASE = (0, 4, 7, 4, 5, 9, 12, 9)


@pytest.fixture(scope="session")
def tune() -> NDArray[np.float32]:
    """32 s of bars of eight notes, a quarter of a second each: a tune over a bass, and a stroke on every other."""
    rng = np.random.default_rng(0)
    t = np.arange(RATE // 4) / RATE
    parts = []
    for bar in range(16):
        lift = (0, 5, 7, 0)[bar % 4]
        for step, note in enumerate(PHRASE):
            sound = 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((note + lift) / 12) * t) * np.exp(-4 * t)
            sound += 0.4 * np.sin(2 * np.pi * 82.4 * 2 ** (lift / 12) * t) * np.exp(-2 * t)
            if step % 2 == 0:
                sound += 0.2 * np.diff(rng.normal(size=len(t) + 1)) * np.exp(-60 * t)
            parts.append(sound)
    notes = np.concatenate(parts)
    mono = np.pad(notes, (0, 32 * RATE - len(notes))) + 0.001 * rng.normal(size=32 * RATE)
    return mono.astype(np.float32)


@pytest.fixture(scope="session")
def slots() -> Slots:
    """Those of the tune."""
    return Slots(np.arange(129) / 4, np.arange(128) % 8, 8, True)


@pytest.fixture(scope="session")
def spectra(tune: NDArray[np.float32]) -> Spectra:
    return Spectra.of(tune)


@pytest.fixture(scope="session")
def candidates(slots: Slots, spectra: Spectra) -> Candidates:
    return Candidates.of(slots, spectra)
