"""Steer a track to a mood: what other levels cost, when percussion rests, and how loud and bright the track is."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import RATE
from extrapcli.audio.resample import resample
from extrapcli.audio.song import Song
from extrapcli.extrapolators.base import Block
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.material import Material
from extrapcli.mood import KEPT_SECONDS, Curve

DISTANCE_COST = 4.5  # of each second that is a whole scale away from the wanted level
TOLERANCE = 0.15  # levels
LAYERS_REPEAT = 1.5  # how much more what was heard before costs in layers: fewer places fit a mood
SILENT_JUMP_COST = 20.0  # of a jump of percussion alone that rests
LEAST_RELIEF = 0.1  # levels: where percussion that rests makes less of a difference, it plays
PLAYS = 0.1  # of its mean power in the song: percussion with less doesn't play
GAIN_DECIBELS, LEAST_GAIN, MOST_GAIN = 6.0, -4.0, 2.0  # for a whole scale; in all
TILT_DECIBELS, MOST_TILT = 4.5, 3.0
ENERGY_PER_DECIBEL = 0.012  # of gain; a tilt makes no difference
SWELL_SECONDS = 8.0  # in which gain and tilt would go from one end of the scale to the other
STEP_SECONDS = 0.25
TILT_HERTZ = 1500.0
AT_ONCE = 65_536  # samples
REST_FADE_SECONDS = 0.03
MOST_CHANGES = 8

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]


class Steering:
    """What the sequencer knows of the wanted levels.

    Percussion rests while the wanted level is nearer to that of the other layer alone than to that of both. Where the
    level is kept at which the song is left, percussion that plays there goes on.

    Attributes:
        levels: `(slots,)`, that of the whole sound in each slot of the grid.
        alone: `(slots,)`, that of the sound without percussion.
        rest_below: the level below which percussion rests; minus infinity where it never does.
        plays_on: whether percussion plays where the song is left.
        classes: 0 to 2 for each line, from those that calm slots follow to those that lively ones do.
        repetition: how many times as much as usual it costs to play what was heard before.
    """

    def __init__(self, material: Material, grid: Grid, curve: Curve) -> None:
        self.grid, self.curve = grid, curve
        analysis, scale = material.analysis, curve.scale
        self.levels = scale.levels(analysis.energy_between(grid.times))
        bounds = np.quantile(self.levels, (1 / 3, 2 / 3))
        self.classes = np.searchsorted(bounds, np.append(self.levels, self.levels[-1]), side="left")
        layers = len(material.layers)
        self.repetition = LAYERS_REPEAT if layers > 1 else 1.0
        self.alone, self.rest_below, self.plays_on = self.levels, -np.inf, False
        if layers > 1:
            mono = resample(material.layers[0].mono[:, None], from_rate=material.mono_rate, to_rate=RATE)[:, 0]
            self.alone = scale.levels(analysis.energy_of(mono * analysis.level, grid.times))
            whole, alone = (float(np.median(levels)) for levels in (self.levels, self.alone))
            if whole - alone > LEAST_RELIEF:
                self.rest_below = (whole + alone) / 2
            percussion, left = material.layers[-1].mono, round(curve.begin * material.mono_rate)
            last = percussion[max(0, left - round(KEPT_SECONDS * material.mono_rate)) : left]
            self.plays_on = bool(np.square(last).mean() > PLAYS * np.square(percussion).mean())

    @property
    def can_rest(self) -> bool:
        """Whether there is percussion without which the sound is calmer."""
        return self.rest_below > -np.inf

    def cost(self, slots: Ints, seconds: Floats, rests: Bools) -> Floats:
        """Return the cost of a second of slots `(n, layers)`, each layer's, at seconds `(n,)` of the track.

        `rests` says where percussion rests, `(n,)`.
        """
        level = np.where(rests, self.alone[slots[:, 0]], self.levels[slots].mean(axis=1)) + self._swelling(seconds)
        away = np.abs(np.clip(level, 0, 1) - self.curve.at(seconds))
        return DISTANCE_COST * np.maximum(0, away - TOLERANCE)

    def rests(self, seconds: Floats) -> Bools:
        """Tell whether percussion rests at seconds `(n,)` of the track."""
        wanted = self.curve.at(seconds)
        kept = self.plays_on & np.isclose(wanted, self.curve.kept)
        resting: Bools = ~kept & (wanted - self._swelling(seconds) < self.rest_below)
        return resting

    def _swelling(self, seconds: Floats) -> Floats:
        """Return the levels by which the gain makes the track livelier at seconds `(n,)`."""
        gain = _gain(self.curve.at(seconds) - self.curve.kept)
        return ENERGY_PER_DECIBEL * gain / (self.curve.scale.lively - self.curve.scale.calm)


def _gain(away: Floats) -> Floats:
    """Return the gain, in decibels, so many levels away from where the song is left."""
    return np.clip(GAIN_DECIBELS * away, LEAST_GAIN, MOST_GAIN)


class Rests:
    """When percussion rests: it leaves and enters at bar lines, each time over 30 ms."""

    def __init__(self, steering: Steering, rate: int) -> None:
        self.steering, self.rate = steering, rate
        self.ramp = round(REST_FADE_SECONDS * rate)
        self.bars = np.round(steering.grid.times[steering.grid.phases == 0] * rate).astype(int)
        self.changes = [(-self.ramp, False)]  # from a sample of the track on, within a ramp, whether it rests

    def follow(self, offset: int, begin: int, departure: int, end: int) -> None:
        """Decide for a block of the track from `begin` on, which plays the song `offset` later from `departure`."""
        self._forget(begin)
        lines = self.bars - offset
        lines = lines[(lines >= departure) & (lines < end)]
        for line, rests in zip(lines.tolist(), self.steering.rests(lines / self.rate).tolist(), strict=True):
            self._change(max(begin, line - self.ramp), rests)

    def play(self, begin: int) -> None:
        """Let percussion play from a sample of the track on."""
        self._forget(begin)
        self._change(begin, rests=False)

    def gains(self, begin: int, end: int) -> NDArray[np.float32]:
        """Return the gains of percussion between two samples of the track, 0 to 1."""
        at = [sample for begin, _ in self.changes for sample in (begin, begin + self.ramp)]
        plays = [float(not rests) for _, rests in self.changes]
        gains: NDArray[np.float32] = np.interp(
            np.arange(begin, end), at, [plays[0], *np.repeat(plays, 2)[:-1]]
        ).astype(np.float32)
        return gains

    def _forget(self, begin: int) -> None:
        """Take back what was decided for later than a sample, and drop what is long over."""
        self.changes = [change for change in self.changes if change[0] < begin][-MOST_CHANGES:]

    def _change(self, at: int, rests: bool) -> None:
        last, rested = self.changes[-1]
        if rests != rested:
            self.changes.append((max(at, last + self.ramp), rests))


class Swell:
    """How much louder and brighter a track is from moment to moment than the song.

    Both follow the wanted level slowly. Up to `begin`, where the song is left, they are 0, or as for a level that is
    `first` away from where the song is left; if the track lands on the song's own ending, they are 0 from `landing`
    seconds on.

    Attributes:
        seconds: of the track, four a second; `gain` and `tilt` are in decibels there, for levels so far `away`.
        factors: what the low and the high sound are multiplied with there.
    """

    def __init__(self, curve: Curve, begin: float, landing: float | None, first: float = 0.0) -> None:
        self.curve = curve
        end = landing
        if end is None:
            last = float(curve.seconds[-1])
            end = max(last if curve.end is None else min(last, curve.end), begin) + SWELL_SECONDS
        steps = int(np.ceil(max(0.0, end - begin) / STEP_SECONDS)) + 1
        self.seconds = begin + STEP_SECONDS * np.arange(steps)
        away = curve.at(self.seconds) - curve.kept
        if landing is not None:
            most = np.maximum(0, landing - self.seconds) / SWELL_SECONDS
            away = np.clip(away, -most, most)
        self.away = away = _slowly(away, STEP_SECONDS / SWELL_SECONDS, first)
        self.gain, self.tilt = _gain(away), np.clip(TILT_DECIBELS * away, -MOST_TILT, MOST_TILT)
        self.factors = [10 ** ((self.gain + sign * self.tilt / 2) / 20) for sign in (-1, 1)]


def _slowly(values: Floats, most: float, first: float) -> Floats:
    """Follow values, the first of which counts as `first`, by no more than `most` from one to the next."""
    followed, at = np.full(len(values), first), first
    for k, value in enumerate(values.tolist()[1:], start=1):
        at += min(max(value - at, -most), most)
        followed[k] = at
    return followed


def swelled(
    blocks: Iterator[Block], song: Song, wanted: Callable[[], Curve | None], landing: float | None
) -> Iterator[Block]:
    """Make the blocks of a track louder, softer, brighter or darker, from the first on, as in `Swell`.

    `wanted` tells the curve for the block that was just made, None for one that stays as it is.

    For the tilt, what is above about 1.5 kHz is raised by half of it, and what is below is lowered by as much. The
    two are parted by a triangular filter, without any shift in time.
    """
    rate = song.sample_rate
    half = max(1, round(0.16 * rate / TILT_HERTZ))
    before = song.samples
    before_start = 0
    swell = None
    for block in blocks:
        curve = wanted()
        if not curve:
            before, before_start = block.samples, block.start
            yield block
            continue
        if not swell or swell.curve is not curve:
            begin = block.start / rate
            swell = Swell(curve, begin, landing, float(np.interp(begin, swell.seconds, swell.away)) if swell else 0.0)
        at = block.start - before_start
        context = before[max(0, at - 2 * half) : at]
        before, before_start = block.samples, block.start
        sound = np.concatenate([context, block.samples])
        swelled = np.empty_like(block.samples)
        for begin in range(0, len(swelled), AT_ONCE):
            piece = slice(begin, min(begin + AT_ONCE, len(swelled)))
            seconds = (block.start + np.arange(begin, piece.stop)) / rate
            lower, upper = (np.interp(seconds, swell.seconds, factors)[:, None] for factors in swell.factors)
            low = _low(sound, len(context) + begin, len(context) + piece.stop, half)
            swelled[piece] = block.samples[piece] * upper + low * (lower - upper)
        yield replace(block, samples=swelled)


def _low(sound: NDArray[np.floating], begin: int, end: int, half: int) -> NDArray[np.float64]:
    """Return what is low between two samples of `(n, channels)`; beyond its ends, edge values are repeated."""
    first, last = begin - 2 * half, end + 2 * half
    around = sound[max(0, first) : last]
    around = np.pad(around, ((max(0, -first), max(0, last - len(sound))), (0, 0)), "edge")
    return _means(_means(around, half), half)


def _means(samples: NDArray[np.floating], half: int) -> NDArray[np.float64]:
    """Return the means of every `2 half + 1` samples in a row."""
    sums = np.pad(samples, ((1, 0), (0, 0))).cumsum(axis=0, dtype=np.float64)
    means: NDArray[np.float64] = (sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)
    return means
