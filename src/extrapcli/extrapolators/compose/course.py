"""When new slots begin, and where the song's own ending is landed on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate

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
        period: how long the last slots of the song before that lasted, in seconds.
        moment: of the first new slot, as `Slots.moments` counts.
        landing: the slot of the song in which it lands, if it does.
        room: how many seconds of new slots there are before that.
        count: how many new slots.
    """

    first: int
    begin: float
    period: float
    moment: int
    landing: int | None = None
    room: float = 0.0
    count: int = 0

    @classmethod
    def of(cls, slots: Slots, leaves: float, *, ends: bool) -> "Course":
        """Leave a song after its last slot or, if the track `ends` as it does, at the last bar line by `leaves`."""
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
        return cls(first, begin, period, moment)

    def landed(self, slots: Slots, *, end: float, wanted: float, lengths: Iterable[float]) -> "Course":
        """Return the course that lands on the song's ending, unless the track is shorter than the song.

        The ending lasts until second `end` of the song, which is second `wanted` of the track. Of new slots that last
        as many seconds as `lengths` say, there are so many that whole bars lead to it without much stretching.
        """
        lines = np.flatnonzero(slots.places == 0)
        last = lines[lines > self.first]
        landing = int(last[-1] if len(last) else len(slots) - 1)
        room = wanted - (end - float(slots.edges[landing])) - self.begin
        if room < self.period:
            return self
        ends: list[float] = []  # of so many slots
        for after in accumulate(lengths):
            ends.append(after)
            if after - room > slots.per_bar * self.period:
                break
        counts = np.arange(1, len(ends) + 1)
        stretch = np.abs(np.array(ends) / room - 1)
        off = (self.moment + counts - slots.places[landing]) % slots.per_bar
        broken = np.minimum(off, slots.per_bar - off) / (slots.per_bar / 2)
        return replace(self, landing=landing, room=room, count=int(counts[np.argmin(stretch / STRETCH + broken)]))
