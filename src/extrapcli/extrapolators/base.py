"""What turns a model's output into the next block of a track."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.song import Song
from extrapcli.crossfade import Fade

FADE_OUT_SECONDS = 3.0

Ending = Literal["auto", "song", "fade", "cut"]


@dataclass(frozen=True)
class Style:
    """What the user may ask of any extrapolator; None leaves the choice to it.

    `ending`: the song's own, a fade out, a cut, or whichever suits the song. `variety`: 0 for the safest
    continuation to 1 for the most surprising. `seed` repeats the choices.
    """

    fade_seconds: float | None = None
    ending: Ending = "auto"
    variety: float = 0.3
    seed: int = 0


@dataclass(frozen=True)
class Jump:
    """A join that goes from one position of the song to another.

    `layer` is what jumps: `all` of the sound, or its `harmonic` or `percussive` layer. `score` is the network's, in
    nats above the median of all positions. The percentiles give the share of the song's own beats that have less
    spectral flux, or a smaller level step, than the join.
    """

    layer: str
    from_seconds: float
    to_seconds: float
    score: float
    flux_percentile: float
    level_percentile: float

    @property
    def audible(self) -> bool:
        """Whether the join stands out from nearly all of the song's own beats."""
        return max(self.flux_percentile, self.level_percentile) > 99


@dataclass(frozen=True)
class Block:
    """Sound on its way into the track: `(n, channels)` at the song's rate, to lie there from sample `start` on.

    It replaces what was there; its first `fade_samples` are a crossfade from that. A `copy` plays one place of
    the song as it stands.
    """

    start: int
    samples: NDArray[np.floating]
    fade_samples: int
    jump: Jump | None = None
    copy: bool = False


def fade_out(blocks: Iterator[Block], song: Song, wanted: int) -> Iterator[Block]:
    """Let a track of `wanted` samples fade out over its last 3 s, or the last quarter of what is added."""
    n = min(round(FADE_OUT_SECONDS * song.sample_rate), (wanted - len(song.samples)) // 4)
    fall, _ = Fade(n, "equal-gain").gains()
    for block in blocks:
        begin = wanted - n - block.start
        if begin >= len(block.samples):
            yield block
            continue
        gain = np.ones(len(block.samples))
        into = fall[max(0, -begin) : max(0, len(gain) - begin)]
        gain[max(0, begin) : max(0, begin) + len(into)] = into
        yield replace(block, samples=(block.samples * gain[:, None]).astype(block.samples.dtype))


class Extrapolator(Protocol):
    def blocks(self, song: Song, wanted: int) -> Iterator[Block]:
        """Yield blocks, each starting no later than the one before ends, until the track has `wanted` samples.

        Raises UnreadableAudio where the song gives too little to go on.
        """
        ...
