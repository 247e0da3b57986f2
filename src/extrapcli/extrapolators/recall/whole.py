"""The whole sound of a song, cut and joined elsewhere: what it costs to go on at any moment after any other."""

import numpy as np

from extrapcli.extrapolators.recall.audibility import PER_SECOND
from extrapcli.extrapolators.recall.context import Context
from extrapcli.extrapolators.recall.costs import CUT_VOICE, UNEVEN, cut_words
from extrapcli.extrapolators.recall.descriptors import Array, Times, band_power, tones_of
from extrapcli.extrapolators.recall.grid import Grid, unevenness
from extrapcli.extrapolators.recall.material import Material

OFF_BEAT, OFF_BAR = 4.0, 2.0  # cost of a join that breaks the beat; the bar
NOTICED_BEATS = 0.12  # by which a beat comes too early or late when the beat counts as broken
PULSE_SECONDS = 2.0  # before and after a join, in which there must be a pulse for it to be broken
PULSE_SHARE = 0.5  # of the usual onset strength


class WholeSound:
    """What it costs to leave the song at one moment and go on at another, with all its sound.

    Attributes:
        metre: beats in a bar; 0 where there are no bars to go by.
    """

    def __init__(self, material: Material, grid: Grid) -> None:
        (layer,) = material.layers
        self.material, self.grid = material, grid
        power, tones = band_power(layer.encoding.spectra), tones_of(material)
        self.context = Context(material, [layer.encoding], power, tones, grid.times)
        self.voice, self.beats = material.analysis.voice, material.analysis.beats
        self.metre = self.beats.metre if grid.keeps_bars else 0
        strength = material.features.onset_strength
        self._strengths = np.concatenate([[0.0], np.cumsum(strength)])
        self._usual = float(strength.mean()) + 1e-9

    def costs(self, leave: Times, reach: Times) -> Array:
        """Return the cost of going on from each moment at each other, `(leave, reach)`, 0 and more."""
        cost = np.maximum(0, self.context.jump_costs(leave, reach))
        cost += CUT_VOICE * cut_words(self.voice, leave, reach)
        return cost + self._broken(leave, reach) if self.metre else cost

    def _broken(self, leave: Times, reach: Times) -> Array:
        """Return the cost of breaking the beat, the bar, or an even number of bars."""
        left, reached = self._places(leave), self._places(reach)
        before, after = self._pulse(leave - PULSE_SECONDS, leave), self._pulse(reach, reach + PULSE_SECONDS)
        apart = reached[1] - left[1][:, None]
        beats = np.rint(apart)
        off_beat = np.minimum(1, np.abs(apart - beats) / NOTICED_BEATS)
        off_bar = beats % self.metre != 0
        bars = np.rint(reached[0] - left[0][:, None] + apart / self.metre)
        cost = np.minimum(before[:, None], after) * (OFF_BEAT * off_beat + OFF_BAR * off_bar)
        total: Array = (cost + UNEVEN * unevenness(bars) * ~off_bar).astype(np.float32)
        return total

    def _places(self, times: Times) -> tuple[Times, Times]:
        """Return in which bars moments are, and how many beats after the bar lines, with fractions."""
        beats, periods = self.beats.times, np.diff(self.beats.times)
        at = np.clip(np.searchsorted(beats, times, side="right") - 1, 0, len(beats) - 1)
        period = np.append(periods, np.median(periods))[at]
        bars = np.cumsum(self.beats.positions == 0)
        return bars[at].astype(float), self.beats.positions[at] + (times - beats[at]) / period

    def _pulse(self, begin: Times, end: Times) -> Times:
        """Return how strong the onsets are between moments, 0 to 1."""
        last = len(self._strengths) - 1
        edges = [np.clip(np.round(times * PER_SECOND).astype(int), 0, last) for times in (begin, end)]
        mean = (self._strengths[edges[1]] - self._strengths[edges[0]]) / np.maximum(1, edges[1] - edges[0])
        share: Times = np.clip(mean / self._usual / PULSE_SHARE, 0, 1)
        return share
