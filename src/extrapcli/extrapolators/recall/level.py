"""How loud the track would be, place by place: it should be about as loud as the song."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks
from extrapcli.extrapolators.recall.analysis import SongMap

TOLERANCE_DECIBELS = 1.5
WEIGHT = 0.5  # for every decibel beyond

Array = NDArray[np.float32]


class Level:
    """The power of every part from place to place, against that of the song."""

    def __init__(self, song_map: SongMap) -> None:
        self.per_second = song_map.per_second
        hop = song_map.rate // song_map.per_second
        self.sums = []
        for part in song_map.parts:
            hops = part.mono[len(part.mono) % hop :].reshape(-1, hop)[-song_map.places :]
            power = np.concatenate([np.einsum("ij,ij->i", some, some) for some in chunks(hops)]) / hop
            power = np.pad(power, (song_map.places - len(hops), 0))
            self.sums.append(np.concatenate([[0], np.cumsum(power, dtype=np.float64)]))

    def cost(self, seconds: float, moving: list[int], places: list[float]) -> Array:
        """What it costs to let the moving parts go on at each place, while the others go on from theirs."""
        everywhere = np.arange(len(self.sums[0]) - 1)
        at = [everywhere if part in moving else np.array([round(place)]) for part, place in enumerate(places)]
        power = np.asarray(sum(self._power(part, where, seconds) for part, where in enumerate(at)))
        off = np.abs(10 * np.log10(power + 1e-6))
        cost: Array = (WEIGHT * np.maximum(0, off - TOLERANCE_DECIBELS)).astype(np.float32)
        return cost

    def _power(self, part: int, places: NDArray[np.int_], seconds: float) -> NDArray[np.float64]:
        sums = self.sums[part]
        length = max(1, round(seconds * self.per_second))
        begin = np.clip(places, 0, len(sums) - 2)
        end = np.minimum(begin + length, len(sums) - 1)
        power: NDArray[np.float64] = (sums[end] - sums[begin]) / (end - begin)
        return power
