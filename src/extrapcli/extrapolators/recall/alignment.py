"""Turn a candidate into a jump: keep the beat, avoid onsets, align the waveforms, and measure how audible it is."""

from dataclasses import dataclass

import numpy as np

from extrapcli.crossfade import Fade, join
from extrapcli.extrapolators.recall.audibility import PER_SECOND, beat_shift, short_time_features
from extrapcli.extrapolators.recall.join import (
    LEVEL_SECONDS,
    MAX_FADE_SECONDS,
    MIN_FADE_SECONDS,
    Splice,
    find_splice,
    matching_gain,
)
from extrapcli.extrapolators.recall.material import Material
from extrapcli.extrapolators.recall.playhead import Playhead, mix

AROUND_SECONDS = 0.4
LEAST_STAY_SECONDS = 0.25  # in the song, before it ends
QUIET_FRAMES, FADE_FRAMES = 8, 4
WORD_SECONDS = 0.5  # how much earlier a jump is moved so that it cuts no word
AUDIBILITY_WEIGHT = 0.06
SAME_CUT = 0.2  # costs of cut words that differ by less are the same


@dataclass(frozen=True)
class AlignedJump:
    """A jump brought to the sample, and how audible it is.

    Attributes:
        departure: the sample of the track at which the jumping playheads leave.
        splice: where in the song they land, and the crossfade.
        gains: for each jumping playhead, what brings it to the level that it had.
        flux_percentile, level_percentile: the join's onset strength and level step among the song's beats, 0 to 100.
    """

    departure: int
    splice: Splice
    gains: tuple[float, ...]
    flux_percentile: float
    level_percentile: float

    @property
    def cost(self) -> float:
        """What it costs that the join is more audible than half of the song's beats."""
        above = max(0.0, self.flux_percentile - 50) + max(0.0, self.level_percentile - 50)
        return AUDIBILITY_WEIGHT * above


def align_jump(
    material: Material,
    playheads: list[Playhead],
    jumping: list[Playhead],
    departure: int,
    target: int,
    *,
    fixed: bool,
    fade_seconds: float | None,
    keep_levels: bool = False,
    after: int = 0,
) -> AlignedJump:
    """Align a jump of some playheads, from a sample of the track to a sample of the song.

    The target is shifted so that the beat continues, unless it is `fixed` relative to the departure. Then both move
    earlier, to where they cut no word and there is no onset on either side; the crossfade begins `after` a sample of
    the track. Gains bring both sides to one level, unless `keep_levels` forbids it.
    """
    rate = material.song.sample_rate
    together = len(jumping) == len(playheads)
    if not fixed:
        target += _beat_shift(material, playheads, jumping, departure, target)
        latest = material.bounds.end - round(LEAST_STAY_SECONDS * rate)
        target = max(material.bounds.begin, min(target, latest))
    room = departure - max(after, *(playhead.jumped_at for playhead in playheads))
    spare = max(0, room - round(MIN_FADE_SECONDS * rate))
    earlier = min(_earlier(material, jumping[0].song_sample(departure), target), spare, target)
    departure, target = departure - earlier, target - earlier
    longest = round(max(MAX_FADE_SECONDS, fade_seconds or 0) * rate)
    longest = min(longest, room - earlier, *(playhead.song_sample(departure) for playhead in playheads))
    old = mix([playhead.render(departure - longest, departure) for playhead in jumping])
    new = material.song.samples if together else jumping[0].layer.samples
    signs = material.analysis.downmix.at(target)
    splice = find_splice(old, new, target, rate, signs=signs, fade_seconds=fade_seconds, fixed=fixed)
    before = departure - round(LEVEL_SECONDS * rate)
    gains = tuple(
        matching_gain(playhead.render(before, departure), playhead.layer.samples[splice.target :], rate)
        for playhead in jumping
    )
    if keep_levels:
        gains = (1.0,) * len(jumping)
    percentiles = _percentiles(material, playheads, jumping, departure, splice, gains)
    return AlignedJump(departure, splice, gains, *percentiles)


def _beat_shift(
    material: Material, playheads: list[Playhead], jumping: list[Playhead], departure: int, target: int
) -> int:
    """Return the samples by which to shift a target so that the beat continues.

    The beat is that of a playhead that plays on, if there is one, or what was heard before the jump.
    """
    staying = [playhead for playhead in playheads if playhead not in jumping]
    reference = (staying or jumping)[0].song_sample(departure)
    around = range(2 * PER_SECOND) if staying else range(-3 * PER_SECOND // 2, PER_SECOND // 2)
    if not staying and reference >= material.bounds.end:
        around = range(-2 * PER_SECOND, 0)
    per_sample = PER_SECOND / material.song.sample_rate
    strength = material.features.onset_strength
    shift = beat_shift(strength, round(reference * per_sample), round(target * per_sample), around)
    return round(shift / per_sample)


def _earlier(material: Material, source: int, target: int) -> int:
    """Return how many samples earlier a jump between two samples of the song is heard least.

    That is where it cuts no word, up to 0.5 s earlier, and then, within 0.1 s, where the onsets on both sides are
    weakest. The end of a song that is cut off is left at most 0.1 s earlier.
    """
    strength, voice, rate = material.features.onset_strength, material.analysis.voice, material.song.sample_rate
    reach = round(WORD_SECONDS * PER_SECOND) if source < material.bounds.end else QUIET_FRAMES
    shifts = np.arange(reach)
    ends = np.array([source, target]) * PER_SECOND / rate
    cut = voice.cut_cost((ends[:, None] - shifts) / PER_SECOND - MIN_FADE_SECONDS / 2).sum(axis=0)
    first = int(np.argmax(cut <= cut.min() + SAME_CUT))
    shifts = first + np.flatnonzero(cut[first : first + QUIET_FRAMES] <= cut.min() + SAME_CUT)
    fade = np.arange(-FADE_FRAMES, 1)
    at = np.clip(np.rint(ends).astype(int)[:, None, None] - shifts[:, None] + fade, 0, len(strength) - 1)
    strongest = strength[at].max(axis=(0, 2))
    return round(int(shifts[np.argmin(strongest)]) * rate / PER_SECOND)


def _percentiles(
    material: Material,
    playheads: list[Playhead],
    jumping: list[Playhead],
    departure: int,
    splice: Splice,
    gains: tuple[float, ...],
) -> tuple[float, float]:
    """Return the percentiles of a join's onset strength and level step among the song's beats.

    They are measured on the mix of all layers, rendered at the network's rate for 0.4 s on either side.
    """
    rate = material.mono_rate
    around = round(AROUND_SECONDS * rate)
    fade = Fade(min(material.mono_sample(splice.fade.samples), around), splice.fade.curve)
    layers = []
    for playhead in playheads:
        left = material.mono_sample(playhead.song_sample(departure))
        mono = playhead.layer.mono[:, None]
        before, after = mono[max(0, left - around) : left], mono[left : left + around]
        if playhead in jumping:
            target = material.mono_sample(splice.target)
            gain = np.float32(gains[jumping.index(playhead)])
            before = join(before, mono[target - fade.samples : target] * gain, fade)
            after = mono[target : target + around] * gain
        layers.append(np.pad(np.concatenate([before, after])[:, 0], (around - len(before), around - len(after))))
    begin = round((around - fade.samples) / rate * PER_SECOND)
    end = round(around / rate * PER_SECOND)
    return material.onsets.percentiles(short_time_features(np.sum(layers, axis=0), rate), begin, end)
