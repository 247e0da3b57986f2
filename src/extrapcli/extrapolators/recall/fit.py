"""Play a song in another length: from its beginning to its ending, with as few cuts as can be."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from extrapcli.analysis.summary import clock
from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import WHOLE_SECONDS, Block, Fit, Style
from extrapcli.extrapolators.limit import limited
from extrapcli.extrapolators.recall.alignment import WORD_SECONDS, AlignedJump
from extrapcli.extrapolators.recall.cutting import Cutter
from extrapcli.extrapolators.recall.descriptors import Array, Times
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.join import MAX_FADE_SECONDS, RECOVERY_SECONDS
from extrapcli.extrapolators.recall.material import Material
from extrapcli.extrapolators.recall.steering import TOLERANCE, swelled
from extrapcli.extrapolators.recall.version import Cut, Waypoint
from extrapcli.extrapolators.recall.versions import Versions
from extrapcli.extrapolators.recall.whole import WholeSound

MOST_TIMES, LEAST_SECONDS = 8, 2.0  # how often a song may be played; the shortest track
MOST_LINES = 400
EARLIER_SECONDS = 1.0  # by which a join may begin before the cut
JOIN_COST = 1.5
AGAIN_COST, AGAIN_SECONDS = 3.0, 20.0  # of playing at once again what was just heard
NEAR_SECONDS = 0.15
BEFORE_HIT_SECONDS, AFTER_HIT_SECONDS = 2.0, 4.0  # without a cut
BAR_COST, PHRASE_COST = 2.5, 1.5  # of a hit at which no section begins
MOST_HITS = 8  # moments of each kind that may fall on a hit, and ways to it that are followed further
SAME_SECONDS = 0.02
SPARE_SECONDS = 0.2  # of silence that stay
NEARER = 0.25
DISTANCE_COST = 1.0  # of each second that is a scale away from the wanted level
AVOIDED, LOUD = 3.0, 99.0
ROUNDS, MOST_VERSIONS, TRIED = 3, 40, 6
NEAR_CUT_SECONDS = 0.3
TAKEN_COST, OTHER_SECONDS, MOST_OTHERS = (
    30.0,
    6.0,
    20,
)  # of a cut that a better version has; how many others there are
GOOD_COST, GOOD_PERCENTILE = 6.0, 95.0  # of a cut


@dataclass(frozen=True)
class _Leg:
    """A way to a waypoint."""

    end: Waypoint
    cuts: tuple[Cut, ...]


@dataclass(frozen=True)
class _Route:
    """The legs of a track, and what they cost."""

    legs: tuple[_Leg, ...] = ()
    cost: float = 0.0

    @property
    def cuts(self) -> list[Cut]:
        return [cut for leg in self.legs for cut in leg.cuts]


@dataclass(frozen=True)
class _Take:
    """A route with its cuts brought to the sample. It costs more than the route where they are heard."""

    route: _Route
    jumps: list[AlignedJump]

    @property
    def cost(self) -> float:
        return self.route.cost + sum(jump.cost for jump in self.jumps)

    @property
    def loud(self) -> list[tuple[Cut, AlignedJump]]:
        """The cuts that stand out from the song's beats."""
        pairs = zip(self.route.cuts, self.jumps, strict=True)
        return [(cut, jump) for cut, jump in pairs if max(jump.flux_percentile, jump.level_percentile) > LOUD]


class Fitter:
    """Yields the blocks of one track of `wanted` samples.

    Raises UsageError for a length that is out of range, for what is kept or hit outside the song or the track, and
    where no track goes past all hits and keeps what is to be kept.
    """

    def __init__(self, material: Material, grid: Grid, style: Style, fit: Fit, wanted: int) -> None:
        self.material, self.fit, self.wanted = material, fit, wanted
        self.rate, self.length = material.song.sample_rate, len(material.song.samples)
        self.seed = min(style.seed, MOST_OTHERS)
        self._check()
        self.sound = WholeSound(material, grid)
        self.cutter = Cutter(self.sound, style.fade_seconds)
        lines = grid.times[grid.phases == 0] if grid.keeps_bars else grid.times
        lines = lines[:: -(-len(lines) // MOST_LINES)]
        self.curve = style.curve(material.analysis, wanted)
        self.levels = np.zeros(0)
        if self.curve:
            edges = np.append(lines, self.length / self.rate)
            self.levels = self.curve.scale.levels(material.analysis.energy_between(edges))
        self.versions = Versions(
            lines, self.length / self.rate, self._cut_costs, self._play_costs if self.curve else None
        )
        silent = (self.length - material.bounds.end) / self.rate
        shorter = min(wanted, self.length) / self.rate
        whole = min(WHOLE_SECONDS, shorter / 4)
        self.hold, self.lead = whole + min(EARLIER_SECONDS, whole / 4), whole + min(silent, shorter / 4)
        is_kept = any(end > material.bounds.end / self.rate for _, end in fit.keep)
        spare = 0.0 if is_kept else max(0.0, silent - SPARE_SECONDS)
        self.end = Waypoint(self.length / self.rate, wanted / self.rate, spare=spare)

    def _check(self) -> None:
        name, seconds, length = self.material.song.name, self.wanted / self.rate, self.length / self.rate
        if not LEAST_SECONDS <= seconds <= MOST_TIMES * length:
            raise UsageError(
                f"{name}: lasts {clock(length)}, and can be fitted to {LEAST_SECONDS:g} s up to {MOST_TIMES} times "
                f"its length, not to {clock(seconds)}",
                hint="continue" if seconds > length else None,
            )
        for begin, end in self.fit.keep:
            if end > length:
                kept = f"{clock(begin)} to {clock(end)}"
                raise UsageError(f"{name}: lasts {clock(length)}, so {kept} can't be kept", hint="seconds")
        for hit in self.fit.hits:
            if not 0 < hit < seconds:
                raise UsageError(
                    f"{name}: the hit at {clock(hit)} is beyond the track of {clock(seconds)}", hint="seconds"
                )

    def blocks(self) -> Iterator[Block]:
        """Yield a block for each join."""
        take = self._chosen()
        blocks = self.cutter.blocks(take.jumps)
        if self.curve:
            blocks = swelled(blocks, self.material.song, lambda: self.curve, self.curve.end)
        notes = tuple(self._notes(take))
        for k, block in enumerate(limited(blocks, self.material.song)):
            yield block if k else replace(block, notes=notes)

    def _cut_costs(self, leave: Times, reach: Times) -> Array:
        away = leave[:, None] - reach
        cost = self.sound.costs(leave, reach) + np.float32(JOIN_COST)
        cost += (AGAIN_COST * np.exp(-np.abs(away) / AGAIN_SECONDS) * (away > 0)).astype(np.float32)
        begin, end = (sample / self.rate for sample in (self.material.bounds.begin, self.material.bounds.end))
        leaves = (leave > begin + WORD_SECONDS + MAX_FADE_SECONDS) & (leave <= end)
        reaches = (reach > begin + WORD_SECONDS + MAX_FADE_SECONDS) & (reach <= end - WORD_SECONDS)
        possible = (np.abs(away) > NEAR_SECONDS) & leaves[:, None] & reaches
        for begin, end in self.fit.keep:
            left = (leave > begin) & (leave < end + WORD_SECONDS + MAX_FADE_SECONDS)
            reached = (reach > begin - RECOVERY_SECONDS) & (reach < end)
            possible &= ~left[:, None] & ~reached & ~((leave <= begin)[:, None] & (reach >= end))
        return np.where(possible, cost, np.float32(np.inf))

    def _play_costs(self, line: int, seconds: Times) -> Times:
        """Return how far the level after a line is from the one that is wanted at seconds of the track."""
        assert self.curve
        away = np.abs(np.clip(self.levels[line], 0, 1) - self.curve.at(seconds)) - TOLERANCE
        cost: Times = DISTANCE_COST * np.maximum(0, away)
        return cost

    def _chosen(self) -> _Take:
        """Return the best version or, with another seed than 0, one that has other cuts than the better ones."""
        for _ in range(self.seed):
            for cut in self._best().route.cuts:
                self.versions.avoid(cut, TAKEN_COST, within=OTHER_SECONDS)
        return self._best()

    def _best(self) -> _Take:
        """Return the best version: of those that cost least, the one whose joins are heard least."""
        if self.wanted == self.length and not self.fit.hits and not self.curve:
            return _Take(_Route(), [])
        takes = []
        for _ in range(ROUNDS):
            takes += [_Take(route, self._aligned(route)) for route in _distinct(self._routes())]
            if not takes:
                return self._worst()
            best = min(takes, key=lambda take: take.cost)
            if not best.loud:
                break
            for cut in {cut for take in takes for cut, _ in take.loud}:
                self.versions.avoid(cut, AVOIDED, within=NEAR_CUT_SECONDS)
        return best

    def _worst(self) -> _Take:
        """Return the version with one cut in the middle, wherever that falls."""
        if self.fit != Fit():
            hits = "puts a downbeat on each hit" if self.fit.hits else ""
            keeps = "has all the parts that should be kept" if self.fit.keep else ""
            wish = " and ".join(filter(None, (hits, keeps)))
            raise UsageError(f"{self.material.song.name}: no track of {clock(self.wanted / self.rate)} {wish}")
        seconds, length, music = (n / self.rate for n in (self.wanted, self.length, self.material.bounds.end))
        leave = min(seconds / 2, music - LEAST_SECONDS / 4 - (length - seconds))
        if seconds > length or leave < LEAST_SECONDS / 4:
            name, asked = self.material.song.name, clock(seconds)
            told = f"{name}: has {clock(music)} of music, which can't be fitted to {asked}"
            raise UsageError(told, hint="continue" if seconds > length else None)
        cut = Cut(leave, leave + length - seconds, np.inf, free=True)
        route = _Route((_Leg(self.end, (cut,)),), np.inf)
        return _Take(route, self._aligned(route))

    def _notes(self, take: _Take) -> Iterator[str]:
        """Name the joins that may be heard, and the length from which on there need be none."""
        if self.fit.hits and not self.material.analysis.beats.has_pulse:
            yield "it has no clear beat, so what falls on a hit may be no downbeat"
        bad, offset = [], 0
        for cut, jump in zip(take.route.cuts, take.jumps, strict=True):
            if cut.cost > GOOD_COST or max(jump.flux_percentile, jump.level_percentile) > GOOD_PERCENTILE:
                bad.append(clock((jump.departure - jump.splice.fade.samples - offset) / self.rate))
            offset += jump.splice.target - jump.departure
        if not bad:
            return
        note = f"the join at {bad[0]}" if len(bad) == 1 else f"the joins at {', '.join(bad[:-1])} and {bad[-1]}"
        shortest = self.versions.shortest(hold=self.hold, lead=self.lead, cost=GOOD_COST)
        note += " may be heard"
        if self.fit == Fit() and shortest > self.wanted / self.rate:
            note += f"; the shortest version of this song with good joins lasts about {clock(shortest)}"
        yield note

    def _routes(self) -> list[_Route]:
        """Return ways from the beginning of song and track past all hits to their ends, the cheapest first.

        If there are none without cuts near the ends and the hits, there may be some with cuts there.
        """
        return self._routes_with(1.0) or self._routes_with(NEARER)

    def _routes_with(self, room: float) -> list[_Route]:
        """Return ways whose cuts keep a share of the usual distances from the ends and the hits.

        Unless `room` is 1, cuts may come nearer still where hits are near each other.
        """
        hold, here = room * self.hold, [(Waypoint(0.0, 0.0), _Route())]
        for hit in self.fit.hits:
            lead = room * max(BEFORE_HIT_SECONDS, self.lead - (self.end.track - hit))
            found = self._extended(here, self._hit_points(hit, here), hold, lead, narrow=room < 1)
            here = sorted(((route.legs[-1].end, route) for route in found), key=lambda way: way[1].cost)[:MOST_HITS]
            hold = room * max(AFTER_HIT_SECONDS, self.hold - hit)
            if not here:
                return []
        routes = self._extended(here, [self.end], hold, room * self.lead, narrow=room < 1, most=MOST_VERSIONS)
        return sorted((route for route in routes if self._is_exact(route)), key=lambda route: route.cost)

    def _is_exact(self, route: _Route) -> bool:
        return bool(route.cuts) or self.wanted == self.length

    def _extended(
        self,
        here: list[tuple[Waypoint, _Route]],
        ends: list[Waypoint],
        hold: float,
        lead: float,
        *,
        narrow: bool,
        most: int = 2,
    ) -> list[_Route]:
        """Extend routes by a leg to each end that can be reached, in up to `most` ways."""
        if narrow:
            quarter = (ends[0].track - here[0][0].track) / 4
            hold, lead = min(hold, quarter), min(lead, quarter)
        starts = [replace(start, cost=route.cost) for start, route in here]
        routes = []
        for end, versions in zip(
            ends, self.versions.find(starts, ends, hold=hold, lead=lead, most=most), strict=True
        ):
            for version in versions:
                _, route = here[version.start]
                routes.append(_Route((*route.legs, _Leg(end, version.cuts)), version.cost))
        return routes

    def _hit_points(self, hit: float, here: list[tuple[Waypoint, _Route]]) -> list[Waypoint]:
        """Return beginnings of sections, phrases and bars that may fall on a hit, and one that falls on it anyway."""
        sections = self.material.analysis.sections
        begins = [section.begin for section in sections]
        phrases = [phrase for section in sections for phrase in section.phrases[1:]]
        lines, points = self.versions.lines, {}
        for moments, cost in ((lines.tolist(), BAR_COST), (phrases, PHRASE_COST), (begins, 0.0)):
            for moment in moments[:: -(-len(moments) // MOST_HITS) or 1]:
                line = float(lines[np.abs(lines - moment).argmin()])
                points[line] = Waypoint(line, hit, cost)
        for straight in (hit - way.later for way in (self.end, *(start for start, _ in here))):
            line = float(lines[np.abs(lines - straight).argmin()])
            if abs(line - straight) < SAME_SECONDS:
                points[line] = Waypoint(straight, hit, points[line].cost if line in points else BAR_COST)
        return list(points.values())

    def _aligned(self, route: _Route) -> list[AlignedJump]:
        """Bring the cuts of a route to the sample; where a leg has none, the one before it leads to its end, too."""
        jumps: list[AlignedJump] = []
        for k, leg in enumerate(route.legs):
            following = (n for n, later in enumerate(route.legs[k + 1 :], start=k) if later.cuts)
            last = next(following, len(route.legs) - 1)
            is_end = last == len(route.legs) - 1
            later = self.wanted - self.length if is_end else round(route.legs[last].end.later * self.rate)
            done = sum(jump.departure - jump.splice.target for jump in jumps)
            if leg.cuts:
                jumps += self.cutter.align(leg.cuts, later - done)
        return jumps


def _distinct(routes: list[_Route]) -> list[_Route]:
    """Return the cheapest few routes, of which no two have nearly the same cuts."""
    taken: dict[tuple[tuple[int, int], ...], _Route] = {}
    for route in routes:
        taken.setdefault(tuple((round(cut.leave), round(cut.reach)) for cut in route.cuts), route)
    return list(taken.values())[:TRIED]
