"""How well one moment of a song follows on from another: by what is heard around both, and by the network."""

import numpy as np

from extrapcli.extrapolators.base import Jump
from extrapcli.extrapolators.recall.alignment import AlignedJump
from extrapcli.extrapolators.recall.descriptors import Array, Times, averages, decibels, square_distances
from extrapcli.extrapolators.recall.encoder import Encoding
from extrapcli.extrapolators.recall.material import Material

# Sound around a moment is averaged over stretches that begin and end so many seconds after it, and counts for 1/e as
# much at so many seconds.
PAST = np.array([-4.0, -3.0, -2.4, -2.0, -1.6, -1.28, -1.0, -0.76, -0.56, -0.4, -0.28, -0.16, -0.08, 0.0]), 0.5
FUTURE = np.array([0.0, 0.08, 0.16, 0.28, 0.4, 0.56, 0.76, 1.0, 1.28, 1.6, 2.0]), 0.5
SPECTRA_WEIGHT, TONES_WEIGHT, NETWORK_WEIGHT, AHEAD_WEIGHT = 0.5, 0.2, 0.08, 0.3
NOVELTY_SECONDS = 0.25, 1.0, 4.0  # the time scales of a change
NOVELTY_WEIGHT = 0.3
LEAST_DISTANCE = 1e-3  # in units of the median distance
USUAL_COST = 1.5  # of a jump between moments at the median distance
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
        level = decibels(power, float(power.mean()))
        self.values = level - level.mean(axis=0), tones - tones.mean(axis=0)
        some = times[:: -(-len(times) // SAMPLED)]
        self.novelty_units = [
            max(float(np.median(np.square(self._mean(some, -w, 0) - self._mean(some, 0, w)).sum(axis=1))), 1e-9)
            for w in NOVELTY_SECONDS
        ]
        self.units = [
            [max(float(np.median(distances)), 1e-9) for distances in self._distances(some, some, *side)]
            for side in (PAST, FUTURE)
        ]

    def jump_costs(self, leave: Times, reach: Times, *, ahead: bool = True) -> Array:
        """Return the cost of jumping from each moment to each other, `(leave, reach)`, in seconds of the song.

        1.5 + m(past) + 0.3 m(future) + 0.3 v - 0.08 N, with m = 0.5 ln S + 0.2 ln C. S and C are the squared
        distances between the spectra and the chroma vectors before both moments, or after them (not `ahead`: m = 0),
        the more weighted the nearer they are, in units of their median; v is by how much the sound changes more than
        it usually does; N is the network's score, in standard deviations. The logarithms and the weights in m and
        of N tell the true next bar best among all bars of a song (`evaluation/next_bar.py`).
        """
        cost = self._match(leave, reach, 0)
        if ahead:
            cost += AHEAD_WEIGHT * self._match(leave, reach, 1)
        cost += NOVELTY_WEIGHT * self._novelty(leave, reach)
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

    def _novelty(self, leave: Times, reach: Times) -> Array:
        """Return by how much the sound changes more than usual at a jump, in nepers, on several time scales."""
        total = np.zeros((len(leave), len(reach)), np.float32)
        for seconds, unit in zip(NOVELTY_SECONDS, self.novelty_units, strict=True):
            changes = square_distances(self._mean(leave, -seconds, 0), self._mean(reach, 0, seconds))
            total += np.maximum(0, 0.5 * np.log(changes / unit + LEAST_DISTANCE))
        return total

    def _mean(self, times: Times, begin: float, end: float) -> Array:
        """Return the mean spectra between two seconds around moments, `(times, bands)`."""
        edges = self.material.hop_at(times[:, None] + np.array([begin, end]))
        means: Array = averages(self.values[0], edges).reshape(len(times), -1)
        return means

    def _distances(self, leave: Times, reach: Times, stretches: Times, decay: float) -> list[Array]:
        """Return the squared distances of the spectra and of the chroma vectors in stretches around moments."""
        weight = np.diff(stretches) * np.exp(-np.abs(stretches[:-1] + stretches[1:]) / 2 / decay)
        scale = np.sqrt(weight / weight.sum()).astype(np.float32)[:, None]

        def described(values: Array, times: Times) -> Array:
            means: Array = averages(values, self.material.hop_at(times[:, None] + stretches)) * scale
            return means.reshape(len(times), -1)

        return [square_distances(described(values, leave), described(values, reach)) for values in self.values]


def describe(aligned: AlignedJump, context: Context, times: Times, *, layer: str, left: int) -> Jump:
    """Describe a jump of a layer that leaves the song at a sample; `times` are those it might have gone to."""
    analysis = context.material.analysis
    at, reached = left / analysis.song.sample_rate, aligned.splice.target / analysis.song.sample_rate
    scores = context.scores(np.array([at]), times)[0]
    score = context.scores(np.array([at]), np.array([reached]))[0, 0] - np.median(scores)
    beats = analysis.beats if analysis.beats.has_pulse else None
    return Jump(
        layer=layer,
        from_seconds=at,
        to_seconds=reached,
        score=float(score),
        flux_percentile=aligned.flux_percentile,
        level_percentile=aligned.level_percentile,
        from_beat=beats.place(at) if beats else None,
        to_beat=beats.place(reached) if beats else None,
    )
