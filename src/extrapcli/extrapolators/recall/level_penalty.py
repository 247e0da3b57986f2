"""The penalty on positions where the track would be louder or softer than the song."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks
from extrapcli.extrapolators.recall.analysis import Analysis

TOLERANCE_DECIBELS = 1.5
WEIGHT = 0.5  # for each decibel beyond the tolerance


class LevelPenalty:
    """Knows the power of every layer at every position, relative to the whole song."""

    def __init__(self, analysis: Analysis) -> None:
        self.per_second = analysis.positions_per_second
        hop = analysis.mono_rate // analysis.positions_per_second
        self.sums = []
        for layer in analysis.layers:
            hops = layer.mono[len(layer.mono) % hop :].reshape(-1, hop)[-analysis.positions :]
            power = np.concatenate([np.einsum("ij,ij->i", chunk, chunk) for chunk in chunks(hops)]) / hop
            power = np.pad(power, (analysis.positions - len(hops), 0))
            self.sums.append(np.concatenate([[0], np.cumsum(power, dtype=np.float64)]))

    def cost(self, seconds: float, jumping: list[int], positions: list[float]) -> NDArray[np.float32]:
        """Return the cost `(positions,)` of letting some layers jump to each position, for the next `seconds`.

        `jumping` are the indices of these layers, `positions` where all layers are now; the others play on.
        """
        everywhere = np.arange(len(self.sums[0]) - 1)
        begins = [everywhere if k in jumping else np.array([round(position)]) for k, position in enumerate(positions)]
        power = np.asarray(sum(self._power(layer, begin, seconds) for layer, begin in enumerate(begins)))
        deviation = np.abs(10 * np.log10(power + 1e-6))
        cost: NDArray[np.float32] = (WEIGHT * np.maximum(0, deviation - TOLERANCE_DECIBELS)).astype(np.float32)
        return cost

    def _power(self, layer: int, positions: NDArray[np.int_], seconds: float) -> NDArray[np.float64]:
        sums = self.sums[layer]
        length = max(1, round(seconds * self.per_second))
        begin = np.clip(positions, 0, len(sums) - 2)
        end = np.minimum(begin + length, len(sums) - 1)
        power: NDArray[np.float64] = (sums[end] - sums[begin]) / (end - begin)
        return power
