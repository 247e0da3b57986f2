"""How well a model knows how a song continues: the rank of the true continuation among other stretches of the song.

A song is cut. The ten seconds that follow, and clips of the same length from elsewhere in the song, are each given
alone, without what comes before them, so that only the music itself can show which one follows. A scorer says how
well each of them would.
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

Scorer = Callable[[NDArray[np.float32], list[NDArray[np.float32]]], NDArray[np.floating]]
"""Takes the past of a cut, mono `(n,)`, and clips `(m,)`, at the scorer's rate; returns a score for each clip, higher
for a better continuation."""

CLIP_SECONDS, PAST_SECONDS = 10, 20
JUST_HEARD_SECONDS = 2


@dataclass(frozen=True)
class Ranks:
    """The rank of the true continuation at each cut, from 1, among so many candidates."""

    ranks: tuple[float, ...]
    candidates: int

    @property
    def first(self) -> float:
        """How often it came first, 0 to 1; chance is `1 / candidates`."""
        return float(np.mean([rank == 1 for rank in self.ranks]))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of `first` (Wilson 1927), as if cuts were independent."""
        hits = sum(rank == 1 for rank in self.ranks)
        found = binomtest(hits, len(self.ranks)).proportion_ci(0.95, "wilson")
        return float(found.low), float(found.high)

    @property
    def mean_reciprocal(self) -> float:
        """The mean reciprocal rank, 0 to 1."""
        return float(np.mean([1 / rank for rank in self.ranks]))


def rank(scores: NDArray[np.floating], true: int) -> float:
    """Return the rank of the score at index `true`, from 1; equal scores share the mean of their ranks."""
    others = np.delete(scores, true)
    return 1 + float((others > scores[true]).sum()) + float((others == scores[true]).sum()) / 2


def true_continuation_ranks(
    songs: list[NDArray[np.float32]], rate: int, scorer: Scorer, *, cuts: int = 4, candidates: int = 20
) -> Ranks:
    """Rank the true continuation at evenly spaced cuts of mono songs `(n,)`.

    The other candidates begin at evenly spaced positions and overlap neither the true one nor the second before the
    cut. Songs too short for so many candidates a second apart are skipped.
    """
    ranks = []
    clip, past = CLIP_SECONDS * rate, PAST_SECONDS * rate
    for song in songs:
        for cut in np.linspace(past, len(song) - clip, cuts + 2)[1:-1].astype(int) if len(song) > past + clip else ():
            begins = np.arange(0, len(song) - clip, rate // 2)
            begins = begins[(begins + clip <= cut - rate) | (begins >= cut + clip)]
            if len(begins) < 2 * (candidates - 1):
                continue
            others = begins[np.linspace(0, len(begins) - 1, candidates - 1).astype(int)]
            clips = [song[cut : cut + clip], *(song[begin : begin + clip] for begin in others)]
            ranks.append(rank(scorer(song[cut - past : cut], clips), 0))
    return Ranks(tuple(ranks), candidates)


def encoder_scorer(backend: Backend) -> Scorer:
    """Score as `recall` does: by the network's score of jumping from the end of the past to the start of a clip."""
    encoder = Encoder(backend)

    def score(past: NDArray[np.float32], clips: list[NDArray[np.float32]]) -> NDArray[np.floating]:
        mean, deviation = past.mean(), past.std() or 1.0
        query = encoder.encode((past - mean) / deviation).queries[-1]
        return np.array([encoder.encode((clip - mean) / deviation).keys[0] @ query for clip in clips])

    return score


def waveform_scorer(backend: Backend) -> Scorer:
    """Score by how close a waveform model's prediction is to each clip in log-mel decibels."""
    spec = expect(backend.spec, WaveformSpec)

    def score(past: NDArray[np.float32], clips: list[NDArray[np.float32]]) -> NDArray[np.floating]:
        context = past[-spec.context_frames * spec.sample_rate :]
        mean, deviation = context.mean(), context.std() or 1.0
        standard = ((context - mean) / deviation).reshape(1, spec.context_frames, spec.sample_rate)
        predicted = backend.run({"context": standard})["frames"].reshape(-1) * deviation + mean
        size = min(len(predicted), *map(len, clips))
        return np.array([-distance(predicted[:size], clip[:size], spec.sample_rate).log_mel for clip in clips])

    return score


def similarity_scorer(rate: int) -> Scorer:
    """Score without learning: by how similar the first two seconds of a clip are to the last two heard."""
    size = JUST_HEARD_SECONDS * rate

    def score(past: NDArray[np.float32], clips: list[NDArray[np.float32]]) -> NDArray[np.floating]:
        return np.array([-distance(past[-size:], clip[:size], rate).log_mel for clip in clips])

    return score
