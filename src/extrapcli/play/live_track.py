"""A track that is made while it is played, turned when its listener asks for it, and made again when it is saved."""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks
from extrapcli.continuation import earliest_join, leaves_at
from extrapcli.crossfade import Fade, join
from extrapcli.extrapolators.base import FADE_OUT_SECONDS, Block, PlaysLive, Style, Turn, Turns
from extrapcli.model import Model
from extrapcli.play.place import Place

JOIN_SECONDS = 1.0  # before a block ends, besides a crossfade: from there on, the next may begin
LEAST_LEAD_SECONDS = 0.5
RECENT_BLOCKS = 12
TURN_SECONDS = 0.4  # in which another way is usually found
WAIT_SECONDS = 0.1
LATE_FADE_SECONDS = 0.05

Samples = NDArray[np.floating]


@dataclass
class Script:
    """What made a track what it was: how each block was turned, by its number, and where one was entered late."""

    turns: dict[int, Turn] = field(default_factory=dict)
    late: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    """The first `length` samples of a track, when so many of its `blocks` were entered."""

    length: int
    blocks: int


@dataclass(frozen=True)
class Played:
    """A stretch of a track: samples `(n, channels)` from sample `start` of the track on."""

    start: int
    samples: Samples

    @property
    def end(self) -> int:
        return self.start + len(self.samples)

    def between(self, begin: int, end: int) -> Samples:
        """Return what is played between two samples of the track."""
        return self.samples[begin - self.start : end - self.start]

    def followed(self, block: Block, at: int, rate: int) -> "Played":
        """Return the block that follows from sample `at` of the track on; one that began before fades in there.

        One that is over by then is passed over.
        """
        if at >= block.start + len(block.samples):
            return self
        samples = block.samples.astype(self.samples.dtype, copy=False)[at - block.start :]
        if at > block.start:
            before = self.samples[at - self.start :]
            fade = Fade(min(round(LATE_FADE_SECONDS * rate), len(before), len(samples)), "equal-power")
            samples = join(before[: fade.samples], samples, fade)
        return Played(at, samples)


class LiveTrack:
    """A song and what follows it, `end` samples in all or, with None, without end.

    A track that is no longer than its song fades out. What follows is made in a thread of its own, shortly before it
    is played. As long as nobody turns it, it is, sample for sample, what `Model.continuation` gives.

    Attributes:
        song: the song or, while that is being decoded, its beginning.
        position: the sample of the track that is taken next.
        place: where in the song it plays.
        next_join: the sample at which the next block is expected to begin; None where that isn't known.
        obeys: whether turns have an effect with this model; None where that isn't known yet.
        late: how many blocks came too late to be joined where they should.
    """

    def __init__(
        self,
        beginning: Song,
        whole: Callable[[], Song],
        opened: Callable[[], Model],
        style: Style,
        end: int | None,
    ) -> None:
        self.song = beginning
        self.place = Place(beginning.sample_rate)
        self.position = self.late = 0
        self.next_join: int | None = None
        self.obeys: bool | None = None
        self._whole, self._opened, self._style = whole, opened, style
        self._rate, self._fade_seconds = beginning.sample_rate, style.fade_seconds or 0.0
        self._fade = min(round(FADE_OUT_SECONDS * self._rate), sys.maxsize if end is None else end)
        self._finishing, self._fades_at, self._end = False, sys.maxsize, end
        self._script, self._turns = Script(), Turns()
        self._wishes: deque[tuple[bool, float]] = deque()
        self._played = Played(0, beginning.samples)
        self._number, self._ended = 0, False
        self._free = 0  # the sample before which the next block doesn't begin
        self._wanted: int | None = None
        self._following: Block | None = None
        self._took = deque([1.0], maxlen=RECENT_BLOCKS)  # seconds to make a block
        self._maker = ThreadPoolExecutor(1)
        self._decoded = self._maker.submit(self._decode)
        self._begun: Future[Iterator[Block]] | None = None
        self._coming: Future[Block | None] | None = None

    def close(self) -> None:
        """Make nothing any more."""
        self._maker.shutdown(wait=False, cancel_futures=True)

    def turn(self, *, jumps: bool = False, livelier: float = 0.0) -> None:
        """Jump at the next bar line, or let the mood change, as soon as that can be made."""
        if self.obeys is not False:
            self._wishes.append((jumps, livelier))

    @property
    def is_whole(self) -> bool:
        """Whether all of the song is decoded."""
        return self._begun is not None

    def finish(self) -> None:
        """Fade out from here on, and end."""
        self._finishing = True

    def take(self, most: int, patience: float) -> Samples | None:
        """Return the next samples, `most` or fewer and perhaps none for now; None at the end of the track.

        Where the next block may begin but isn't made yet, this waits for it for `patience` seconds, and then goes on
        with what is played now. Raises as `load` and `Model.continuation` do.
        """
        if self._finishing and self.position < self._fades_at:
            self._fades_at, end = self.position, self.position + self._fade
            self._end = end if self._end is None else min(end, self._end)
        self._receive()
        if self.position >= self._free and not self._following and patience > 0:
            self._receive(patience)
        if self._following and self._following.start <= self.position:
            self._follow(self._following)
        end = self._following.start if self._following else self._played.end
        end = min(end, self.position + most, end if self._end is None else self._end)
        if not self._begun and self._end is not None:
            end = min(end, max(0, self._end - self._fade))
        piece = self._faded(self._played.between(self.position, end), self.position)
        self.position += len(piece)
        if len(piece):
            return piece
        if self._ended or self.position == self._end:
            return None
        self._receive(WAIT_SECONDS)
        return piece

    @property
    def heard(self) -> Heard:
        """What was heard up to now."""
        length = self.position  # before the number of blocks, which another thread may count up
        return Heard(length, self._number)

    def again(self, heard: Heard) -> Iterator[Samples]:
        """Make what was heard again, sample for sample."""
        song, *_ = self._decoded.result()
        played, begin = Played(0, song.samples), 0
        if heard.blocks:
            turns = Turns()
            blocks = self._opened().blocks(song, self._wanted, self._style, turns=turns)
        for number in range(heard.blocks + 1):
            end = heard.length
            if number < heard.blocks:
                turns.asked = self._script.turns.get(number)
                block = next(blocks)
                end = min(end, self._script.late.get(number, block.start))
            for piece in chunks(played.between(begin, end)):
                yield self._faded(piece, begin)
                begin += len(piece)
            if begin == heard.length:
                return
            played = played.followed(block, end, self._rate)

    def _faded(self, samples: Samples, begin: int) -> Samples:
        """Return what is heard of samples from `begin` of the track on."""
        after = begin + len(samples) - self._fades_at
        if after <= 0:
            return samples
        fall, _ = Fade(self._fade, "equal-gain").gains()
        faded = samples.copy()
        gone = max(0, begin - self._fades_at)
        falling = fall[gone : max(gone, after)]
        faded[len(samples) - (after - gone) :][: len(falling)] *= falling[:, None].astype(samples.dtype)
        return faded

    def _decode(self) -> tuple[Song, int, int]:
        song = self._whole()
        return song, earliest_join(song, self._style.fade_seconds), leaves_at(song)

    def _know(self, song: Song, head: int, leaves: int) -> None:
        """Go on with the whole song."""
        self.song, self._free, self.next_join = song, head, leaves
        self._played = Played(0, song.samples)
        if self._end is not None and self._end <= len(song.samples):
            self._fades_at = min(self._fades_at, max(0, self._end - self._fade))
            self._begun = self._maker.submit(lambda: iter(()))
        else:
            self._wanted = self._end
            self._begun = self._maker.submit(self._begin)

    def _begin(self) -> Iterator[Block]:
        analysis = Analysis(self.song.as_heard)
        model = self._opened()
        self.obeys = isinstance(model.extrapolator(self._style), PlaysLive)
        blocks = model.blocks(self.song, self._wanted, self._style, analysis, self._turns)
        self.place.energy = analysis.energy
        return blocks

    def _receive(self, seconds: float = 0.0) -> None:
        """Ask for the next block when it is time, and take it when it is there, after some seconds at most."""
        if not self._begun:
            wait([self._decoded], seconds)
            if self._decoded.done():
                self._know(*self._decoded.result())
            return
        wait([self._begun], seconds)
        if not self._begun.done():
            return
        if not self._following and not self._coming and not self._ended:
            self._ask(self._begun.result())
        if self._coming:
            wait([self._coming], seconds)
            if self._coming.done():
                self._following, self._coming = self._coming.result(), None
                self._ended = self._following is None
                self.next_join = self._following.start if self._following else None

    def _ask(self, blocks: Iterator[Block]) -> None:
        """Let the next block be made if it is due, or if it should be another one."""
        lead = round((LEAST_LEAD_SECONDS + max(self._took)) * self._rate)
        if self.position < self._free - lead and not self._wishes:
            return
        wishes = list(self._wishes)
        after = self.position + round(TURN_SECONDS * self._rate)
        livelier = sum(by for _, by in wishes)
        asked = Turn(after, any(jumps for jumps, _ in wishes), livelier) if wishes else None
        self._coming = self._maker.submit(self._make, blocks, self._number, asked, len(wishes))

    def _make(self, blocks: Iterator[Block], number: int, asked: Turn | None, wishes: int) -> Block | None:
        begin, self._turns.asked = monotonic(), asked
        block = next(blocks, None)
        if number:  # the first takes longer
            self._took.append(monotonic() - begin)
        if asked and not self._turns.take():
            self._script.turns[number] = asked
            for _ in range(wishes):
                self._wishes.popleft()
        return block

    def _follow(self, block: Block) -> None:
        """Play a block from here on."""
        if block.start < self.position:
            self.late += 1
            self._script.late[self._number] = self.position
        self._played = self._played.followed(block, self.position, self._rate)
        end = self._played.end
        self._free = end - round((JOIN_SECONDS + self._fade_seconds) * self._rate)
        self.next_join = None if self._end is not None and self._free >= self._end else end
        self.place.follow(block)
        self._number, self._following = self._number + 1, None
