"""Which jump comes next: what each moment to leave and each place to go to would cost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.base import Jump, Style
from extrapcli.extrapolators.recall.alignment import Audition, audition
from extrapcli.extrapolators.recall.analysis import SongMap
from extrapcli.extrapolators.recall.compatibility import Fit
from extrapcli.extrapolators.recall.level import Level
from extrapcli.extrapolators.recall.playhead import Voice
from extrapcli.extrapolators.recall.repetition import Memory

REPETITION_WEIGHT = 5.0
NEAR_SECONDS = 2.0  # going on within that distance is no jump
CANDIDATES = 12
MOMENTS = 40
APART_HOPS = 3
STANDING_OUT_COST = 0.5  # for every percent above 95

Costs = NDArray[np.floating]


@dataclass(frozen=True)
class Option:
    """A jump from sample `leaving` of the track to sample `place` of the song that has not been listened to."""

    cost: float
    leaving: int
    place: int
    score: float


@dataclass(frozen=True)
class Choice:
    audition: Audition
    jump: Jump


class Chooser:
    """`stay` and `leaving` are how many samples a voice stays where it goes, and how much later it may leave."""

    def __init__(self, song_map: SongMap, memory: Memory, style: Style, *, stay: int, leaving: int) -> None:
        self.map = song_map
        self.memory = memory
        self.style = style
        self.stay = stay
        self.leaving = leaving
        self.rate = song_map.song.sample_rate
        self.hop = self.rate / song_map.per_second
        self.random = np.random.default_rng(style.seed)
        self.level = Level(song_map)
        self.fit = Fit(song_map) if len(song_map.parts) > 1 else None

    def jump(self, voices: list[Voice], moving: list[Voice], earliest: int, latest: int) -> Choice:
        """Choose a moment of the track between two samples, and a place: the best of the few that are listened to."""
        moments = self._moments(earliest, latest)
        scores = self._scores(moving, moments)
        possible = self._possible(moving[0], moments, scores.shape)
        middle, best = float(np.median(scores[possible])), float(scores[possible].max())
        cost = (best - scores) / max(best - middle, 1e-6)
        cost = cost + self._surroundings(voices, moving, int(moments[len(moments) // 2]))
        cost = np.where(possible, cost, np.inf)
        options = (
            Option(
                float(cost[row, place]), int(moments[row]), self.map.sample(place), float(scores[row, place]) - middle
            )
            for row, place in _distinct(cost)
        )
        return self._best(voices, moving, options, fixed=False)

    def landing(self, voices: list[Voice], earliest: int, latest: int, end: int) -> Choice:
        """Choose a moment between two samples to go to where the song ends at sample `end` of the track."""
        moments = self._moments(earliest, latest)
        samples = moments + self.map.music.end - end
        scores = self._scores(voices, moments)
        rows = np.arange(len(moments))
        there = scores[rows, [self._hop(sample) for sample in samples]]
        middle = float(np.median(scores))
        cost = (there.max() - there) / max(float(scores.max()) - middle, 1e-6)
        options = [
            Option(float(cost[row]), int(moments[row]), int(samples[row]), float(there[row]) - middle)
            for row in np.argsort(cost, kind="stable")
        ]
        return self._best(voices, voices, options, fixed=True)

    def _best(self, voices: list[Voice], moving: list[Voice], options: Iterable[Option], *, fixed: bool) -> Choice:
        """Listen to jumps, the cheapest first, until none that is left can be better."""
        chosen: Choice | None = None
        least = np.inf
        for option in options:
            if option.cost >= least:
                break
            fade = self.style.fade_seconds
            tried = audition(self.map, voices, moving, option.leaving, option.place, fixed=fixed, fade_seconds=fade)
            loudest = max(tried.flux_percentile, tried.level_percentile)
            total = option.cost + STANDING_OUT_COST * max(0.0, loudest - 95)
            if total < least:
                least = total
                chosen = Choice(tried, self._jump(voices, moving, tried, option.score))
        assert chosen
        return chosen

    def _moments(self, earliest: int, latest: int) -> NDArray[np.int_]:
        """Samples of the track between two, a hop or more apart."""
        count = int((latest - earliest) / self.hop) + 1
        moments: NDArray[np.int_] = np.round(earliest + np.arange(0, count, -(-count // MOMENTS)) * self.hop).astype(
            int
        )
        return moments

    def _hop(self, sample: int) -> int:
        """The place of a sample of the song, as an index."""
        return min(max(round(self.map.place(sample)), 0), self.map.places - 1)

    def _jump(self, voices: list[Voice], moving: list[Voice], tried: Audition, score: float) -> Jump:
        return Jump(
            layer="all" if len(moving) == len(voices) else moving[0].part.name,
            from_seconds=moving[0].at(tried.leaving) / self.rate,
            to_seconds=tried.seam.place / self.rate,
            score=score,
            flux_percentile=tried.flux_percentile,
            level_percentile=tried.level_percentile,
        )

    def _scores(self, moving: list[Voice], moments: NDArray[np.int_]) -> NDArray[np.float32]:
        """How well every place follows what the voices played up to each moment, `(moments, places)`, in nats.

        What a voice heard is looked up at its place: as if its part had led up to there before its last jump too.
        The network makes next to no use of what lies more than 4 s back.
        """
        scores = np.zeros((len(moments), self.map.places), np.float32)
        for voice in moving:
            heard = [max(0, self._hop(voice.at(int(moment))) - 1) for moment in moments]
            scores += voice.part.score.heard[heard] @ voice.part.score.places.T
        return scores

    def _possible(self, voice: Voice, moments: NDArray[np.int_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Where a voice may go, `(moments, places)`: not on as it is, and not where there is no room to stay."""
        music = self.map.music
        first = self.map.place(music.begin) + self.map.per_second / 2
        last = self.map.place(music.ending - self.stay - 2 * self.leaving)
        places = np.arange(shape[1], dtype=np.float32)
        straight = np.array([[self.map.place(voice.at(int(moment)))] for moment in moments], np.float32)
        within = (places >= min(first, last - 1)) & (places <= last)
        far = np.abs(places - straight) > NEAR_SECONDS * self.map.per_second
        return within & far if (within & far).any(axis=1).all() else np.broadcast_to(within, shape)

    def _surroundings(self, voices: list[Voice], moving: list[Voice], moment: int) -> Costs:
        """What each place costs, `(places,)`: repetition, level, misfit with other voices, and a little chance."""
        places = [self.map.place(voice.at(moment)) for voice in voices]
        parts = [voices.index(voice) for voice in moving]
        stay = self.stay / self.rate
        cost = self.memory.share(stay, parts, places) * REPETITION_WEIGHT
        cost = cost + self.level.cost(stay, parts, places)
        for voice, place in zip(voices, places, strict=True):
            if self.fit and voice not in moving:
                cost = cost + self.fit.cost(place, min(max(voice.free - moment, 0), self.stay) / self.rate)
        return cost + self.style.variety**2 * self.random.gumbel(size=len(cost))


def _distinct(cost: Costs) -> Iterator[tuple[int, int]]:
    """The cheapest few entries of `(moments, places)`, no two of which are the same jump a little later."""
    taken: list[int] = []
    flat = cost.ravel()
    cheapest = np.argpartition(flat, min(200 * CANDIDATES, len(flat) - 1))[: 200 * CANDIDATES]
    for index in cheapest[np.argsort(flat[cheapest], kind="stable")]:
        row, column = divmod(int(index), cost.shape[1])
        if all(abs(column - row - other) >= APART_HOPS for other in taken):
            taken.append(column - row)
            yield row, column
        if len(taken) == CANDIDATES:
            return
