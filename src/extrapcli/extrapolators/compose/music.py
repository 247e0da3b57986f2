"""The music of a song: all of it but its long silences, as before a hidden track."""

from dataclasses import dataclass, replace

import numpy as np

from extrapcli.analysis import Analysis
from extrapcli.audio.silence import Bounds


@dataclass(frozen=True)
class Music:
    """A song without its long silences; mostly it has none.

    Attributes:
        analysis: of what is left.
        bounds: those of the song, in samples of what is left.
        silences: what was cut out: the first sample of the song, and the first one after.
    """

    analysis: Analysis
    bounds: Bounds
    silences: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, analysis: Analysis) -> "Music":
        """Cut the long silences out of a song; if there are any, what is left is analysed anew."""
        song, bounds = analysis.song, analysis.bounds
        if not bounds.silences:
            return cls(analysis, bounds, ())
        begins, ends = zip(*bounds.silences, strict=True)
        heard = zip([0, *ends], [*begins, len(song.samples)], strict=True)
        left = replace(song, samples=np.concatenate([song.samples[begin:end] for begin, end in heard]))
        begin, ending, end = (_without(at, bounds.silences) for at in (bounds.begin, bounds.ending, bounds.end))
        return cls(Analysis(left), Bounds(begin, ending, end), bounds.silences)

    @property
    def cuts(self) -> list[int]:
        """The samples of what is left before which a silence was cut out."""
        return [_without(begin, self.silences) for begin, _ in self.silences]

    def in_song(self, sample: int) -> int:
        """Return which sample of the song a sample of the music is."""
        for begin, end in self.silences:
            if sample >= begin:
                sample += end - begin
        return sample


def _without(sample: int, silences: tuple[tuple[int, int], ...]) -> int:
    """Return which sample is left of a sample of the song; within a silence, the first one after."""
    return sample - sum(min(max(sample - begin, 0), end - begin) for begin, end in silences)
