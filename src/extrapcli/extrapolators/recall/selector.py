"""Choose the next jump: weigh every departure and every position to jump to, then align the best few."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.extrapolators.base import Jump, Style
from extrapcli.extrapolators.recall.alignment import AlignedJump, align_jump
from extrapcli.extrapolators.recall.analysis import Analysis
from extrapcli.extrapolators.recall.compatibility import LayerCompatibility
from extrapcli.extrapolators.recall.level_penalty import LevelPenalty
from extrapcli.extrapolators.recall.playhead import Playhead
from extrapcli.extrapolators.recall.repetition_penalty import RepetitionPenalty

REPETITION_WEIGHT = 5.0
MIN_JUMP_SECONDS = 2.0  # a jump goes at least this far from where the playhead would play on
CANDIDATES = 12
DEPARTURES = 40
MIN_DISTANCE_HOPS = 3  # between candidates
AUDIBILITY_COST = 0.5  # for each percent above 95


@dataclass(frozen=True)
class Candidate:
    """A possible jump, from sample `departure` of the track to sample `target` of the song, not aligned yet."""

    cost: float
    departure: int
    target: int
    score: float


@dataclass(frozen=True)
class SelectedJump:
    """A jump that was chosen: what the sequencer carries out, and what is reported of it."""

    aligned: AlignedJump
    jump: Jump


class JumpSelector:
    """Chooses jumps after which a playhead stays for `stay` samples and leaves at most `delay` samples later."""

    def __init__(
        self, analysis: Analysis, repetition: RepetitionPenalty, style: Style, *, stay: int, delay: int
    ) -> None:
        self.analysis = analysis
        self.repetition = repetition
        self.style = style
        self.stay = stay
        self.delay = delay
        self.rate = analysis.song.sample_rate
        self.hop = self.rate / analysis.positions_per_second
        self.random = np.random.default_rng(style.seed)
        self.level = LevelPenalty(analysis)
        self.compatibility = LayerCompatibility(analysis) if len(analysis.layers) > 1 else None

    def jump(self, playheads: list[Playhead], jumping: list[Playhead], earliest: int, latest: int) -> SelectedJump:
        """Choose a departure between two samples of the track, and a position: the best of the few aligned jumps."""
        departures = self._departures(earliest, latest)
        scores = self._scores(jumping, departures)
        allowed = self._allowed(jumping[0], departures, scores.shape)
        median, best = float(np.median(scores[allowed])), float(scores[allowed].max())
        cost = (best - scores) / max(best - median, 1e-6)
        cost = cost + self._position_costs(playheads, jumping, int(departures[len(departures) // 2]))
        cost = np.where(allowed, cost, np.inf)
        candidates = (
            Candidate(
                float(cost[row, position]),
                int(departures[row]),
                self.analysis.sample_at(position),
                float(scores[row, position]) - median,
            )
            for row, position in _distinct(cost)
        )
        return self._best(playheads, jumping, candidates, fixed=False)

    def landing(self, playheads: list[Playhead], earliest: int, latest: int, end: int) -> SelectedJump:
        """Choose a departure between two samples of the track for the jump to the song's ending.

        The target follows from the departure: the music has to end at sample `end` of the track.
        """
        departures = self._departures(earliest, latest)
        targets = departures + self.analysis.bounds.end - end
        scores = self._scores(playheads, departures)
        rows = np.arange(len(departures))
        landing_scores = scores[rows, [self._nearest_position(target) for target in targets]]
        median = float(np.median(scores))
        cost = (landing_scores.max() - landing_scores) / max(float(scores.max()) - median, 1e-6)
        candidates = [
            Candidate(float(cost[row]), int(departures[row]), int(targets[row]), float(landing_scores[row]) - median)
            for row in np.argsort(cost, kind="stable")
        ]
        return self._best(playheads, playheads, candidates, fixed=True)

    def _best(
        self, playheads: list[Playhead], jumping: list[Playhead], candidates: Iterable[Candidate], *, fixed: bool
    ) -> SelectedJump:
        """Align candidates, the cheapest first, until none of the rest can be better; return the best."""
        selected: SelectedJump | None = None
        least = np.inf
        for candidate in candidates:
            if candidate.cost >= least:
                break
            aligned = align_jump(
                self.analysis,
                playheads,
                jumping,
                candidate.departure,
                candidate.target,
                fixed=fixed,
                fade_seconds=self.style.fade_seconds,
            )
            audibility = max(aligned.flux_percentile, aligned.level_percentile)
            total = candidate.cost + AUDIBILITY_COST * max(0.0, audibility - 95)
            if total < least:
                least = total
                selected = SelectedJump(aligned, self._describe(playheads, jumping, aligned, candidate.score))
        assert selected
        return selected

    def _departures(self, earliest: int, latest: int) -> NDArray[np.int_]:
        """Return samples of the track between two, a hop or more apart."""
        count = int((latest - earliest) / self.hop) + 1
        steps = np.arange(0, count, -(-count // DEPARTURES))
        departures: NDArray[np.int_] = np.round(earliest + steps * self.hop).astype(int)
        return departures

    def _nearest_position(self, sample: int) -> int:
        """Return the whole position nearest to a sample of the song."""
        return min(max(round(self.analysis.position_at(sample)), 0), self.analysis.positions - 1)

    def _describe(
        self, playheads: list[Playhead], jumping: list[Playhead], aligned: AlignedJump, score: float
    ) -> Jump:
        return Jump(
            layer="all" if len(jumping) == len(playheads) else jumping[0].layer.name,
            from_seconds=jumping[0].song_sample(aligned.departure) / self.rate,
            to_seconds=aligned.splice.target / self.rate,
            score=score,
            flux_percentile=aligned.flux_percentile,
            level_percentile=aligned.level_percentile,
        )

    def _scores(self, jumping: list[Playhead], departures: NDArray[np.int_]) -> NDArray[np.float32]:
        """Return the score of each position after each departure, `(departures, positions)`, in nats.

        The query is looked up at the playhead's position in the song, as if its layer had led up to there before its
        last jump too. The network makes next to no use of what lies more than 4 s back.
        """
        scores = np.zeros((len(departures), self.analysis.positions), np.float32)
        for playhead in jumping:
            rows = [max(0, self._nearest_position(playhead.song_sample(int(at))) - 1) for at in departures]
            scores += playhead.layer.encoding.queries[rows] @ playhead.layer.encoding.keys.T
        return scores

    def _allowed(self, playhead: Playhead, departures: NDArray[np.int_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return where a playhead may jump to, `(departures, positions)`: far enough away, with room to stay.

        There is none before a long silence, or before the song's ending.
        """
        bounds, analysis = self.analysis.bounds, self.analysis
        first = analysis.position_at(bounds.begin) + analysis.positions_per_second / 2
        last = analysis.position_at(bounds.ending - self.stay - 2 * self.delay)
        positions = np.arange(shape[1], dtype=np.float32)
        current = np.array([[analysis.position_at(playhead.song_sample(int(at)))] for at in departures], np.float32)
        inside = (positions >= min(first, last - 1)) & (positions <= last)
        for begin, end in bounds.silences:
            sounding = (positions < analysis.position_at(begin - self.stay - 2 * self.delay)) | (
                positions >= analysis.position_at(end)
            )
            inside = inside & sounding if (inside & sounding).any() else inside
        far = np.abs(positions - current) > MIN_JUMP_SECONDS * analysis.positions_per_second
        return inside & far if (inside & far).any(axis=1).all() else np.broadcast_to(inside, shape)

    def _position_costs(
        self, playheads: list[Playhead], jumping: list[Playhead], departure: int
    ) -> NDArray[np.floating]:
        """Return the costs `(positions,)` that are much the same for all departures.

        5 x the repeated share + the level penalty + compatibility with the layers that play on + variety^2 x noise
        with a standard Gumbel distribution.
        """
        positions = [self.analysis.position_at(playhead.song_sample(departure)) for playhead in playheads]
        layers = [playheads.index(playhead) for playhead in jumping]
        seconds = self.stay / self.rate
        cost = self.repetition.repeated_share(seconds, layers, positions) * REPETITION_WEIGHT
        cost = cost + self.level.cost(seconds, layers, positions)
        for playhead, position in zip(playheads, positions, strict=True):
            if self.compatibility and playhead not in jumping:
                shared = min(max(playhead.next_jump - departure, 0), self.stay) / self.rate
                cost = cost + self.compatibility.cost(position, shared)
        return cost + self.style.variety**2 * self.random.gumbel(size=len(cost))


def _distinct(cost: NDArray[np.floating]) -> Iterator[tuple[int, int]]:
    """Yield the cheapest few entries of `(departures, positions)`, leaving out the same jump a little later."""
    taken: list[int] = []
    flat = cost.ravel()
    cheapest = np.argpartition(flat, min(200 * CANDIDATES, len(flat) - 1))[: 200 * CANDIDATES]
    for index in cheapest[np.argsort(flat[cheapest], kind="stable")]:
        row, position = divmod(int(index), cost.shape[1])
        if all(abs(position - row - other) >= MIN_DISTANCE_HOPS for other in taken):
            taken.append(position - row)
            yield row, position
        if len(taken) == CANDIDATES:
            return
