from dataclasses import replace

import numpy as np

from extrapcli.extrapolators.recall.playhead import Voice
from tests.extrapolators.recall.conftest import RATE, mapped


def test_a_voice_plays_its_part_shifted_with_the_gain_from_where_it_leapt() -> None:
    part = mapped(np.arange(RATE, dtype=np.float32)).parts[0]
    straight = Voice(part, offset=0, free=100)
    np.testing.assert_array_equal(straight.sound(10, 14)[:, 0], [10, 11, 12, 13])
    jumped = replace(straight, offset=100, since=10, gain=np.array([2, 3], np.float32))
    assert jumped.at(10) == 110
    np.testing.assert_array_equal(jumped.sound(8, 14)[:, 0], [108, 109, 220, 333, 112, 113])
    np.testing.assert_array_equal(jumped.sound(11, 13)[:, 0], [333, 112])
    np.testing.assert_array_equal(part.sound[110:112, 0], [110, 111])


def test_nothing_is_played_before_the_song_begins() -> None:
    part = mapped(np.ones(RATE, np.float32)).parts[0]
    assert len(Voice(part, offset=-50, free=0).sound(30, 60)) == 10
