from dataclasses import replace

import numpy as np

from extrapcli.extrapolators.recall.playhead import Playhead
from tests.extrapolators.recall.conftest import RATE, material


def test_a_playhead_plays_its_layer_shifted_with_the_gain_from_where_it_jumped() -> None:
    layer = material(np.arange(RATE, dtype=np.float32)).layers[0]
    straight = Playhead(layer, offset=0)
    np.testing.assert_array_equal(straight.render(10, 14)[:, 0], [10, 11, 12, 13])
    jumped = replace(straight, offset=100, jumped_at=10, gains=np.array([2, 3], np.float32))
    assert jumped.song_sample(10) == 110
    np.testing.assert_array_equal(jumped.render(8, 14)[:, 0], [108, 109, 220, 333, 112, 113])
    np.testing.assert_array_equal(jumped.render(11, 13)[:, 0], [333, 112])
    np.testing.assert_array_equal(layer.samples[110:112, 0], [110, 111])


def test_nothing_is_played_before_the_song_begins() -> None:
    layer = material(np.ones(RATE, np.float32)).layers[0]
    assert len(Playhead(layer, offset=-50).render(30, 60)) == 10
