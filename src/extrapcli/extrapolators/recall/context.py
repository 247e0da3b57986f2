"""How well one moment of a song follows on from another: by what is heard around both, and by the network."""

import numpy as np

from extrapcli.extrapolators.recall.descriptors import Array, Times, averages, decibels, grouped, square_distances
from extrapcli.extrapolators.recall.encoder import Encoding
from extrapcli.extrapolators.recall.material import Material

# Sound around a moment is averaged over stretches that begin and end so many seconds after it, and counts for 1/e as
# much at so many seconds.
PAST = np.array([-4.0, -3.0, -2.4, -2.0, -1.6, -1.28, -1.0, -0.76, -0.56, -0.4, -0.28, -0.16, -0.08, 0.0]), 1.0
FUTURE = np.array([0.0, 0.08, 0.16, 0.28, 0.4, 0.56, 0.76, 1.0, 1.28, 1.6, 2.0]), 0.5
SPECTRA_WEIGHT, TONES_WEIGHT, NETWORK_WEIGHT, AHEAD_WEIGHT = 0.5, 0.135, 0.08, 0.3
LEAST_DISTANCE = 1e-3  # in units of the median distance
USUAL_COST = 1.5  # of a jump between moments at the median distance
BAND_GROUPS = 24
SAMPLED = 200


class Context:
    """The moments of a song as one or more layers sound there.

    `encodings` are those of the layers, `power` is their spectrum together `(hops, bands)`, `tones` are chroma
    vectors of the whole sound `(hops, 12)`. Distances are measured in units of the median distance between `times`.
    """

    def __init__(
        self, material: Material, encodings: list[Encoding], power: Array, tones: Array, times: Times
    ) -> None:
        self.material = material
        self.encodings = encodings
        level = grouped(decibels(power, float(power.mean())), BAND_GROUPS)
        self.values = level - level.mean(axis=0), tones - tones.mean(axis=0)
        some = times[:: -(-len(times) // SAMPLED)]
        self.units = [
            [max(float(np.median(distances)), 1e-9) for distances in self._distances(some, some, *side)]
            for side in (PAST, FUTURE)
        ]

    def jump_costs(self, leave: Times, reach: Times, *, ahead: bool = True) -> Array:
        """Return the cost of jumping from each moment to each other, `(leave, reach)`, in seconds of the song.

        1.5 + m(past) + 0.3 m(future) - 0.08 N, with m = 0.5 ln S + 0.135 ln C. S and C are the squared distances
        between the spectra and the chroma vectors before both moments, or after them (not `ahead`: m = 0), the more
        weighted the nearer they are, in units of their median. N is the network's score, in standard deviations. The
        logarithms and weights tell the true next bar best among all bars of a song (`evaluation/next_bar`).
        """
        cost = self._match(leave, reach, 0)
        if ahead:
            cost += AHEAD_WEIGHT * self._match(leave, reach, 1)
        score = self.scores(leave, reach)
        cost -= NETWORK_WEIGHT * (score - score.mean()) / (score.std() + 1e-6)
        total: Array = cost + np.float32(USUAL_COST)
        return total

    def scores(self, leave: Times, reach: Times) -> Array:
        """Return the network's score of going on from each moment at each other, in nats."""
        left, reached = self.material.hop_at(leave), self.material.hop_at(reach)
        scores: Array = np.sum(
            [encoding.queries[np.maximum(left - 1, 0)] @ encoding.keys[reached].T for encoding in self.encodings],
            axis=0,
        )
        return scores

    def _match(self, leave: Times, reach: Times, side: int) -> Array:
        spectra, tones = (
            np.log(distances / unit + LEAST_DISTANCE)
            for distances, unit in zip(
                self._distances(leave, reach, *(PAST, FUTURE)[side]), self.units[side], strict=True
            )
        )
        match: Array = SPECTRA_WEIGHT * spectra + TONES_WEIGHT * tones
        return match

    def _distances(self, leave: Times, reach: Times, stretches: Times, decay: float) -> list[Array]:
        """Return the squared distances of the spectra and of the chroma vectors in stretches around moments."""
        weight = np.diff(stretches) * np.exp(-np.abs(stretches[:-1] + stretches[1:]) / 2 / decay)
        scale = np.sqrt(weight / weight.sum()).astype(np.float32)[:, None]

        def described(values: Array, times: Times) -> Array:
            return (averages(values, self.material.hop_at(times[:, None] + stretches)) * scale).reshape(
                len(times), -1
            )

        return [square_distances(described(values, leave), described(values, reach)) for values in self.values]
