import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.downmix import Downmix
from extrapcli.audio.silence import Bounds
from extrapcli.audio.song import Song
from extrapcli.extrapolators.recall.analysis import Analysis, Layer
from extrapcli.extrapolators.recall.audibility import BeatStatistics, short_time_features
from extrapcli.extrapolators.recall.encoder import Encoding

RATE = 22050
PER_SECOND = 25


def analysed(*layers: NDArray[np.float32]) -> Analysis:
    """The analysis of a song made of mono layers `(n,)` of whole seconds, with an encoding of zeros."""
    sound = np.sum(layers, axis=0)
    n = len(sound)
    rows = np.zeros((n * PER_SECOND // RATE, 64), np.float32)
    features = short_time_features(sound, RATE)
    return Analysis(
        Song("made", sound[:, None], RATE, "f32", "wav"),
        Bounds(0, n, n),
        RATE,
        PER_SECOND,
        features,
        BeatStatistics.of(features),
        tuple(Layer(str(k), layer[:, None], layer, Encoding(rows, rows, rows)) for k, layer in enumerate(layers)),
        Downmix(),
    )
