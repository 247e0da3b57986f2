import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.song import Song
from extrapcli.extrapolators.recall.analysis import Part, SongMap
from extrapcli.extrapolators.recall.bounds import Music
from extrapcli.extrapolators.recall.encoder import Score
from extrapcli.extrapolators.recall.texture import Beats, texture

RATE = 22050
PER_SECOND = 25


def mapped(*parts: NDArray[np.float32]) -> SongMap:
    """A song of whole seconds in mono parts `(n,)` of whole seconds, on which the network says nothing."""
    sound = np.sum(parts, axis=0)
    n = len(sound)
    rows = np.zeros((n * PER_SECOND // RATE, 64), np.float32)
    return SongMap(
        Song("made", sound[:, None], RATE, "f32", "wav"),
        Music(0, n, n),
        RATE,
        PER_SECOND,
        texture(sound, RATE),
        Beats.of(texture(sound, RATE)),
        tuple(Part(str(k), part[:, None], part, Score(rows, rows, rows)) for k, part in enumerate(parts)),
    )
