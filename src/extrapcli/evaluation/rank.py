"""Does a model know how a song goes on? The rank of the real continuation among other places of the song.

A song is cut. The ten seconds that follow, and as long clips from elsewhere in the song, are each given alone,
without what comes before them, so that nothing but the music itself tells which is which. A scorer says how well
each follows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from extrapcli.backends.base import Backend
from extrapcli.evaluation.prediction import distance
from extrapcli.extrapolators.recall import Encoder
from extrapcli.spec import WaveformSpec, expect

Array = NDArray[np.float32]
Scorer = Callable[[Array, list[Array]], NDArray[np.floating]]
"""The past of a cut, mono `(n,)`, and clips `(m,)`, at the scorer's rate, to a score for each; higher is better."""

CLIP_SECONDS, PAST_SECONDS = 10, 20
JUST_HEARD_SECONDS = 2


@dataclass(frozen=True)
class Ranks:
    """The place of the real continuation at each cut, from 1, among so many clips."""

    places: tuple[float, ...]
    among: int

    @property
    def first(self) -> float:
        """How often it came first, 0 to 1; chance is `1 / among`."""
        return float(np.mean([place == 1 for place in self.places]))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of `first` (Wilson 1927), as if cuts were independent."""
        hits = sum(place == 1 for place in self.places)
        found = binomtest(hits, len(self.places)).proportion_ci(0.95, "wilson")
        return float(found.low), float(found.high)

    @property
    def mean_reciprocal(self) -> float:
        """The mean of 1 / place, 0 to 1."""
        return float(np.mean([1 / place for place in self.places]))


def rank(scores: NDArray[np.floating], true: int) -> float:
    """The place of the true one, from 1; ties share their places, so that equal scores for all come in the middle."""
    others = np.delete(scores, true)
    return 1 + float((others > scores[true]).sum()) + float((others == scores[true]).sum()) / 2


def true_continuation_ranks(
    songs: list[Array], rate: int, scorer: Scorer, *, cuts: int = 4, among: int = 20
) -> Ranks:
    """Rank the real continuation at evenly spaced cuts of mono songs `(n,)`.

    The other clips begin at evenly spaced places that overlap neither the real one nor the second before the cut.
    Songs too short for `among` clips a second apart are passed over.
    """
    places = []
    clip, past = CLIP_SECONDS * rate, PAST_SECONDS * rate
    for song in songs:
        for cut in np.linspace(past, len(song) - clip, cuts + 2)[1:-1].astype(int) if len(song) > past + clip else ():
            begins = np.arange(0, len(song) - clip, rate // 2)
            begins = begins[(begins + clip <= cut - rate) | (begins >= cut + clip)]
            if len(begins) < 2 * (among - 1):
                continue
            others = begins[np.linspace(0, len(begins) - 1, among - 1).astype(int)]
            clips = [song[cut : cut + clip], *(song[begin : begin + clip] for begin in others)]
            places.append(rank(scorer(song[cut - past : cut], clips), 0))
    return Ranks(tuple(places), among)


def pointing(backend: Backend) -> Scorer:
    """Score as a model that points does: by what it heard last, and the first moment of each clip."""
    encoder = Encoder(backend)

    def score(past: Array, clips: list[Array]) -> NDArray[np.floating]:
        mean, deviation = past.mean(), past.std() or 1.0
        query = encoder.encode((past - mean) / deviation).queries[-1]
        return np.array([encoder.encode((clip - mean) / deviation).keys[0] @ query for clip in clips])

    return score


def predicting(backend: Backend) -> Scorer:
    """Score as a model that predicts samples does: by how near its prediction is to each clip in log-mel decibels."""
    spec = expect(backend.spec, WaveformSpec)

    def score(past: Array, clips: list[Array]) -> NDArray[np.floating]:
        frames = spec.context_frames
        context = past[-frames * spec.sample_rate :]
        mean, deviation = context.mean(), context.std() or 1.0
        standard = ((context - mean) / deviation).reshape(1, frames, spec.sample_rate)
        predicted = backend.run({"context": standard})["frames"].reshape(-1) * deviation + mean
        size = min(len(predicted), *map(len, clips))
        return np.array([-distance(predicted[:size], clip[:size], spec.sample_rate).log_mel for clip in clips])

    return score


def alike(rate: int) -> Scorer:
    """Score without learning: by how near the first two seconds of a clip are to the last two heard."""
    size = JUST_HEARD_SECONDS * rate

    def score(past: Array, clips: list[Array]) -> NDArray[np.floating]:
        return np.array([-distance(past[-size:], clip[:size], rate).log_mel for clip in clips])

    return score
