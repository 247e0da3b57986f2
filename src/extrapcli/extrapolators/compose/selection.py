"""Choose which slot of the song to play in each slot to come: the cheapest way by dynamic programming."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

NEVER = 1e6  # the cost of what can't be
MOST_WAYS = 300  # the cheapest so far, from which a join may leave


def choose(targets: Array, joins: Array, *, follows: int, most: int) -> NDArray[np.int_]:
    """Return the unit to play in each slot, `(slots,)`: the way whose costs add up to the least (Viterbi 1967).

    Joins leave only from the 300 cheapest ways so far.

    Args:
        targets: what each unit costs in each slot, `(slots, units)`.
        joins: what it costs to go from one unit to another that doesn't follow it, `(units, units)`.
        follows: unit k + `follows` is what the song plays after unit k; to go on there costs nothing.
        most: how many slots are played from one place before there has to be a join (the maximum order of
            A. Papadopoulos et al., Avoiding plagiarism in Markov sequence generation, 2014).
    """
    slots, units = targets.shape
    most = min(most, slots)
    each = np.arange(units)
    jumps = joins.copy()
    jumps[each[:-follows], each[follows:]] = NEVER
    costs = np.full((units, most), np.inf)  # by unit, and by how many slots before it come from the same place
    costs[:, 0] = targets[0]
    came_from = np.full((slots, units, most), -1)
    for slot in range(1, slots):
        runs = costs.argmin(axis=1)
        least = costs[each, runs]
        near = np.argsort(least)[:MOST_WAYS]
        ways = least[near, None] + jumps[near]
        best = ways.argmin(axis=0)
        after = np.full_like(costs, np.inf)
        after[:, 0] = ways[best, each] + targets[slot]
        came_from[slot, :, 0] = near[best] * most + runs[near[best]]
        after[follows:, 1:] = costs[:-follows, :-1] + targets[slot, follows:, None]
        came_from[slot, follows:, 1:] = each[:-follows, None] * most + np.arange(most - 1)
        costs = after
    way = [int(costs.argmin())]
    for slot in range(slots - 1, 0, -1):
        way.append(int(came_from[slot].ravel()[way[-1]]))
    return np.array(way[::-1]) // most
