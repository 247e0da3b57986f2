import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.song import Song
from extrapcli.extrapolators.recall.audibility import BeatStatistics, short_time_features
from extrapcli.extrapolators.recall.encoder import Encoding
from extrapcli.extrapolators.recall.material import Layer, Material

RATE = 22050
PER_SECOND = 25


def material(*layers: NDArray[np.float32]) -> Material:
    """A song made of mono layers `(n,)` of whole seconds, with an encoding of zeros."""
    sound = np.sum(layers, axis=0)
    rows = np.zeros((len(sound) * PER_SECOND // RATE, 64), np.float32)
    features = short_time_features(sound, RATE)
    return Material(
        Analysis(Song("made", sound[:, None], RATE, "f32", "wav")),
        RATE,
        PER_SECOND,
        features,
        BeatStatistics.of(features),
        tuple(Layer(str(k), layer[:, None], layer, Encoding(rows, rows, rows)) for k, layer in enumerate(layers)),
    )
