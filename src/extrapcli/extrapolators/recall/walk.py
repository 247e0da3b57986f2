"""The walk: which place of the song comes next, when, and how the track lands on the song's own ending."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extrapcli.crossfade import Fade, join
from extrapcli.extrapolators.base import Block, Leap, Style
from extrapcli.extrapolators.recall.fit import Fit
from extrapcli.extrapolators.recall.hearing import Hearing
from extrapcli.extrapolators.recall.repetition import CombinationMemory, Memory, PlaceMemory
from extrapcli.extrapolators.recall.seam import MAX_FADE_SECONDS, Seam, find_seam, settling_gain
from extrapcli.extrapolators.recall.song_map import Part, SongMap
from extrapcli.extrapolators.recall.texture import PER_SECOND, beat_shift, texture

PART_SECONDS = 6.0  # how long a part of a short song stays before it leaps again
LEAVING_SECONDS = 1.5  # a leap may come that much later, where it fits better
BEFORE_ENDING_SECONDS = 8.0, 0.5  # where the song is left, and landed on, before its own ending: from, to
REPETITION_WEIGHT = {1: 3.0, 2: 5.0}  # by the number of parts
NEAR_SECONDS = 2.0  # going on within that distance is no leap
CANDIDATES = 6
APART_HOPS = 3
AUDITION_SECONDS = 0.4
STANDING_OUT_COST = 0.2  # for every percent above 95
KEPT_SECONDS = 20
SAME_PLACE_SECONDS = 0.01
QUIET_MOMENTS, FADE_MOMENTS = 8, 4

Sound = NDArray[np.floating]


@dataclass(eq=False)
class Voice:
    """A part on its way: at sample `now` of the walk it plays sample `place` of the song."""

    part: Part
    place: int
    free: int  # the sample of the track from which it may leap
    gain: NDArray[np.float32] = field(default_factory=lambda: np.ones(0, np.float32))  # from `now` on; then 1

    def sound(self, begin: int, end: int) -> Sound:
        """What it plays between two moments, in samples from `now`; nothing before the song begins."""
        begin = max(begin, -self.place)
        sound = self.part.sound[self.place + begin : self.place + end].copy()
        gain = self.gain[max(0, begin) : max(0, end)]
        sound[max(0, -begin) : max(0, -begin) + len(gain)] *= gain[:, None]
        return sound


@dataclass(frozen=True)
class Candidate:
    """A leap at sample `leaving` of the track to `seam.place` of the song."""

    leaving: int
    seam: Seam
    cost: float
    leap: Leap


class Walk:
    def __init__(self, song_map: SongMap, hearing: Hearing, style: Style, wanted: int) -> None:
        self.map = song_map
        self.music = song_map.music
        self.hearing = hearing
        self.style = style
        self.wanted = wanted
        self.rate = song_map.song.sample_rate
        self.hop = self.rate / song_map.per_second
        self.lands = self.music.ends_by_itself and style.ending in ("song", "auto")
        self.random = np.random.default_rng(style.seed)
        scores = [part.score for part in song_map.parts]
        several = len(scores) > 1
        self.memory: Memory = (
            CombinationMemory(scores, song_map.per_second) if several else PlaceMemory(scores[0], song_map.per_second)
        )
        self.fit = Fit(song_map) if several else None
        room = (self.music.ending - self.music.begin) / self.rate
        block = PART_SECONDS if several else float(hearing.backend.spec.horizon_frames)
        self.block = round(min(block, room / 4) * self.rate)
        self.leaving = round(min(LEAVING_SECONDS, room / 16) * self.rate)
        self.early, self.late = (round(min(s, room / 8) * self.rate) for s in BEFORE_ENDING_SECONDS)
        self.landing = wanted - (self.music.end - self.music.ending)  # where the track's ending begins

    def blocks(self) -> Iterator[Block]:
        music = self.music
        earliest = latest = music.end
        if music.ends_by_itself:
            middle = (music.begin + music.ending) // 2
            earliest, latest = max(middle, music.ending - self.early), max(middle, music.ending - self.late)
        self._begin(earliest)
        moving = list(self.voices)
        while earliest < self.wanted:
            room = self._room()
            landing = max(earliest, self.landing - self.early)
            if self.lands and landing <= room and earliest + self.block // 2 >= self.landing - self.early:
                yield self._leap(self.voices, landing, min(max(landing, self.landing - self.late), room), lands=True)
                return
            block = self._leap(moving, earliest, latest, lands=False)
            if block.start >= self.wanted:
                return
            yield block
            moving = [min(self.voices, key=lambda voice: voice.free)]
            earliest = min(moving[0].free, self._room())
            latest = min(earliest + self.leaving, self._room())

    def _begin(self, leaving: int) -> None:
        """Stand at the place where the song is left first, after hearing what leads up to it."""
        self.now = leaving
        self.voices = [Voice(part, leaving, leaving) for part in self.map.parts]
        self.begun = 0  # where the last block begins in the track
        self.noted = self.music.begin
        self._note(leaving)
        self.played = self._mono(-min(leaving - self.music.begin, KEPT_SECONDS * self.rate), 0)

    def _note(self, end: int) -> None:
        """Remember what is heard up to a sample of the track, as the voices go now."""
        if end > self.noted:
            places = [self.map.place(voice.place + self.noted - self.now) for voice in self.voices]
            self.memory.heard(self.noted / self.rate, (end - self.noted) / self.rate, places)
            self.noted = end

    def _room(self) -> int:
        """The last sample of the track up to which every voice can go on."""
        return self.now + self.music.ending - max(voice.place for voice in self.voices)

    def _mono(self, begin: int, end: int) -> NDArray[np.float32]:
        """The mix between two moments, in samples from `now`, as the network hears it."""
        n = self.map.mono(end - begin)
        starts = [self.map.mono(voice.place + begin) for voice in self.voices]
        mix: NDArray[np.float32] = np.sum(
            [voice.part.mono[s : s + n] for voice, s in zip(self.voices, starts, strict=True)], axis=0
        )
        return mix

    def _leap(self, moving: list[Voice], earliest: int, latest: int, *, lands: bool) -> Block:
        """Let some voices leap between two moments of the track, and give the block that follows."""
        count = int((latest - earliest) / self.hop) + 1
        self._note(earliest)
        played = np.concatenate([self.played, self._mono(0, latest - self.now)])
        scores = self.hearing.heard(played, count) @ self.map.score.places.T
        chosen = self._choose(moving, earliest, scores, lands=lands)

        passed = chosen.leaving - self.now
        fade, place = chosen.seam.fade, chosen.seam.place
        resting = [voice for voice in self.voices if voice not in moving]
        crossing = [voice.sound(passed - fade.samples, passed) for voice in resting]
        gains = []
        for voice in moving:
            old = voice.sound(min(0, passed - self.rate), passed)
            gain = settling_gain(old, voice.part.sound[place:], self.rate)
            new = voice.part.sound[place - fade.samples : place] * gain[:1, None]
            crossing.append(join(old[len(old) - fade.samples :], new, fade))
            gains.append(gain)
        self._note(chosen.leaving)
        self.played = np.concatenate([self.played, self._mono(0, passed)])[-KEPT_SECONDS * self.hearing.rate :]

        self.now = chosen.leaving
        for voice in self.voices:
            voice.place, voice.gain = voice.place + passed, voice.gain[passed:]
        turn = self.block // len(self.voices)  # the voices leap in turn, evenly spaced
        last = max((voice.free for voice in resting), default=self.now)
        for k, (voice, gain) in enumerate(zip(moving, gains, strict=True), 1):
            voice.place, voice.gain, voice.free = place, gain, last + k * turn
            if self.lands and voice.free > self.landing - self.early:
                voice.free = max(self.now, self.landing - self.early)
        end = self.wanted if lands else min(min(v.free for v in self.voices) + 2 * self.leaving, self._room())
        sounds = [voice.sound(0, end - self.now) for voice in self.voices]
        samples = np.concatenate([_sum(crossing), _sum(sounds)])
        self.begun = self.now - fade.samples
        places = [voice.place for voice in self.voices]
        copy = max(places) - min(places) <= SAME_PLACE_SECONDS * self.rate
        return Block(self.begun, samples, fade.samples, chosen.leap, copy)

    def _choose(self, moving: list[Voice], earliest: int, scores: NDArray[np.float32], *, lands: bool) -> Candidate:
        """Pick a moment, a row of `scores`, and a place, a column: the best of the few that are listened to."""
        possible = (
            self._landings(earliest, scores.shape) if lands else self._possible(moving[0], earliest, scores.shape)
        )
        middle = float(np.median(scores[possible]))
        best = float(scores[possible].max())
        cost = (best - scores) / max(best - middle, 1e-6)
        if not lands:
            cost = cost + self._surroundings(moving, earliest + int(len(scores) * self.hop / 2))
        cost = np.where(possible, cost, np.inf)
        best_so_far: Candidate | None = None
        for row, column in _distinct(cost):
            if best_so_far and best_so_far.cost <= cost[row, column]:
                break
            leaving = earliest + round(row * self.hop)
            place = self.music.end - self.wanted + leaving if lands else self.map.sample(column)
            score = float(scores[row, column]) - middle
            candidate = self._audition(moving, leaving, place, float(cost[row, column]), score, fixed=lands)
            if not best_so_far or candidate.cost < best_so_far.cost:
                best_so_far = candidate
        assert best_so_far
        return best_so_far

    def _possible(self, voice: Voice, earliest: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Where a voice may go, `(moments, places)`: not on as it is, and not where there is no room to stay."""
        first = self.map.place(self.music.begin) + self.map.per_second / 2
        last = self.map.place(self.music.ending - self.block - 2 * self.leaving)
        places = np.arange(shape[1])
        straight = self.map.place(voice.place + earliest - self.now) + np.arange(shape[0])[:, None]
        within = (places >= min(first, last - 1)) & (places <= last)
        far = np.abs(places - straight) > NEAR_SECONDS * self.map.per_second
        return within & far if (within & far).any(axis=1).all() else np.broadcast_to(within, shape)

    def _landings(self, earliest: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """The one place for every moment from which the song's end is as far as the track's."""
        column = round(self.map.place(self.music.end - self.wanted + earliest))
        columns: NDArray[np.int_] = np.clip(column + np.arange(shape[0])[:, None], 0, shape[1] - 1)
        return np.equal(np.arange(shape[1]), columns)

    def _surroundings(self, moving: list[Voice], moment: int) -> NDArray[np.floating]:
        """What each place costs, `(places,)`: repetition, misfit with the voices that go on, and a little chance."""
        places = [self.map.place(voice.place + moment - self.now) for voice in self.voices]
        part = self.voices.index(moving[0])
        share = self.memory.share(moment / self.rate, self.block / self.rate, part, places)
        cost = share * REPETITION_WEIGHT[len(self.voices)]
        for voice, place in zip(self.voices, places, strict=True):
            if self.fit and voice not in moving:
                stays = min(max(voice.free - moment, 0), self.block) / self.rate
                cost = cost + self.fit.cost(place, stays)
        noise = self.style.variety**2 * self.random.gumbel(size=len(cost))
        return cost + noise

    def _audition(
        self, moving: list[Voice], leaving: int, place: int, cost: float, score: float, *, fixed: bool
    ) -> Candidate:
        """Bring a leap to the sample, lay its fade where nothing strikes, and hear how much it stands out."""
        whole = len(moving) == len(self.voices)
        if not fixed:
            place = max(self.music.begin, place + self._beat_shift(moving, leaving, place))
        earlier = min(self._quiet(moving[0].place + leaving - self.now, place), leaving - self.now, place)
        leaving, place = leaving - earlier, place - earlier
        passed = leaving - self.now
        longest = round(max(MAX_FADE_SECONDS, self.style.fade_seconds or 0) * self.rate)
        longest = min(longest, leaving - self.begun, *(voice.place + passed for voice in self.voices))
        old = _sum([voice.sound(passed - longest, passed) for voice in moving])
        new = self.map.song.samples if whole else moving[0].part.sound
        seam = find_seam(old, new, place, self.rate, fade_seconds=self.style.fade_seconds, fixed=fixed)
        flux, level = self._listen(moving, passed, seam)
        leap = Leap(
            part="all" if whole else moving[0].part.name,
            from_seconds=(moving[0].place + passed) / self.rate,
            to_seconds=seam.place / self.rate,
            score=score,
            flux_percentile=flux,
            level_percentile=level,
        )
        return Candidate(leaving, seam, cost + STANDING_OUT_COST * max(0.0, max(flux, level) - 95), leap)

    def _beat_shift(self, moving: list[Voice], leaving: int, place: int) -> int:
        """The samples by which to shift a place so that the beat goes on, or agrees with the voices that do."""
        resting = [voice for voice in self.voices if voice not in moving]
        guide = (resting or moving)[0].place + leaving - self.now
        moments = range(2 * PER_SECOND) if resting else range(-3 * PER_SECOND // 2, PER_SECOND // 2)
        if not resting and guide >= self.music.end:
            moments = range(-2 * PER_SECOND, 0)
        per_sample = PER_SECOND / self.rate
        shift = beat_shift(self.map.texture.flux, round(guide * per_sample), round(place * per_sample), moments)
        return round(shift / per_sample)

    def _quiet(self, left: int, found: int) -> int:
        """How many samples earlier nothing strikes on either side of the join, up to 0.1 s."""
        flux = self.map.texture.flux
        ends = np.array([round(sample * PER_SECOND / self.rate) for sample in (left, found)])
        shifts = np.arange(QUIET_MOMENTS)
        fade = np.arange(-FADE_MOMENTS, 1)
        at = np.clip(ends[:, None, None] - shifts[:, None] + fade, 0, len(flux) - 1)
        strongest = flux[at].max(axis=(0, 2))
        return round(int(np.argmin(strongest)) * self.rate / PER_SECOND)

    def _listen(self, moving: list[Voice], passed: int, seam: Seam) -> tuple[float, float]:
        """The percentiles of a join's flux and step of level among the song's own beats."""
        rate = self.hearing.rate
        around = round(AUDITION_SECONDS * rate)
        fade = Fade(min(self.map.mono(seam.fade.samples), around), seam.fade.curve)
        sounds = []
        for voice in self.voices:
            left = self.map.mono(voice.place + passed)
            mono = voice.part.mono[:, None]
            before, after = mono[max(0, left - around) : left], mono[left : left + around]
            if voice in moving:
                found = self.map.mono(seam.place)
                before = join(before, mono[found - fade.samples : found], fade)
                after = mono[found : found + around]
            sounds.append(np.pad(np.concatenate([before, after])[:, 0], (around - len(before), around - len(after))))
        begin = round((around - fade.samples) / rate * PER_SECOND)
        end = round(around / rate * PER_SECOND)
        return self.map.beats.percentiles(texture(_sum(sounds), rate), begin, end)


def _sum(sounds: list[Sound]) -> Sound:
    return sum(sounds[1:], start=sounds[0])


def _distinct(cost: NDArray[np.floating]) -> Iterator[tuple[int, int]]:
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
