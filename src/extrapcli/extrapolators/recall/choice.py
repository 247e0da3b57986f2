"""Which leap comes next: what each moment to leave and each place to go to would cost."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.base import Leap, Style
from extrapcli.extrapolators.recall.audition import Audition, audition
from extrapcli.extrapolators.recall.fit import Fit
from extrapcli.extrapolators.recall.level import Level
from extrapcli.extrapolators.recall.repetition import Memory
from extrapcli.extrapolators.recall.song_map import SongMap
from extrapcli.extrapolators.recall.voice import Voice

REPETITION_WEIGHT = {1: 3.0, 2: 5.0}  # by the number of parts
NEAR_SECONDS = 2.0  # going on within that distance is no leap
CANDIDATES = 6
APART_HOPS = 3
STANDING_OUT_COST = 0.2  # for every percent above 95

Costs = NDArray[np.floating]


@dataclass(frozen=True)
class Choice:
    audition: Audition
    leap: Leap


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

    def choose(
        self, voices: list[Voice], moving: list[Voice], earliest: int, latest: int, *, end: int | None = None
    ) -> Choice:
        """Choose a moment of the track between two samples and a place: the best of the few that are listened to.

        With `end`, the place is the one from which the song ends at that sample of the track.
        """
        count = int((latest - earliest) / self.hop) + 1
        scores = np.sum([self._scores(voice, earliest, count) for voice in moving], axis=0)
        if end is None:
            possible = self._possible(moving[0], earliest, scores.shape)
        else:
            possible = self._landings(self.map.music.end - end + earliest, scores.shape)
        middle, best = float(np.median(scores[possible])), float(scores[possible].max())
        cost = (best - scores) / max(best - middle, 1e-6)
        if end is None:
            cost = cost + self._surroundings(voices, moving, earliest + round(count * self.hop / 2))
        cost = np.where(possible, cost, np.inf)

        chosen: Choice | None = None
        least = np.inf
        for row, column in _distinct(cost):
            if cost[row, column] >= least:
                break
            leaving = earliest + round(row * self.hop)
            tried = audition(
                self.map,
                voices,
                moving,
                leaving,
                self.map.sample(column) if end is None else self.map.music.end - end + leaving,
                fixed=end is not None,
                fade_seconds=self.style.fade_seconds,
            )
            loudest = max(tried.flux_percentile, tried.level_percentile)
            total = float(cost[row, column]) + STANDING_OUT_COST * max(0.0, loudest - 95)
            if total < least:
                least = total
                chosen = Choice(tried, self._leap(voices, moving, tried, float(scores[row, column]) - middle))
        assert chosen
        return chosen

    def _leap(self, voices: list[Voice], moving: list[Voice], tried: Audition, score: float) -> Leap:
        return Leap(
            part="all" if len(moving) == len(voices) else moving[0].part.name,
            from_seconds=moving[0].at(tried.leaving) / self.rate,
            to_seconds=tried.seam.place / self.rate,
            score=score,
            flux_percentile=tried.flux_percentile,
            level_percentile=tried.level_percentile,
        )

    def _scores(self, voice: Voice, earliest: int, count: int) -> NDArray[np.float32]:
        """How well every place follows what the voice played, `(moments, places)`, in nats.

        It has played one stretch of its part since its last leap. That is as much as the network makes use of.
        """
        score = voice.part.score
        first = round(self.map.place(voice.at(earliest))) - 1
        heard = score.heard[np.clip(np.arange(first, first + count), 0, self.map.places - 1)]
        scores: NDArray[np.float32] = heard @ score.places.T
        return scores

    def _possible(self, voice: Voice, earliest: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Where a voice may go, `(moments, places)`: not on as it is, and not where there is no room to stay."""
        music = self.map.music
        first = self.map.place(music.begin) + self.map.per_second / 2
        last = self.map.place(music.ending - self.stay - 2 * self.leaving)
        places = np.arange(shape[1])
        straight = self.map.place(voice.at(earliest)) + np.arange(shape[0])[:, None]
        within = (places >= min(first, last - 1)) & (places <= last)
        far = np.abs(places - straight) > NEAR_SECONDS * self.map.per_second
        return within & far if (within & far).any(axis=1).all() else np.broadcast_to(within, shape)

    def _landings(self, sample: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """The one place for every moment, the first of which is a sample of the song."""
        first = round(self.map.place(sample))
        columns: NDArray[np.int_] = np.clip(first + np.arange(shape[0])[:, None], 0, shape[1] - 1)
        return np.equal(np.arange(shape[1]), columns)

    def _surroundings(self, voices: list[Voice], moving: list[Voice], moment: int) -> Costs:
        """What each place costs, `(places,)`: repetition, level, misfit with other voices, and a little chance."""
        places = [self.map.place(voice.at(moment)) for voice in voices]
        parts = [voices.index(voice) for voice in moving]
        stay = self.stay / self.rate
        cost = self.memory.share(stay, parts, places) * REPETITION_WEIGHT[len(voices)]
        cost = cost + self.level.cost(stay, parts, places)
        for voice, place in zip(voices, places, strict=True):
            if self.fit and voice not in moving:
                cost = cost + self.fit.cost(place, min(max(voice.free - moment, 0), self.stay) / self.rate)
        return cost + self.style.variety**2 * self.random.gumbel(size=len(cost))


def _distinct(cost: Costs) -> Iterator[tuple[int, int]]:
    """The cheapest few entries of `(moments, places)`, no two of which are the same leap a little later."""
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
