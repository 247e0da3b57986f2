"""Slots: half beats of a song, or pieces of about as long where it has no pulse."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.beats import Beats

SLOT_SECONDS = 0.18  # the shortest slot; the longest is twice as long
LOOSE_SECONDS = 0.25  # a slot where there is no pulse
LEAST_CONFIDENCE = 0.25  # of the pulse; a slot between beats that are none does no harm
LOOSE_PER_BAR = 8
TEMPO_BEATS = 8  # the first and the last ones, at whose tempo beats are added


@dataclass(frozen=True)
class Slots:
    """The slots of a song, one after another.

    Attributes:
        edges: float64 `(n + 1,)`, in seconds, increasing; slot k lasts from edge k to edge k + 1.
        places: int `(n,)`, how many slots after the beginning of its bar each begins.
        per_bar: how many slots a bar has; at most, where that changes.
        keeps_bars: whether the edges follow a beat; only then do places mean anything.
    """

    edges: NDArray[np.float64]
    places: NDArray[np.int_]
    per_bar: int
    keeps_bars: bool

    @classmethod
    def of(cls, beats: Beats, begin: float, end: float) -> "Slots":
        """Lay slots over the music between two seconds; beats at its edges are added at the tempo there."""
        if beats.confidence < LEAST_CONFIDENCE or len(beats.times) < 2:
            return cls._loose(begin, end)
        period = float(np.median(np.diff(beats.times)))
        parts = 2 ** max(0, int(np.floor(np.log2(period / SLOT_SECONDS))))
        lengths = np.diff(beats.times)
        first, last = (float(np.median(some)) for some in (lengths[:TEMPO_BEATS], lengths[-TEMPO_BEATS:]))
        before = np.arange(max(0, int((beats.times[0] - begin) / first)), 0, -1)
        after = np.arange(max(0, int((end - beats.times[-1]) / last))) + 1
        times = np.concatenate([beats.times[0] - before * first, beats.times, beats.times[-1] + after * last])
        found = beats.positions
        positions = np.concatenate([found[0] - before, found, found[-1] + after]) % beats.metre
        edges = np.interp(np.arange((len(times) - 1) * parts + 1) / parts, np.arange(len(times)), times)
        places = np.repeat(positions[:-1] * parts, parts) + np.tile(np.arange(parts), len(times) - 1)
        inside = (edges[:-1] >= begin - 1e-6) & (edges[1:] <= end + 1e-6)
        kept = np.flatnonzero(inside)
        if not len(kept):
            return cls._loose(begin, end)
        return cls(edges[kept[0] : kept[-1] + 2], places[kept], beats.metre * parts, True)

    @classmethod
    def _loose(cls, begin: float, end: float) -> "Slots":
        """Lay slots over music without a pulse, up to its end."""
        count = int((end - begin) / LOOSE_SECONDS)
        edges = end - LOOSE_SECONDS * np.arange(count, -1, -1, dtype=np.float64)
        return cls(edges, np.arange(count) % LOOSE_PER_BAR, LOOSE_PER_BAR, False)

    @property
    def moments(self) -> NDArray[np.int_]:
        """How many slots after the first bar line each begins, `(n,)`, if all bars had `per_bar` slots."""
        bars = np.concatenate([[0], np.cumsum(np.diff(self.places) <= 0)])
        moments: NDArray[np.int_] = bars * self.per_bar + self.places
        return moments

    def last(self, count: int) -> "Slots":
        """Return the last few slots."""
        first = max(0, len(self) - count)
        return replace(self, edges=self.edges[first:], places=self.places[first:])

    def earlier(self, seconds: float) -> "Slots":
        """Return the slots of the same music, if it began so many seconds later."""
        return replace(self, edges=self.edges - seconds)

    def __len__(self) -> int:
        return len(self.places)
