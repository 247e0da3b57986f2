"""A layer of the song on its way through the track."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.material import Layer


@dataclass(frozen=True, eq=False)
class Playhead:
    """Plays a layer: at sample t of the track, sample `t + offset` of the song.

    It jumped there at sample `jumped_at` of the track. From there on, its samples are multiplied by `gains`, and by 1
    after those.
    """

    layer: Layer
    offset: int
    jumped_at: int = 0
    gains: NDArray[np.float32] = field(default_factory=lambda: np.ones(0, np.float32))

    def song_sample(self, sample: int) -> int:
        """Return the sample of the song that is played at a sample of the track."""
        return sample + self.offset

    def render(self, begin: int, end: int) -> NDArray[np.floating]:
        """Return what is played between two samples of the track, `(n, channels)`, from the song's beginning on."""
        begin = max(begin, -self.offset)
        samples = self.layer.samples[self.song_sample(begin) : self.song_sample(end)].copy()
        first, last = max(begin, self.jumped_at), min(end, self.jumped_at + len(self.gains))
        if first < last:
            samples[first - begin : last - begin] *= self.gains[first - self.jumped_at : last - self.jumped_at, None]
        return samples


def mix(layers: list[NDArray[np.floating]]) -> NDArray[np.floating]:
    """Add up sounds of the same length."""
    return sum(layers[1:], start=layers[0])
