"""The two forms of the melody network say the same."""

import numpy as np
import pytest
from keras import ops

from extrapcli.networks.melody import melody, to_step
from extrapcli.networks.settings import MelodySettings


@pytest.mark.parametrize(
    "settings", [MelodySettings(units=8, vector=4), MelodySettings(units=6, layers=2, beats=False)]
)
def test_step_by_step_it_says_what_it_says_of_the_whole(settings: MelodySettings, rng: np.random.Generator) -> None:
    trained = melody(settings, 20)
    for weights in trained.weights:
        weights.assign(rng.normal(size=weights.shape))
    step = to_step(trained, settings, 20)
    symbols = rng.integers(len(settings.symbols), size=(3, 30))
    beats = rng.integers(20, size=(3, 30))
    whole = ops.softmax(trained({"symbols": symbols, "beats": beats}, training=False)).numpy()
    state = np.zeros((3, settings.state), np.float32)
    for place in range(30):
        now = np.stack([symbols[:, place], beats[:, place]], axis=1).astype(np.float32)
        given = step(np.concatenate([now, state], axis=1)[:, None])
        np.testing.assert_allclose(given["next"], whole[:, place], atol=1e-5)
        state = given["state"].numpy()


def test_the_vocabulary_is_what_the_recipe_says() -> None:
    assert MelodySettings(lowest=60, highest=62).symbols == ("/", "_", "r", "60", "61", "62")
    with pytest.raises(ValueError, match="above highest"):
        MelodySettings(lowest=70, highest=60)
