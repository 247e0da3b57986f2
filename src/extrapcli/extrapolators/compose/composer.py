"""Compose new bars of a song, and play them."""

import sys
from collections.abc import Iterator, Sequence
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
COLDEST, HEAT = 0.1, 0.5  # of draws: at no variety, and what more there is at full variety
TINY = 1e-9
NO_BEAT = "no beat was found, so there are no bars: the new music is put together from quarters of a second"


class Composer:
    """Yields the blocks of one track, or of a stream without end, bar by bar."""

    def __init__(self, analysis: Analysis, backend: Backend, style: Style, wanted: int | None) -> None:
        song, bounds, rate = analysis.song, analysis.bounds, analysis.song.sample_rate
        material = Material.of(analysis, backend.spec.name)
        slots, self._candidates = material.slots, material.candidates
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
        self._guides = guides(phrases_of(slots, analysis.sections), follows, played, slots.per_bar)
        self._chooser = Chooser(
            material.joins,
            played=played,
            heat=COLDEST + HEAT * style.variety,
            most=MOST_RUN,
            seed=style.seed,
        )
        bands = Bands(song.samples, rate)
        fade = style.fade_seconds
        self._layers = [Layer(bands, band, fade) for band in range(len(NAMES))]
        self._early = ceil((BEFORE_SECONDS + (max(FADE_SECONDS) if fade is None else fade)) * rate)
        self._together = True  # whether the layers play one stretch of the song
        self._notes = () if slots.keeps_bars else (NO_BEAT,)
        self._sounds: list[Sound] = []
        self._joined: set[int] = set()  # new slots that began with a join, since the last block

    @property
    def lands(self) -> bool:
        """Whether the track ends with the song's own ending."""
        return self._course.landing is not None

    def blocks(self) -> Iterator[Block]:
        """Yield blocks until the track has `wanted` samples."""
        course, slot, begin, bars = self._course, 0, self._before(0), 0
        is_new = self._is_new(bars)
        while self._wanted is None or begin < self._wanted:
            if slot == course.count and course.landing is not None:
                self._go([course.landing] * len(NAMES), slot, together=True, anew=True)
                slot, end, is_new = slot + 1, sys.maxsize, False
            else:
                self._play(slot, is_new=is_new)
                slot += 1
                end = self._before(slot)
                if (course.moment + slot) % self._per_bar and slot != course.count:
                    continue
            end = end if self._wanted is None else min(end, self._wanted)
            made = mixed(self._layers, begin, end)
            fade = self._early if any(begin == self._before(joined) for joined in self._joined) else 0
            sounds = tuple(sound for sound in self._sounds if sound.seconds * self._rate < end)
            self._sounds.clear()
            self._joined.clear()
            yield Block(begin, made, fade, sounds=sounds, copy=not is_new, notes=self._notes)
            self._notes = ()
            begin, bars = end, bars + 1
            is_new = self._is_new(bars)

    def _is_new(self, bar: int) -> bool:
        """Tell whether a bar is new; the new ones are spread evenly."""
        return floor((bar + 1) * self._share + TINY) > floor(bar * self._share + TINY)

    def _play(self, slot: int, *, is_new: bool) -> None:
        """Choose what each layer plays in a new slot, and let it."""
        guide = self._guide(slot)
        own = self._candidates.own
        like = GUIDANCE * alike(np.maximum(own[:, guide], CLOSE))

        def choose(layer: int, logits: NDArray[np.floating]) -> int:
            if not is_new:
                return self._chooser.take(layer, guide)
            if layer != MIDDLE:
                logits = logits + self._with_middle(layer)
            return self._chooser(layer, logits + like[layer])

        wanted = float(self._candidates.energies[guide])
        self._go(self._planner.step(self._course.moment + slot, wanted, choose), slot, together=not is_new)

    def _with_middle(self, layer: int) -> NDArray[np.floating]:
        """Say how well each slot of a layer would sound with what the middle plays, `(n,)`.

        The more so, the more alike its own middle is, and the nearer its level is to that which the song has there.
        """
        middle, levels = self._chooser.at[MIDDLE], self._candidates.layer_levels[layer]
        off = np.maximum(np.abs(levels - levels[middle]) - BALANCED, 0)
        likeness = alike(np.maximum(self._candidates.own[MIDDLE, middle], CLOSE))
        good: NDArray[np.floating] = TOGETHER * likeness - BALANCE_COST * off
        return good

    def _go(self, chosen: Sequence[int] | NDArray[np.int_], slot: int, *, together: bool, anew: bool = False) -> None:
        """Let each layer play a slot of the song in a new slot.

        It takes no join where that is about what the layer goes on with, unless it should begin `anew`.
        """
        anew |= together and not self._together
        sample, begins = self._sample(slot), [float(self._edges[source]) for source in chosen]
        for number, layer in enumerate(self._layers):
            source = round(begins[number] * self._rate)
            if anew or abs(layer.source(sample) - source) > MOST_LATE_SECONDS * self._rate:
                layer.add(sample, source, shifts=not together)
                self._joined.add(slot)
                if not together or number == 0:
                    name = ALL if together else NAMES[number]
                    self._sounds.append(Sound(name, self._course.seconds(slot), begins[number]))
        self._together = together

    def _guide(self, slot: int) -> int:
        """Return the slot of the song that a new slot follows: in the last bars, the way into the ending."""
        course, guide = self._course, next(self._guides)
        if course.landing is None or course.count is None or course.count - slot > LEAD_BARS * self._per_bar:
            return guide
        return max(0, course.landing - (course.count - slot))

    def _sample(self, slot: int) -> int:
        return round(self._course.seconds(slot) * self._rate)

    def _before(self, slot: int) -> int:
        """Return the sample of the track up to which a new slot changes nothing."""
        return self._sample(slot) - self._early
