"""The jump to the song's own ending, so that its last sample is the last of the track."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.recall.costs import Costs
from extrapcli.extrapolators.recall.material import Material

EARLIEST_SECONDS, LATEST_SECONDS = 8.0, 0.5  # before the ending
OFF_BEAT = 6.0  # cost of each beat by which the bar is broken, up to one


class Landing:
    """Knows what it costs to go on with the song's own ending, from any line, between two seconds of the track.

    Attributes:
        earliest, latest: these two, in seconds of the finished track.
        late: how many seconds later than it thinks the search comes to a line. Each jump is brought to the sample, so
            the track goes its own way.
    """

    def __init__(self, costs: Costs, material: Material, wanted: int) -> None:
        rate, bounds = material.song.sample_rate, material.bounds
        self.grid = costs.grid
        self.step = 1 / material.hops_per_second
        delay = (wanted - bounds.end) / rate  # how much later in the track the ending is than in the song
        ending, length = bounds.ending / rate, (bounds.ending - bounds.begin) / rate
        first, last = (ending - min(seconds, length / 8) for seconds in (EARLIEST_SECONDS, LATEST_SECONDS))
        first = min(first, last - float(costs.grid.slot_seconds.max()) - self.step)  # there is a line between them
        self.earliest, self.latest, self.late = first + delay, last + delay, 0.0
        self.targets = np.arange(first, last + self.step, self.step)
        self.costs = np.stack([context.jump_costs(costs.grid.times, self.targets) for context in costs.contexts])

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
