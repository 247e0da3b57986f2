"""Where in its song a track plays."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.spectra import MOMENTS_PER_SECOND
from extrapcli.continuation import LAYERS
from extrapcli.extrapolators.base import ALL, Block


class Place:
    """Knows where in the song each layer plays, by the jumps so far, and how energetic the song is there.

    Attributes:
        energy: that of the song, `(n,)`, 15 values a second, 0 to 1, once it is known.
    """

    def __init__(self, rate: int) -> None:
        self.energy: NDArray[np.float64] | None = None
        self._rate = rate
        self._offsets = dict.fromkeys(LAYERS, 0.0)

    def follow(self, block: Block) -> None:
        """Take note that a block is played from now on."""
        if block.jump:
            offset = block.jump.to_seconds - (block.start + block.fade_samples) / self._rate
            moved = LAYERS if block.jump.layer == ALL else (block.jump.layer,)
            self._offsets |= dict.fromkeys(moved, offset)

    def at(self, sample: int) -> list[float]:
        """Return where in the song a sample of the track is, in seconds: one place, or one for each layer."""
        return [max(0.0, sample / self._rate + offset) for offset in dict.fromkeys(self._offsets.values())]

    def energy_at(self, sample: int) -> float | None:
        """Return how energetic the song is there, 0 to 1, if that is known."""
        if self.energy is None:
            return None
        at = np.round(np.array(self.at(sample)) * MOMENTS_PER_SECOND).astype(int)
        return float(self.energy[np.minimum(at, len(self.energy) - 1)].mean())
