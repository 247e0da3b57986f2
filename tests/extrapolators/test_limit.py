import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio.song import Song
from extrapcli.extrapolators.base import Block
from extrapcli.extrapolators.limit import limited

RATE = 22050


def song(peak: float) -> Song:
    return Song("made", np.full((RATE, 2), peak, np.float32), RATE, "f32", "wav")


def blocks(*sounds: NDArray[np.float32], step: int = RATE) -> list[Block]:
    return [Block(RATE + k * step, sound, 100) for k, sound in enumerate(sounds)]


def test_blocks_within_full_scale_do_not_change(rng: np.random.Generator) -> None:
    given = blocks(*(rng.uniform(-1, 1, (RATE, 2)).astype(np.float32) for _ in range(3)))
    assert list(limited(iter(given), song(0.5))) == given


@pytest.mark.parametrize("peak", [0.5, 1.0, 1.7])
def test_blocks_are_kept_within_full_scale_or_the_song_s_own_peak(peak: float, rng: np.random.Generator) -> None:
    sound = np.repeat(rng.normal(0, 1, (50, 2)), RATE // 50, axis=0).astype(np.float32)
    (held,) = limited(iter(blocks(sound)), song(peak))
    bound = max(1.0, peak)
    assert np.abs(held.samples).max() <= bound
    quiet = np.abs(sound).max(axis=1) < bound
    assert np.abs(held.samples[quiet]).max() > 0
    assert (np.abs(held.samples) <= np.abs(sound) + 1e-6).all()


def test_the_gain_moves_smoothly_from_block_to_block() -> None:
    tone = np.full((RATE, 1), 1.5, np.float32)
    first, second = limited(iter(blocks(tone, tone, step=RATE // 2)), song(1.0))
    np.testing.assert_allclose(second.samples[0], first.samples[RATE // 2], atol=1e-3)
    assert np.abs(np.diff(first.samples, axis=0)).max() < 0.01


def test_the_gain_moves_smoothly_where_one_block_begins_as_the_other_ends() -> None:
    loud, soft = (np.full((RATE, 1), peak, np.float32) for peak in (1.25, 0.9))
    first, second, third = limited(iter(blocks(loud, soft, loud, step=RATE)), song(1.0))
    assert second.samples[0, 0] / 0.9 == pytest.approx(first.samples[-1, 0] / 1.25, abs=0.01)
    assert np.abs(np.diff(second.samples, axis=0)).max() < 0.01
    assert np.abs(third.samples).max() <= 1
