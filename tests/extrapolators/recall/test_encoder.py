"""The outputs of a network are checked before they are used."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.errors import UnusableModel
from extrapcli.extrapolators.recall.encoder import Encoder
from extrapcli.spec import EncoderSpec
from tests.toy import ToyBackend

RATE = 100


class Network(ToyBackend):
    model = EncoderSpec("toy", "recall", RATE, {"heard": (None, 8), "places": (None, 8), "spectra": (None, None)})

    def __init__(self, heard: int = 25, places: int = 25, bands: int = 32, value: float = 1.0) -> None:
        super().__init__()
        self.rows, self.bands, self.value = (heard, places), bands, value

    def compute(self, context: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        heard, places = (np.full((1, rows * context.shape[1], 8), self.value, np.float32) for rows in self.rows)
        return {"heard": heard, "places": places, "spectra": np.zeros((1, places.shape[1], self.bands), np.float32)}


@pytest.mark.parametrize("seconds", [1, 5, 62, 63, 200])
def test_there_is_a_row_for_every_hop(seconds: int) -> None:
    encoding = Encoder(Network()).encode(np.ones(seconds * RATE, np.float32))
    for rows, width in ((encoding.queries, 8), (encoding.keys, 8), (encoding.spectra, 32)):
        assert rows.shape == (25 * seconds, width)
    assert (encoding.queries == 1).all()


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (Network(heard=10), "rows"),
        (Network(places=26), "rows"),
        (Network(heard=0, places=0), "rows"),
        (Network(bands=10), "rows"),
        (Network(value=3e38), "beyond any score"),
    ],
)
def test_outputs_that_contradict_each_other_are_refused(network: Network, told: str) -> None:
    with pytest.raises(UnusableModel, match=f"model toy gives .*{told}"):
        Encoder(network).encode(np.ones(3 * RATE, np.float32))
