"""Loudness against EBU Tech 3341, table 1, to 0.1 LU. Test ids are the numbers of its cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extrapcli.audio.loudness import PER_SECOND, SILENT, integrated, momentary
from tests.evaluation.sounds import few, tones, white

RATE = 48000


def sine(*parts: tuple[float, float], channels: int = 2, rate: int = RATE) -> NDArray[np.float32]:
    """A 1 kHz tone in all channels, `(n, channels)`: each part is its peak level in dBFS and its seconds."""
    level = np.concatenate([np.full(round(seconds * rate), 10 ** (decibels / 20)) for decibels, seconds in parts])
    tone = level * np.sin(2 * np.pi * 1000 * np.arange(len(level)) / rate)
    return np.repeat(tone[:, None], channels, axis=1).astype(np.float32)


def loudness(samples: NDArray[np.floating], rate: int = RATE) -> float:
    return integrated(momentary(samples, rate)[3:])


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        pytest.param([(-23, 20)], -23, id="1"),
        pytest.param([(-33, 20)], -33, id="2"),
        pytest.param([(-36, 10), (-23, 60), (-36, 10)], -23, id="3"),
        pytest.param([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23, id="4"),
        pytest.param([(-26, 20), (-20, 20.1), (-26, 20)], -23, id="5"),
    ],
)
def test_integrated_loudness_is_gated(parts: list[tuple[float, float]], wanted: float) -> None:
    assert loudness(sine(*parts)) == pytest.approx(wanted, abs=0.1)


def test_surround_channels_are_weighted() -> None:
    """Case 6: 5.0 channels at -28, -28, -24, -30 and -30 dBFS."""
    samples = sine((0, 20), channels=5) * np.float32(10) ** (np.array([-28, -28, -24, -30, -30]) / 20)
    assert loudness(samples) == pytest.approx(-23, abs=0.1)


def test_momentary_loudness_covers_the_last_400_ms() -> None:
    """Case 12, first part: 0.18 s at -20 dBFS and 0.22 s at -30 dBFS in turn always read -23."""
    blocks = momentary(sine(*[(-20, 0.18), (-30, 0.22)] * 25), RATE)
    assert len(blocks) == 10 * PER_SECOND
    np.testing.assert_allclose(blocks[9:], -23, rtol=0, atol=0.1)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
def test_the_sample_rate_does_not_matter(rate: int) -> None:
    assert loudness(sine((-23, 5), rate=rate), rate) == pytest.approx(-23, abs=0.1)


def test_two_channels_are_3_lu_louder_than_one() -> None:
    one, two = (loudness(sine((-23, 5), channels=channels)) for channels in (1, 2))
    assert two - one == pytest.approx(3.01, abs=0.02)


@few
@given(gain=st.floats(-25, 15))
def test_loudness_follows_gain(gain: float) -> None:
    sound = white(3, RATE)[:, None]
    louder = (sound * 10 ** (gain / 20)).astype(np.float32)
    assert loudness(louder) - loudness(sound) == pytest.approx(gain, abs=0.02)


def test_silence_is_at_the_absolute_gate() -> None:
    blocks = momentary(np.zeros((RATE, 2), np.float32), RATE)
    assert (blocks == SILENT).all()
    assert integrated(blocks) == integrated(np.array([])) == SILENT


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_silence_after_sound_is_at_the_absolute_gate(rate: int) -> None:
    """FFmpeg subtracts what leaves its window, and rounding can make the rest negative."""
    for sound in (white(3, rate, rms=0.3), tones(440, 660, seconds=3, rate=rate)):
        blocks = momentary(np.concatenate([sound, np.zeros(2 * rate, np.float32)])[:, None], rate)
        assert (blocks[35:] == SILENT).all()


@pytest.mark.parametrize("channels", range(1, 9))
def test_up_to_eight_channels_are_measured(channels: int) -> None:
    assert -40 < loudness(sine((-23, 1), channels=channels)) < -10


def test_less_than_a_tenth_of_a_second_has_no_blocks() -> None:
    assert len(momentary(sine((-23, 0.09)), RATE)) == 0


def test_speakers_have_their_weights() -> None:
    """BS.1770-4, table 3: front 1, surround 1.41, that is 1.5 dB; LFE counts nothing."""
    tone = sine((-23, 5), channels=1)
    for layout, channel, weight in ((0x33, 0, 0), (0x33, 2, 1.5), (0xF, 2, 0), (0xF, 3, None), (0x603, 3, 1.5)):
        samples = np.zeros((len(tone), 4), np.float32)
        samples[:, channel] = tone[:, 0]
        found = integrated(momentary(samples, RATE, layout)[3:])
        assert found == pytest.approx(SILENT if weight is None else loudness(tone) + weight, abs=0.02)
