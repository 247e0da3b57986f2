"""What turns a model's output into the next block of a track."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.song import Song
from extrapcli.crossfade import Fade


@dataclass(frozen=True)
class Block:
    """Sound on its way into the track: `(n, channels)` at the song's rate.

    Its first `fade.samples` lie over the end of what came before.
    """

    samples: NDArray[np.floating]
    fade: Fade


class Extrapolator(Protocol):
    def blocks(self, song: Song, wanted: int) -> Iterator[Block]:
        """Yield blocks that follow the song until the track has at least `wanted` samples.

        Raises UnreadableAudio where the song gives too little to go on.
        """
        ...
