"""When new slots begin, and where the song's own ending is landed on."""

from dataclasses import dataclass

import numpy as np

from extrapcli.extrapolators.compose.slots import Slots

TEMPO_SLOTS = 32  # the last ones before the song is left: the new ones are as long as these
STRETCH = 0.02  # by which slots become longer or shorter so that whole bars fit: as bad as a bar that lacks its half


@dataclass(frozen=True)
class Course:
    """The slots to come.

    Attributes:
        first: the slot of the song in whose place the first new one begins; the number of all where that is the end.
        begin: when that is, in seconds.
        period: how long each new slot lasts, in seconds.
        moment: of the first new slot, as `Slots.moments` counts.
        count: how many new slots there are before the landing; None where there is no landing.
        landing: the slot of the song in which it lands, if it does.
    """

    first: int
    begin: float
    period: float
    moment: int
    count: int | None = None
    landing: int | None = None

    @classmethod
    def of(cls, slots: Slots, leaves: float, *, ends: bool, end: float, wanted: float | None) -> "Course":
        """Leave a song after its last slot or, if the track `ends` with its ending, at the last bar line by `leaves`.

        The ending lasts until second `end` of the song, which is second `wanted` of the track.
        """
        begins = slots.edges[:-1]
        first, lines = len(slots), np.flatnonzero(slots.places == 0)
        if ends:
            early = lines[(begins[lines] <= leaves) & (lines > 0)]
            first = int(early[-1]) if len(early) else max(1, int(np.searchsorted(begins, leaves)))
        begin, moments = float(slots.edges[first]), slots.moments
        moment = int(moments[first] if first < len(slots) else moments[-1] + 1)
        before = slots.edges[: first + 1][-TEMPO_SLOTS - 1 :]
        apart = max(1, (len(before) - 1) // 2)
        period = float(np.median(before[apart:] - before[:-apart])) / apart  # one beat that is wrong changes little
        if not ends or wanted is None:
            return cls(first, begin, period, moment)
        last = lines[lines > first]
        landing = int(last[-1] if len(last) else len(slots) - 1)
        room = wanted - (end - float(begins[landing])) - begin
        if room < period:  # the track is shorter than the song
            return cls(first, begin, period, moment)
        counts = np.arange(max(1, round(room / period) - slots.per_bar), round(room / period) + slots.per_bar + 1)
        stretch = np.abs(counts * period / room - 1)
        off = (moment + counts - slots.places[landing]) % slots.per_bar
        broken = np.minimum(off, slots.per_bar - off) / (slots.per_bar / 2)
        count = int(counts[np.argmin(stretch / STRETCH + broken)])
        return cls(first, begin, room / count, moment, count, landing)

    def seconds(self, slot: int) -> float:
        """Return when a new slot begins, in seconds of the track."""
        return self.begin + slot * self.period
