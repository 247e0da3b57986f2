"""Compose new bars of a song, and play them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice, tee
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.backends.base import Backend
from extrapcli.extrapolators.base import ALL, Block, Sound, Style
from extrapcli.extrapolators.compose.bands import NAMES, Bands
from extrapcli.extrapolators.compose.choosing import Chooser
from extrapcli.extrapolators.compose.course import Course
from extrapcli.extrapolators.compose.form import guides, phrases_of
from extrapcli.extrapolators.compose.matching import PLAIN, alike
from extrapcli.extrapolators.compose.material import Material
from extrapcli.extrapolators.compose.music import Music
from extrapcli.extrapolators.compose.pieces import BEFORE_SECONDS, FADE_SECONDS, Layer, mixed
from extrapcli.extrapolators.compose.planner import Heard, Planner
from extrapcli.extrapolators.compose.walk import MIDDLE

MOST_RUN = 3  # slots from one place
ALWAYS = -1.0  # however little a layer is late
MOST_LATE_SECONDS = 0.03  # by which a layer that goes on may leave the beat; joins are moved by up to 12 ms
LEAD_BARS = 2  # before the ending, that follow those which lead into it in the song
TOGETHER = 0.5  # weight of the likeness to what the middle plays, for the other layers
BALANCE_COST = 0.4  # nats for each decibel by which these are louder or softer than the song has them with that
BALANCED = 3.0  # decibels that cost nothing
GUIDANCE, CLOSE = 1.0, 0.5  # weight of the likeness to the guide, and the distance within which all are alike
HEAT = 0.8  # of draws, at full variety
TINY = 1e-9
NOTHING = np.zeros((0, 0), np.float32)
NO_BEAT = "no beat was found, so there are no bars: the new music is put together from quarters of a second"


class Composer:
    """Yields the blocks of one track, or of a stream without end, bar by bar.

    It works on the song without its long silences. In the track, all comes later by those before the song is left.
    """

    def __init__(self, analysis: Analysis, backend: Backend, style: Style, wanted: int | None) -> None:
        self._music = Music.of(analysis)
        analysis, bounds, rate = self._music.analysis, self._music.bounds, analysis.song.sample_rate
        material = Material.of(self._music)
        slots, self._candidates, self._song = material.slots, material.candidates, analysis.song.samples
        ends = style.lands_on(bounds)
        self._course = course = Course.of(slots, bounds.leaves_at(rate) / rate, ends=ends)
        left = round(course.begin * rate) - 1
        self._later = self._music.in_song(left) - left
        self._wanted = None if wanted is None else wanted - self._later
        self._edges, self._per_bar, self._rate = slots.edges, slots.per_bar, rate
        cut = np.searchsorted(slots.edges, np.array(self._music.cuts) / rate, side="right") - 1
        self._parted = {*cut.tolist(), *(cut + 1).tolist()}  # slots with a silence cut out of them, and those after
        self._share = 1.0 if style.new is None else style.new
        self._planner = Planner(backend, self._candidates, Heard.of(self._candidates, course.first))
        follows = self._planner.walk.matches(course.moment, 0.0)[MIDDLE] @ PLAIN[MIDDLE]
        self._guides = partial(guides, phrases_of(slots, analysis.sections), follows, course.first, slots.per_bar)
        if ends and self._wanted is not None:
            self._course = course.landed(
                slots, end=bounds.end / rate, wanted=self._wanted / rate, lengths=self._lengths(self._guides())
            )
        self._chooser = Chooser(
            material.joins,
            played=course.first,
            heat=HEAT * style.variety,
            most=MOST_RUN,
            seed=style.seed,
        )
        bands = Bands(self._song, rate)
        fade = style.fade_seconds
        self._layers = [Layer(bands, band, fade) for band in range(len(NAMES))]
        self._early = ceil((BEFORE_SECONDS + (max(FADE_SECONDS) if fade is None else fade)) * rate)
        self._together = True  # whether the layers play one stretch of the song
        self._notes = () if slots.keeps_bars else (NO_BEAT,)

    @property
    def lands(self) -> bool:
        """Whether the track ends with the song's own ending."""
        return self._course.landing is not None

    def blocks(self) -> Iterator[Block]:
        """Yield blocks until the track has `wanted` samples.

        The first begins where the track leaves the song. Then one begins with the first join of each new bar, with
        each join of the song's own bars, and with each of these that goes on.
        """
        block, in_bar = None, False  # whether the block began in this bar
        for slot, (seconds, guide, lands) in enumerate(self._slots()):
            begin = round(seconds * self._rate)
            if self._wanted is not None and begin >= self._wanted:
                break
            is_new, bar_begins = not lands and self._is_new(slot), self._place(slot) == 0
            in_bar = in_bar and not bar_begins
            joined = self._land(guide, seconds) if lands else self._play(slot, seconds, guide)
            if not block and not joined:
                continue
            if block and not (lands or (joined and not in_bar) or (block.copy and (joined or bar_begins))):
                block = replace(block, sounds=block.sounds + joined)
                continue
            if block:
                yield self._filled(block, begin - self._early)
            fade, copy, notes = self._early if joined else 0, not (is_new and joined), () if block else self._notes
            block, in_bar = Block(begin - self._early, NOTHING, fade, sounds=joined, copy=copy, notes=notes), True
        if block and self._wanted is not None:
            yield self._filled(block, self._wanted)

    def _slots(self) -> Iterator[tuple[float, int, bool]]:
        """Yield when each new slot begins, in seconds of the music, its guide, and whether that is what it lands on.

        Slots of new bars are as long as those before the song was left, and the song's own are as long as ever; all
        are stretched a little, so that the landing comes on time. In the last bars, the guides lead into the ending.
        """
        course, followed, stretch = self._course, self._guides(), 1.0
        if course.landing is not None:
            lead = min(LEAD_BARS * self._per_bar, course.count, course.landing)
            known = [*islice(followed, course.count - lead), *range(course.landing - lead, course.landing)]
            followed, stretch = iter(known), course.room / sum(self._lengths(known))
        seconds, (followed, measured) = course.begin, tee(followed)
        for guide, length in zip(followed, self._lengths(measured), strict=True):
            yield seconds, guide, False
            seconds += stretch * length
        if course.landing is not None:
            yield course.begin + course.room, course.landing, True

    def _lengths(self, followed: Iterable[int]) -> Iterator[float]:
        """Yield how many seconds new slots with these guides last, unless they are stretched."""
        for slot, guide in enumerate(followed):
            own = float(self._edges[guide + 1] - self._edges[guide])
            yield self._course.period if self._is_new(slot) else own

    def _place(self, slot: int) -> int:
        """Return how many slots after a bar line a new slot begins."""
        return (self._course.moment + slot) % self._per_bar

    def _is_new(self, slot: int) -> bool:
        """Tell whether the bar of a new slot is new; the new bars are spread evenly."""
        bar = (self._course.moment + slot) // self._per_bar - self._course.moment // self._per_bar
        return floor((bar + 1) * self._share + TINY) > floor(bar * self._share + TINY)

    def _filled(self, block: Block, end: int) -> Block:
        """Give a block its sound, up to a sample of the music, and its place in the track."""
        made = mixed(self._song, self._layers, block.start, end)
        return replace(block, start=block.start + self._later, samples=made)

    def _play(self, slot: int, seconds: float, guide: int) -> tuple[Sound, ...]:
        """Choose what each layer plays in a new slot, and let it; return what begins with a join.

        A bar of the song's own is joined only at its beginning, where its guide isn't the next slot of the song, and
        where there was a silence.
        """
        is_new, goes_on = self._is_new(slot), guide == self._chooser.at[MIDDLE] + 1
        own = self._candidates.own
        like = GUIDANCE * alike(np.maximum(own[:, guide], CLOSE))

        def choose(layer: int, logits: NDArray[np.floating]) -> int:
            if not is_new:
                return self._chooser.take(layer, guide)
            if layer != MIDDLE:
                logits = logits + self._with_middle(layer)
            return self._chooser(layer, logits + like[layer])

        chosen = self._planner.step(self._course.moment + slot, float(self._candidates.energies[guide]), choose)
        late = MOST_LATE_SECONDS
        if not is_new and guide in self._parted:
            late = ALWAYS
        elif not is_new and goes_on and self._place(slot) > 0:
            late = np.inf
        return self._go(chosen, seconds, together=not is_new, late=late)

    def _land(self, landing: int, seconds: float) -> tuple[Sound, ...]:
        """Let the song's ending begin, to the sample; return that it begins with a join."""
        return self._go([landing] * len(NAMES), seconds, together=True, late=0.0)

    def _with_middle(self, layer: int) -> NDArray[np.floating]:
        """Say how well each slot of a layer would sound with what the middle plays, `(n,)`.

        The more so, the more alike its own middle is, and the nearer its level is to that which the song has there.
        """
        middle, levels = self._chooser.at[MIDDLE], self._candidates.layer_levels[layer]
        off = np.maximum(np.abs(levels - levels[middle]) - BALANCED, 0)
        likeness = alike(np.maximum(self._candidates.own[MIDDLE, middle], CLOSE))
        good: NDArray[np.floating] = TOGETHER * likeness - BALANCE_COST * off
        return good

    def _go(
        self, chosen: Sequence[int] | NDArray[np.int_], seconds: float, *, together: bool, late: float
    ) -> tuple[Sound, ...]:
        """Let each layer play a slot of the song in the new slot that begins now; return what begins with a join.

        A layer that plays that very slot already, or is not more than `late` seconds off, goes on.
        """
        anew, joined, sample = together and not self._together, [], round(seconds * self._rate)
        for number, (layer, slot) in enumerate(zip(self._layers, chosen, strict=True)):
            source = round(float(self._edges[slot]) * self._rate)
            if anew or abs(layer.source(sample) - source) > late * self._rate:
                layer.add(sample, source, shifts=not together)
                if not together or number == 0:
                    name = ALL if together else NAMES[number]
                    at, there = sample + self._later, self._music.in_song(source)
                    joined.append(Sound(name, at / self._rate, there / self._rate))
        self._together = together
        return tuple(joined)
