"""The last jump of a track: to the song's own ending, or to a moment that leads back to the track's beginning."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.spectra import MOMENTS_PER_SECOND
from extrapcli.extrapolators.recall.costs import Costs
from extrapcli.extrapolators.recall.material import Material

EARLIEST_SECONDS, LATEST_SECONDS = 8.0, 0.5  # before the ending
LEVEL_SECONDS = 2.5  # before the end of a track that leads back: by then, its level is the song's again
INTRO_SECONDS, INTRO_SHARE = 10.0, 0.3  # of a track that leads back to what comes after it; of the music, if shorter
MOST_LATER_SECONDS, LATER_COST = 45.0, 0.1  # after that; of each second
AMID_COST, NEAR_SECONDS = 1.5, 0.15  # of leading back amid a section, so far from its beginning
SOFTER_DECIBELS = 1.0  # than usual: from there on, each decibel costs 1
OFF_BEAT = 6.0  # cost of each beat by which the bar is broken, up to one


class Landing:
    """Knows what it costs to land, from any line, between two seconds of the track.

    It lands on the song's own ending or, if the track `leads_back`, shortly before a bar near the song's beginning.

    Attributes:
        end: the sample of the song with which the track ends; the first one after it.
        earliest, latest: these two, in seconds of the finished track.
        late: how many seconds later than it thinks the search comes to a line. Each jump is brought to the sample, so
            the track goes its own way.
    """

    def __init__(self, costs: Costs, material: Material, wanted: int, *, leads_back: bool) -> None:
        rate, bounds = material.song.sample_rate, material.bounds
        self.grid = costs.grid
        self.end = self._entry(material) if leads_back else bounds.end
        self.step = 1 / material.hops_per_second
        delay = (wanted - self.end) / rate  # how much later in the track the ending is than in the song
        ending, length = (self.end if leads_back else bounds.ending) / rate, (bounds.ending - bounds.begin) / rate
        earliest, latest = (min(seconds, length / 8) for seconds in (EARLIEST_SECONDS, LATEST_SECONDS))
        if leads_back:
            room = ending - bounds.begin / rate
            earliest, latest = min(EARLIEST_SECONDS, 0.8 * room), min(LEVEL_SECONDS, 0.4 * room)
        first, last = ending - earliest, ending - latest
        first = min(first, last - float(costs.grid.slot_seconds.max()) - self.step)  # there is a line between them
        self.earliest, self.latest, self.late = first + delay, last + delay, 0.0
        self.targets = np.arange(first, last + self.step, self.step)
        self.costs = np.stack([context.jump_costs(costs.grid.times, self.targets) for context in costs.contexts])

    def _entry(self, material: Material) -> int:
        """Return the sample of the song that a track leads back to.

        That is a bar after an intro, as early as can be, before which the song is as loud as usual, and preferably at
        the beginning of a section.
        """
        rate, bounds, grid, analysis = material.song.sample_rate, material.bounds, self.grid, material.analysis
        begin, length = bounds.begin / rate, (bounds.ending - bounds.begin) / rate
        earliest = begin + min(INTRO_SECONDS, INTRO_SHARE * length)
        latest = min(begin + length / 2, earliest + MOST_LATER_SECONDS)
        times = grid.times[(grid.phases == 0) & (grid.times >= earliest) & (grid.times <= latest)]
        if not grid.keeps_bars or not len(times):
            times = np.arange(earliest, max(latest, earliest + 1), 1.0)
        sections = np.array([section.begin for section in analysis.sections])
        amid = np.abs(times[:, None] - sections).min(axis=1) > NEAR_SECONDS
        before = np.stack([times - EARLIEST_SECONDS, times], axis=1) * MOMENTS_PER_SECOND
        levels = np.array([analysis.loudness[max(0, round(a)) : round(b)].mean() for a, b in before])
        usual = float(np.median(analysis.loudness[round(begin * MOMENTS_PER_SECOND) :]))
        cost = np.maximum(0, usual - levels - SOFTER_DECIBELS) + AMID_COST * amid + LATER_COST * (times - earliest)
        return round(float(times[np.argmin(cost)]) * rate)

    @property
    def begin(self) -> float:
        return self.earliest - self.late

    @property
    def until(self) -> float:
        return self.latest - self.late

    def cost(self, lines: NDArray[np.int_], seconds: float) -> float:
        """Return what it costs to land at `seconds` of the track, when each layer has come to a line `(layers,)`."""
        after = seconds - self.begin
        at = min(max(round(after / self.step), 0), len(self.targets) - 1)
        follow = float(np.mean([self.costs[layer, line, at] for layer, line in enumerate(lines)]))
        return follow + OFF_BEAT * self._off_beat(int(lines[-1]), float(self.targets[0]) + after)

    def _off_beat(self, line: int, target: float) -> float:
        """Return how far a target is from the bar position of a line, in slots, 0 to 1; 0 where there are no bars."""
        if not self.grid.keeps_bars:
            return 0.0
        same = self.grid.times[self.grid.phases == self.grid.phases[line]]
        return min(1.0, float(np.abs(same - target).min() / np.median(self.grid.slot_seconds)))
