"""Bits for the true next bar: how well a score of jumps tells which bar of a song comes next.

A song is heard up to a bar line. To score a jump to the beginning of bar j is to say that a bar like bar j comes
next. Let p be the softmax of the scores over all bars but the true one and its neighbours, and d the distance of two
bars, 1 being the song's median. Then the true bar t has the probability

    P(t) = sum_j p(j) K(t | j),    K(t | j) = exp(-d(t, j) / 0.1) / sum_x exp(-d(x, j) / 0.1), x not j,

and costs -log2 P(t) bits: a proper score, lowest in the mean for the truest p (I. J. Good, Rational decisions, 1952).
Scores are added up with weights, those that cost least on other songs.

Sound is compared by two spectra: log-mel (64 bands, 25 a second, standardised over the song; mean absolute
difference) and chroma (10 a second; 1 - cosine). The distance of two bars is the mean of the two, each divided by its
median. A match is -log of the mean distance of two pasts. Neither is computed by the network that is measured.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from extrapcli.analysis.beats import find_beats
from extrapcli.backends.base import Backend
from extrapcli.dsp import chroma
from extrapcli.evaluation.spectra import FRAMES_PER_SECOND, mel_power
from extrapcli.extrapolators.recall import Encoder

RATE = 22050  # Hz
Scores = NDArray[np.float64]
"""A score for a jump from the end of each cut's past to each bar, `(cuts, bars)`."""
Scorer = Callable[[NDArray[np.float32], NDArray[np.float64]], Scores]
"""Takes a song `(n,)` at 22,050 Hz and unit level, and times in seconds. Returns the score of jumping from each time
to each, `(times, times)`; only what sounds before a time may count as heard there."""

WAYS: Mapping[str, tuple[str, ...]] = {
    "any bar": (),
    "plain match": ("spectra",),
    "chroma match": ("chroma",),
    "network": ("network",),
    "plain match and network": ("spectra", "network"),
    "plain match and chroma match": ("spectra", "chroma"),
    "plain match, chroma match and network": ("spectra", "chroma", "network"),
    "oracle": ("oracle",),
}
"""The ways to choose a bar, each by the scores that it weighs. The oracle knows the true bar."""
PLAIN = "plain match"

LIKENESS = 0.1  # the difference in distance that makes a bar less likely by a factor of e
EARLY_SECONDS = 0.05  # a bar line may be found this late, so the past ends this long before it
SPECTRA_SECONDS, CHROMA_SECONDS = (0.5, 1.0, 2.0, 4.0), (0.5, 1.0, 2.0)  # a match is the mean over these pasts
SAME = 0.02
CHROMA_PER_SECOND = 10
CHROMA_REACH_SECONDS = 0.29  # a chroma vector reaches this far beyond its moment
MEL_REACH_SECONDS = 0.046
PARTS, CHROMA_PARTS = 16, 4  # of a bar, in each of which spectra are averaged
RANGE_DECIBELS = 90.0
FIRST_SECONDS = 8.0  # what is heard before the first cut
LEAST_BARS = 16
NO_PULSE_SECONDS = 2.0


@dataclass(frozen=True)
class Cuts:
    """The cuts of a song at its bar lines.

    Attributes:
        allowed: which bars may be jumped to, `(cuts, bars)`: not the true next one, nor its neighbours.
        likeness: K(true bar | bar), `(cuts, bars)`.
        scores: by name, the more the better.
    """

    allowed: NDArray[np.bool_]
    likeness: NDArray[np.float64]
    scores: Mapping[str, Scores]

    def chances(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """Return p, `(cuts, bars)`: the softmax of the weighted sum of some scores."""
        logits = np.zeros(self.allowed.shape)
        for name, weight in weights.items():
            logits += weight * self.scores[name]
        logits = np.where(self.allowed, logits, -np.inf)
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = chances / chances.sum(axis=1, keepdims=True)
        return result

    def bits(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """Return the bits that the true bar of each cut costs, `(cuts,)`."""
        true = (self.chances(weights) * self.likeness).sum(axis=1)
        bits: NDArray[np.float64] = -np.log2(np.maximum(true, np.finfo(float).tiny))
        return bits


@dataclass(frozen=True)
class SongBars:
    """The bars of a song.

    Attributes:
        apart: the distances of the bars, `(bars, bars)`; their median is about 1.
        scores: by name, the score of jumping from the beginning of one bar to that of another, `(bars, bars)`.
        first: the first bar before which enough is heard to cut there.
    """

    apart: NDArray[np.float64]
    scores: Mapping[str, Scores]
    first: int

    def cuts(self, *, earlier: bool = False) -> Cuts:
        """Cut the song at its bar lines.

        With `earlier`, only bars before the cut are there, as if the song stopped with its next bar; the first cuts,
        which would leave few to choose from, are left out.
        """
        bars = np.arange(len(self.apart))
        cuts = bars[max(self.first, LEAST_BARS // 2 + 1) if earlier else self.first :]
        allowed = np.abs(cuts[:, None] - bars) > 1
        if earlier:
            allowed &= bars < cuts[:, None]
        alike = np.exp(-self.apart / LIKENESS)
        np.fill_diagonal(alike, 0)
        among = np.cumsum(alike, axis=0)[cuts] if earlier else alike.sum(axis=0)
        likeness = alike[cuts] / np.maximum(among, np.finfo(float).tiny)
        return Cuts(allowed, likeness, {name: score[cuts] for name, score in self.scores.items()})


@dataclass(frozen=True)
class NextBar:
    """The mean bits of each song, `(songs,)`, by the way a bar is chosen, and the weights of the scores."""

    bits: Mapping[str, NDArray[np.float64]]
    weights: Mapping[str, Mapping[str, float]]
    cuts: int

    def mean(self, way: str) -> float:
        return float(self.bits[way].mean())

    def difference(self, way: str, other: str = PLAIN, *, resamples: int = 10_000) -> tuple[float, float, float]:
        """Return how many bits more a way costs than another, with the 95 % interval of a paired bootstrap."""
        differences = self.bits[way] - self.bits[other]
        rng = np.random.default_rng(0)
        means = differences[rng.integers(len(differences), size=(resamples, len(differences)))].mean(axis=1)
        low, high = np.percentile(means, [2.5, 97.5])
        return float(differences.mean()), float(low), float(high)


def next_bar(fitted_on: Iterable[SongBars], measured_on: Iterable[SongBars], *, earlier: bool = False) -> NextBar:
    """Fit the weights of each way on some songs, and measure the bits of each on others, cut by `SongBars.cuts`."""
    fitted, measured = ([song.cuts(earlier=earlier) for song in songs] for songs in (fitted_on, measured_on))
    weights = {way: fit_weights(fitted, names) for way, names in WAYS.items()}
    bits = {way: np.array([song.bits(weights[way]).mean() for song in measured]) for way in WAYS}
    return NextBar(bits, weights, sum(len(song.allowed) for song in measured))


def fit_weights(songs: Sequence[Cuts], names: Iterable[str]) -> dict[str, float]:
    """Find the weights of some scores at which the songs' true bars cost the fewest bits, every song counting alike.

    The gradient of a cut's bits is the mean score under p less that under the posterior, p(j) K(true | j) / P.
    """
    names = tuple(names)

    def cost(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = dict(zip(names, values.tolist(), strict=True))
        bits, slopes = 0.0, np.zeros(len(names))
        for song in songs:
            chances = song.chances(weights)
            joint = chances * song.likeness
            true = np.maximum(joint.sum(axis=1, keepdims=True), np.finfo(float).tiny)
            bits -= np.log2(true).mean()
            surplus = chances - joint / true
            slopes += [(surplus * song.scores[name]).sum(axis=1).mean() / np.log(2) for name in names]
        return bits / len(songs), slopes / len(songs)

    if not names:
        return {}
    found = minimize(cost, np.ones(len(names)), jac=True, method="L-BFGS-B", bounds=[(0, 1000)] * len(names))
    return dict(zip(names, found.x.tolist(), strict=True))


def song_bars(sound: NDArray[np.float32], lines: NDArray[np.float64], scorer: Scorer) -> SongBars | None:
    """Compare the bars of a song `(n,)` at 22,050 Hz; `lines` are in seconds. None where there are fewer than 16."""
    lines = lines[(lines > EARLY_SECONDS) & (lines <= len(sound) / RATE)]
    count = len(lines) - 1
    if count < LEAST_BARS:
        return None
    sound = (sound - sound.mean()) / (sound.std() or 1.0)
    spectra = standard_spectra(sound, RATE)
    tones = chroma(sound, sample_rate=RATE, hop=RATE // CHROMA_PER_SECOND)
    apart = _bar_distances(spectra, tones, lines)
    ends = lines[:-1] - EARLY_SECONDS
    scores = {
        "spectra": _match(spectra, ends - MEL_REACH_SECONDS, FRAMES_PER_SECOND, SPECTRA_SECONDS, _absolute),
        "chroma": _match(tones, ends - CHROMA_REACH_SECONDS, CHROMA_PER_SECOND, CHROMA_SECONDS, _cosine),
        "network": scorer(sound, ends),
        "oracle": -apart,
    }
    return SongBars(apart, scores, min(int(np.searchsorted(ends, FIRST_SECONDS)), count // 2))


def bars_of_songs(songs: Iterable[NDArray[np.int16]], scorer: Scorer) -> Iterator[SongBars]:
    """Find the bars of mono songs `(n,)` at 22,050 Hz, and compare them; songs of fewer than 16 are left out."""
    for song in songs:
        sound = song.astype(np.float32)
        if found := song_bars(sound, bar_lines(sound), scorer):
            yield found


def bar_lines(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Find the bar lines of a song `(n,)` at 22,050 Hz, in seconds: every two seconds where it has no pulse."""
    beats = find_beats(sound)
    return beats.downbeats if beats.has_pulse else np.arange(0, len(sound) / RATE, NO_PULSE_SECONDS)


def standard_spectra(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Compute spectra `(n, 64)` of a song in decibels, to 90 below the loudest point, standardised as a whole."""
    level = 10 * np.log10(mel_power(sound, rate) + 1e-9)
    level = np.maximum(level, level.max() - RANGE_DECIBELS)
    standard: NDArray[np.float32] = ((level - level.mean()) / (level.std() or 1.0)).astype(np.float32)
    return standard


def encoder_scorer(backend: Backend) -> Scorer:
    """Score as the `recall` network does, by the inner product of a query and a key."""
    encoder = Encoder(backend)

    def score(sound: NDArray[np.float32], times: NDArray[np.float64]) -> Scores:
        sound = np.pad(sound, (0, -len(sound) % encoder.rate))  # so that the first hop begins with the sound
        encoding = encoder.encode(sound)
        per_second = len(encoding.keys) * encoder.rate // len(sound)
        hops = np.clip(np.floor(times * per_second).astype(int), 1, len(encoding.keys) - 1)
        result: Scores = (encoding.queries[hops - 1] @ encoding.keys[hops].T).astype(np.float64)
        return result

    return score


def _bar_distances(
    spectra: NDArray[np.float32], tones: NDArray[np.float32], lines: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distances of the bars between lines, `(bars, bars)`; their median is about 1."""
    sounds = _parts(spectra, lines * FRAMES_PER_SECOND, PARTS)
    harmonies = _parts(tones, lines * CHROMA_PER_SECOND, CHROMA_PARTS)
    harmonies /= np.maximum(np.linalg.norm(harmonies, axis=2, keepdims=True), 1e-9)
    flat = [parts.reshape(len(parts), -1) for parts in (sounds, harmonies)]
    both = np.stack([cdist(flat[0], flat[0], "cityblock"), np.maximum(CHROMA_PARTS - flat[1] @ flat[1].T, 0)])
    medians = np.median(both[:, *np.triu_indices(len(lines) - 1, 1)], axis=1)
    result: NDArray[np.float64] = (both / np.maximum(medians, 1e-9)[:, None, None]).mean(axis=0)
    return result


def _parts(rows: NDArray[np.float32], edges: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Average rows `(n, d)` over `count` equal parts of each stretch between edges: `(edges - 1, count, d)`."""
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    steps = np.arange(count) / count
    ends = np.append((edges[:-1, None] + np.diff(edges)[:, None] * steps).ravel(), edges[-1]).clip(0, len(rows))
    whole = np.minimum(ends.astype(int), len(rows) - 1)
    at = sums[whole] + (ends - whole)[:, None] * rows[whole]
    means: NDArray[np.float64] = np.diff(at, axis=0) / np.maximum(np.diff(ends), 1e-9)[:, None]
    return means.reshape(len(edges) - 1, count, -1)


def _match(
    rows: NDArray[np.float32],
    ends: NDArray[np.float64],
    per_second: int,
    seconds: tuple[float, ...],
    apart: Callable[[NDArray[np.float32]], NDArray[np.float64]],
) -> Scores:
    """Compare the rows before each pair of times: -log of their mean distance, averaged over several pasts.

    2 % of the median is added to the distances, so that what is nearly the same counts as much as what is the same.
    """
    last = np.floor(ends * per_second).astype(int)
    total, mean = np.zeros((len(ends), len(ends))), np.zeros((len(ends), len(ends)))
    counts = [round(length * per_second) for length in seconds]
    for back in range(max(counts)):
        total += apart(rows[np.clip(last - back, 0, len(rows) - 1)])
        if back + 1 in counts:
            mean += total / (back + 1) / len(counts)
    score: Scores = -np.log(np.maximum(mean, 0) + max(SAME * float(np.median(mean)), 1e-9))
    return score


def _absolute(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = cdist(rows, rows, "cityblock") / rows.shape[1]
    return result


def _cosine(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    return 1 - (rows @ rows.T).astype(np.float64)
