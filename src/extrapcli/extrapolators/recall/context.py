"""How well one moment of a song follows on from another, by what is heard before and after both, and by the network."""

import numpy as np

from extrapcli.extrapolators.recall.descriptors import Array, Times, averages, decibels, grouped, square_distances
from extrapcli.extrapolators.recall.encoder import Encoding
from extrapcli.extrapolators.recall.material import Material

# Sound around a moment is averaged over stretches that begin and end so many seconds after it, and counts for 1/e as
# much at so many seconds.
PAST = np.array([-4.0, -3.0, -2.4, -2.0, -1.6, -1.28, -1.0, -0.76, -0.56, -0.4, -0.28, -0.16, -0.08, 0.0]), 1.0
FUTURE = np.array([0.0, 0.08, 0.16, 0.28, 0.4, 0.56, 0.76, 1.0, 1.28, 1.6, 2.0]), 0.5
PAST_WEIGHT, FUTURE_WEIGHT, NETWORK_WEIGHT, CHROMA_WEIGHT = 0.6, 0.4, 0.5, 0.5
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
        self.level = (level - level.mean(axis=0)) / (level.std() + 1e-6)
        self.tones = (tones - tones.mean(axis=0)) / (tones.std() + 1e-6)
        some = times[:: -(-len(times) // SAMPLED)]
        self.past_unit, self.future_unit = (
            max(float(np.median(self._distances(some, some, *side))), 1e-6) for side in (PAST, FUTURE)
        )
        self.past_units, self.future_units = (
            [max(float(np.median(d)), 1e-6) for d in self._parts(some, some, *side)] for side in (PAST, FUTURE)
        )

    def jump_costs(self, leave: Times, reach: Times, *, ahead: bool = True) -> Array:
        """Return the cost of jumping from each moment to each other, `(leave, reach)`, in seconds of the song.

        0.6 P + 0.4 F + 0.5 N. P is the distance between what is heard before both moments, F between what is heard
        after them (not `ahead`: 0), both the more weighted the nearer it is; N is the network's score, from 0 for the
        best to 1 for the median.
        """
        import os
        if os.environ.get("LOGS"):
            cost = np.zeros((len(leave), len(reach)), np.float32)
            W = float(os.environ["LOGS"])
            ps, pt = self._parts(leave, reach, *PAST)
            us, ut = self.past_units
            cost = W * (.5 * 10 * np.log(ps / us + .001) + .5 * 2.7 * np.log(pt / ut + .001))
            if ahead:
                fs, ft = self._parts(leave, reach, *FUTURE)
                us, ut = self.future_units
                cost = cost + float(os.environ.get("FUT", ".3")) * W * (.5 * 10 * np.log(fs / us + .001) + .5 * 2.7 * np.log(ft / ut + .001))
            score = self.scores(leave, reach)
            z = (score - score.mean()) / (score.std() + 1e-6)
            return (cost - W * .8 * z).astype(np.float32) + float(os.environ.get("OFF", "1.5"))
        cost = PAST_WEIGHT / self.past_unit * self._distances(leave, reach, *PAST)
        if ahead:
            cost = cost + FUTURE_WEIGHT / self.future_unit * self._distances(leave, reach, *FUTURE)
        score = self.scores(leave, reach)
        best, middle = score.max(axis=1, keepdims=True), np.median(score, axis=1, keepdims=True)
        total: Array = cost + NETWORK_WEIGHT * (best - score) / np.maximum(best - middle, 1e-6)
        return total

    def scores(self, leave: Times, reach: Times) -> Array:
        """Return the network's score of going on from each moment at each other, in nats."""
        left, reached = self.material.hop_at(leave), self.material.hop_at(reach)
        scores: Array = np.sum(
            [encoding.queries[np.maximum(left - 1, 0)] @ encoding.keys[reached].T for encoding in self.encodings],
            axis=0,
        )
        return scores

    def _parts(self, leave: Times, reach: Times, stretches: Times, decay: float) -> list[Array]:
        lengths = np.diff(stretches) * np.exp(-np.abs(stretches[:-1] + stretches[1:]) / 2 / decay)
        scale = np.sqrt(lengths / lengths.sum()).astype(np.float32)[:, None]
        out = []
        for values in (self.level, self.tones):
            left, reached = (
                (averages(values, self.material.hop_at(times[:, None] + stretches)) * scale).reshape(len(times), -1)
                for times in (leave, reach)
            )
            out.append(square_distances(left, reached))
        return out

    def _distances(self, leave: Times, reach: Times, stretches: Times, decay: float) -> Array:
        lengths = np.diff(stretches) * np.exp(-np.abs(stretches[:-1] + stretches[1:]) / 2 / decay)
        scale = np.sqrt(lengths / lengths.sum()).astype(np.float32)[:, None]
        distances = np.zeros((len(leave), len(reach)), np.float32)
        for values, share in ((self.level, 1.0), (self.tones, CHROMA_WEIGHT)):
            left, reached = (
                (averages(values, self.material.hop_at(times[:, None] + stretches)) * scale).reshape(len(times), -1)
                for times in (leave, reach)
            )
            distances += share / values.shape[1] * square_distances(left, reached)
        return distances
