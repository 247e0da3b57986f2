"""What is left of a sound without its offset is the sound from before the offset was added."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio import spooled
from extrapcli.audio.offset import without_offset
from extrapcli.audio.steps import Steps
from tests.conftest import chord

RATE = 22050
Sound = NDArray[np.float64]


def decaying() -> Sound:
    """Eight seconds of stereo that fall by 70 dB in the last three."""
    fall = np.interp(np.arange(8 * RATE) / RATE, [5, 8], [0, -70])
    return chord(8, RATE, 2) * 10 ** (fall / 20)[:, None]


def heard(sound: NDArray[Any], *, jumps: bool = True) -> NDArray[Any]:
    return without_offset(sound, Steps.of(sound, RATE), jumps=jumps)


def decibels(sound: Sound, against: Sound) -> float:
    return float(20 * np.log10(np.sqrt(np.square(sound).mean()) / np.sqrt(np.square(against).mean())))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seconds", [0.001, 0.3, 8])
def test_a_sound_without_offset_is_returned_as_it_is(dtype: type[np.floating], seconds: float) -> None:
    sound = decaying()[: round(seconds * RATE)].astype(dtype)
    assert heard(sound) is sound


def test_low_notes_are_no_offset() -> None:
    t = np.arange(6 * RATE) / RATE
    for hertz in (16.4, 25, 30.9, 41.2):
        low = 0.3 * np.sin(2 * np.pi * hertz * t)[:, None]
        assert heard(low) is low


@pytest.mark.parametrize("offset", [(0.15, 0.15), (0.01, 0.01), (0.2, -0.1), (0, 0.003), (-0.9, 0.9)])
@pytest.mark.parametrize("gain", [1, 1e-3])
def test_a_constant_offset_is_taken_away(offset: tuple[float, float], gain: float) -> None:
    sound = gain * decaying()
    for dtype in (np.float32, np.float64):
        left = heard((sound + offset).astype(dtype))
        assert left.dtype == dtype
        assert decibels(left - sound, sound) < -60


TIME = np.arange(8 * RATE) / RATE
CHANGES: dict[str, Sound] = {
    "drift": 0.3 + 0.02 * TIME,
    "begins": np.where(TIME > 1.234, 0.5, 0),
    "ends": np.where(TIME < 6.789, 0.5, 0),
    "changes": np.where(TIME < 5.01, 0.5, -0.3),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_offset_that_changes_is_followed(change: str) -> None:
    """Best where the sound is soft, so that an offset would hide it; elsewhere to what nobody hears."""
    sound = decaying()
    left = heard(sound + CHANGES[change][:, None]) - sound
    assert decibels(left, sound) < -20
    assert decibels(left[7 * RATE :], sound) < -60


def test_without_jumps_a_click_is_still_one() -> None:
    sound = decaying()
    offset = 0.1 * (TIME < 6.5)[:, None]
    smooth, sharp = (heard(sound + offset, jumps=jumps) for jumps in (True, False))
    at = round(6.5 * RATE)
    assert np.abs(smooth[at] - smooth[at - 1]).max() < 0.01
    assert np.abs(sharp[at] - sharp[at - 1]).min() > 0.09


def test_what_is_only_offset_is_silence() -> None:
    for sound in (np.full((3 * RATE, 2), 0.3), np.linspace(-0.2, 0.4, 3 * RATE)[:, None]):
        assert np.abs(heard(sound)).max() < 1e-6


def test_a_long_sound_is_spooled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooled, "MAX_BYTES_IN_MEMORY", 2**16)
    monkeypatch.setattr(spooled, "CHUNK_BYTES", 2**14)
    sound = decaying()
    left = heard(sound + 0.1)
    assert not left.flags.writeable
    assert decibels(left - sound, sound) < -60
