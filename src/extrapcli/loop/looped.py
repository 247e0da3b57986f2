"""A song with a loop in it, and the parts that it has: samples, piece by piece."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks
from extrapcli.continuation import clock
from extrapcli.crossfade import join
from extrapcli.extrapolators.base import Loop

AROUND_SECONDS = 0.5  # of what is heard before and after a part, where it is resampled

Samples = NDArray[np.floating]


@dataclass(frozen=True)
class Part:
    """A part of a looped song: its pieces, `count` samples in all, and what is heard before and after it."""

    name: str
    pieces: Iterator[Samples]
    count: int
    before: Samples
    after: Samples


class Looped:
    """A song with a loop in it."""

    def __init__(self, song: Song, loop: Loop) -> None:
        self.song, self.loop = song, loop
        self.fade = loop.fade.samples
        self.around = round(AROUND_SECONDS * loop.sample_rate)

    def _turn(self) -> Iterator[Samples]:
        """Yield the loop once."""
        yield from chunks(self.song.samples[self.loop.begin : self.loop.end - self.fade])
        yield self.loop.wrap(self.song.samples)

    def _first(self) -> Samples:
        return self.song.samples[self.loop.begin : self.loop.begin + self.around]

    def _last(self) -> Samples:
        return np.concatenate(
            [self.song.samples[: self.loop.end - self.fade][-self.around :], self.loop.wrap(self.song.samples)]
        )

    def passage(self) -> Part:
        """Return the loop alone."""
        return Part("loop", self._turn(), self.loop.end - self.loop.begin, self._last(), self._first())

    def up_to_the_end(self) -> Part:
        """Return the song up to the end of the loop, from which it goes on at the loop's beginning."""

        def pieces() -> Iterator[Samples]:
            yield from chunks(self.song.samples[: self.loop.end - self.fade])
            yield self.loop.wrap(self.song.samples)

        return Part("looped", pieces(), self.loop.end, self.song.samples[:0], self._first())

    def intro(self) -> Part:
        """Return the song up to the loop."""
        nothing, intro = self.song.samples[:0], self.song.samples[: self.loop.begin]
        return Part("intro", chunks(intro), self.loop.begin, nothing, self._first())

    def outro(self) -> Part:
        """Return the song from the end of the loop on. Its first samples lead there from the loop's beginning."""
        samples, loop = self.song.samples, self.loop
        size = min(self.fade, len(samples) - loop.end)
        back = join(samples[loop.begin :][:size], samples[loop.end :][:size], replace(loop.fade, samples=size))

        def pieces() -> Iterator[Samples]:
            yield back
            yield from chunks(samples[loop.end + size :])

        return Part("outro", pieces(), len(samples) - loop.end, self._last(), samples[:0])

    def times(self, times: int) -> Part:
        """Return the song with the loop so many times in the place of once."""
        samples, loop = self.song.samples, self.loop

        def pieces() -> Iterator[Samples]:
            yield from chunks(samples[: loop.begin])
            for _ in repeat(None, times - 1):
                yield from self._turn()
            yield from chunks(samples[loop.begin :])

        count = len(samples) + (times - 1) * (loop.end - loop.begin)
        return Part(f"{clock(count / loop.sample_rate)}", pieces(), count, samples[:0], samples[:0])
