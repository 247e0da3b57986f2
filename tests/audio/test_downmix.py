"""The down-mix hears what sounds: its power is checked against that of the channels."""

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio.downmix import Downmix
from extrapcli.audio.steps import Steps
from tests.evaluation.sounds import pink

RATE = 8000
SECONDS = 12

LEFT, RIGHT = pink(SECONDS, RATE), pink(SECONDS, RATE, seed=1)
SMOOTH = np.convolve(LEFT, np.ones(20, np.float32) * np.float32(0.05), "same")  # as music, mostly low
NOTHING = np.zeros_like(LEFT)
LATE = np.arange(SECONDS * RATE) > 5.3 * RATE


def mixed(*channels: NDArray[np.float32]) -> NDArray[np.float32]:
    sound = np.stack(channels, axis=1)
    return Downmix.of(Steps.of(sound, RATE)).mix(sound)


ORDINARY: dict[str, list[NDArray[np.float32]]] = {
    "mono": [LEFT],
    "in phase": [LEFT, LEFT],
    "unrelated": [LEFT, RIGHT],
    "wide": [LEFT - 0.4 * RIGHT, RIGHT - 0.4 * LEFT],
    "one side": [LEFT, NOTHING],
    "softer and inverted": [LEFT, -0.4 * LEFT],
    "5.1": [LEFT, RIGHT, 0.7 * (LEFT + RIGHT), NOTHING, 0.3 * RIGHT, 0.3 * LEFT],
    "silence": [NOTHING, NOTHING],
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_where_nothing_cancels_it_is_the_mean(kind: str) -> None:
    np.testing.assert_array_equal(mixed(*ORDINARY[kind]), np.stack(ORDINARY[kind], axis=1).mean(axis=1))


HIDDEN: dict[str, list[NDArray[np.float32]]] = {
    "inverted": [LEFT, -LEFT],
    "almost inverted": [LEFT, -0.95 * LEFT + 0.02 * RIGHT],
    "inverted and later": [SMOOTH, -np.roll(SMOOTH, 2)],
    "inverted half-way": [LEFT, np.where(LATE, -LEFT, LEFT)],
    "inverted until half-way": [-LEFT * ~LATE + RIGHT * LATE, LEFT],
    "inverted pairs": [LEFT, -LEFT, NOTHING, NOTHING, RIGHT, -RIGHT],
    "inverted at the back": [NOTHING, NOTHING, NOTHING, NOTHING, LEFT, -LEFT],
    "one against three": [-3 * LEFT, LEFT, LEFT, LEFT],
    "three that add up to nothing": [LEFT, RIGHT, -LEFT - RIGHT],
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_no_half_second_is_lost(kind: str) -> None:
    """Where the mean has less than a tenth of the power of unrelated channels, the mix has half of it at least."""
    channels = np.stack(HIDDEN[kind], axis=1)
    halves = channels.reshape(2 * SECONDS, RATE // 2, -1).astype(np.float64)
    unrelated = np.square(halves).mean(axis=1).sum(axis=1) / channels.shape[1] ** 2
    mean = np.square(halves.mean(axis=2)).mean(axis=1)
    power = np.square(mixed(*HIDDEN[kind]).reshape(2 * SECONDS, -1)).mean(axis=1)
    lost = mean < 0.1 * unrelated
    assert lost.any()
    assert (power[lost] > 0.5 * unrelated[lost]).all()
    assert (power > 0.1 * unrelated).all()


def test_an_inverted_channel_is_heard_as_if_it_were_not() -> None:
    for channels in ([LEFT, -LEFT], [-LEFT, LEFT]):
        np.testing.assert_array_equal(mixed(*channels), channels[0])
    half = mixed(LEFT, np.where(LATE, -LEFT, LEFT))
    away = np.abs(np.arange(len(half)) - 5.3 * RATE) > 0.1 * RATE
    np.testing.assert_array_equal(half[away], LEFT[away])


def test_a_part_of_a_sound_is_mixed_as_the_whole() -> None:
    """In chunks; and parts that add up to a sound are mixed to parts that add up to its mix."""
    sound = np.stack([LEFT + RIGHT, np.where(LATE, -1, 1) * LEFT - RIGHT], axis=1)
    downmix = Downmix.of(Steps.of(sound, RATE))
    whole = downmix.mix(sound)
    np.testing.assert_array_equal(downmix.mix(sound[4000:60000], 4000), whole[4000:60000])
    np.testing.assert_array_equal(np.concatenate(list(downmix.mixed(sound)))[:, 0], whole)
    np.testing.assert_allclose(downmix.mix(0.3 * sound) + downmix.mix(0.7 * sound), whole, atol=1e-6)
