"""Compose new bars of a song, and play them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
from extrapcli.extrapolators.compose.pieces import BEFORE_SECONDS, FADE_SECONDS, Layer, mixed
from extrapcli.extrapolators.compose.planner import Heard, Planner
from extrapcli.extrapolators.compose.walk import MIDDLE

MOST_RUN = 3  # slots from one place
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
    """Yields the blocks of one track, or of a stream without end, bar by bar."""

    def __init__(self, analysis: Analysis, backend: Backend, style: Style, wanted: int | None) -> None:
        song, bounds, rate = analysis.song, analysis.bounds, analysis.song.sample_rate
        material = Material.of(analysis, backend.spec.name)
        slots, self._candidates, self._sounding = material.slots, material.candidates, material.sounding
        self._course = Course.of(
            slots,
            bounds.leaves_at(rate) / rate,
            ends=style.lands_on(bounds),
            end=bounds.end / rate,
            wanted=None if wanted is None else wanted / rate,
        )
        self._edges, self._per_bar, self._rate = slots.edges, slots.per_bar, rate
        self._wanted, self._share = wanted, 1.0 if style.new is None else style.new
        played = self._course.first
        self._planner = Planner(backend, self._candidates, Heard.of(self._candidates, played))
        follows = self._planner.walk.matches(self._course.moment, 0.0)[MIDDLE] @ PLAIN[MIDDLE]
        phrases = phrases_of(slots, material.sounding, analysis.sections)
        self._guides = guides(phrases, follows, played, slots.per_bar)
        self._chooser = Chooser(
            material.joins,
            played=played,
            heat=HEAT * style.variety,
            most=MOST_RUN,
            seed=style.seed,
        )
        bands = Bands(song.samples, rate)
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
        """Yield blocks until the track has `wanted` samples, the first where the track leaves the song.

        Each is a bar, or what comes after a join amid a bar of the song's own.
        """
        course, slot, bar, lands = self._course, 0, 0, False
        block: Block | None = None
        while not lands and (self._wanted is None or self._before(slot) < self._wanted):
            begins_bar, lands = not (course.moment + slot) % self._per_bar, slot == course.count
            bar += begins_bar and slot > 0
            is_new = not lands and self._is_new(bar)
            joined = self._play(slot, is_new=is_new, begins_bar=begins_bar)
            if block and not begins_bar and (is_new or not joined):
                block = replace(block, sounds=block.sounds + joined)
            elif block or is_new or joined:
                begin = self._before(slot)
                if block:
                    yield self._filled(block, begin)
                fade, notes = self._early if joined else 0, () if block else self._notes
                block = Block(begin, NOTHING, fade, sounds=joined, copy=not is_new, notes=notes)
            slot += 1
        if block and self._wanted is not None:
            yield self._filled(block, self._wanted)

    def _filled(self, block: Block, end: int) -> Block:
        """Give a block its sound, up to a sample of the track."""
        heard = tuple(sound for sound in block.sounds if sound.seconds * self._rate < end)
        return replace(block, samples=mixed(self._layers, block.start, end), sounds=heard)

    def _is_new(self, bar: int) -> bool:
        """Tell whether a bar is new; the new ones are spread evenly."""
        return floor((bar + 1) * self._share + TINY) > floor(bar * self._share + TINY)

    def _play(self, slot: int, *, is_new: bool, begins_bar: bool) -> tuple[Sound, ...]:
        """Choose what each layer plays in a new slot, and let it; return what begins with a join.

        The song's own bars are joined at bar lines and where their guides are; the ending, to the sample.
        """
        if self._course.landing is not None and slot == self._course.count:
            return self._go([self._course.landing] * len(NAMES), slot, together=True, late=0.0)
        guide = self._guide(slot)
        own = self._candidates.own
        like = GUIDANCE * alike(np.maximum(own[:, guide], CLOSE))

        def choose(layer: int, logits: NDArray[np.floating]) -> int:
            if not is_new:
                return self._chooser.take(layer, guide)
            if layer != MIDDLE:
                logits = logits + self._with_middle(layer)
            return self._chooser(layer, logits + like[layer])

        chosen = self._planner.step(self._course.moment + slot, float(self._candidates.energies[guide]), choose)
        late = MOST_LATE_SECONDS if is_new or begins_bar else self._course.period / 2
        return self._go(chosen, slot, together=not is_new, late=late)

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
        self, chosen: Sequence[int] | NDArray[np.int_], slot: int, *, together: bool, late: float
    ) -> tuple[Sound, ...]:
        """Let each layer play a slot of the song in a new slot; return what begins with a join.

        A layer that plays that very slot already, or is not more than `late` seconds off, goes on.
        """
        anew, joined = together and not self._together, []
        sample, begins = self._sample(slot), [float(self._edges[source]) for source in chosen]
        for number, layer in enumerate(self._layers):
            source = round(begins[number] * self._rate)
            if anew or abs(layer.source(sample) - source) > late * self._rate:
                layer.add(sample, source, shifts=not together)
                if not together or number == 0:
                    name = ALL if together else NAMES[number]
                    joined.append(Sound(name, self._course.seconds(slot), begins[number]))
        self._together = together
        return tuple(joined)

    def _guide(self, slot: int) -> int:
        """Return the slot of the song that a new slot follows: in the last bars, the way into the ending."""
        course, guide = self._course, next(self._guides)
        if course.landing is None or course.count is None or course.count - slot > LEAD_BARS * self._per_bar:
            return guide
        lead = max(0, course.landing - (course.count - slot))
        return lead if self._sounding[lead] else guide

    def _sample(self, slot: int) -> int:
        return round(self._course.seconds(slot) * self._rate)

    def _before(self, slot: int) -> int:
        """Return the sample of the track up to which a new slot changes nothing."""
        return self._sample(slot) - self._early
