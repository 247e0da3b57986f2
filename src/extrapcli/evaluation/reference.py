"""A song as the reference that tracks are measured against: it is analysed once, then each track compared with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.beats import find_beats
from extrapcli.audio.downmix import Downmix, to_mono
from extrapcli.audio.resample import resample
from extrapcli.audio.silence import silence
from extrapcli.audio.song import Samples
from extrapcli.audio.steps import SECOND, Steps
from extrapcli.continuation import Join
from extrapcli.evaluation import copying, harmony, jumps, level, metre, mood, rhythm
from extrapcli.evaluation.join_audibility import LEVEL_MOMENTS, PER_SECOND, Curves, join_moments, join_percentiles
from extrapcli.evaluation.results import MeasuredJoin
from extrapcli.evaluation.self_repetition import RATE, self_repetition
from extrapcli.evaluation.tagger import Tagger, Tagging

PREDICTED_SECONDS = 10
MOST_PATCHES = 20  # of three seconds: a minute, spread over the whole, says what it sounds like
CLICK_MARGIN_DECIBELS = 6.0
SOUNDING = 0.25  # of the time, at least: what rings on for a moment has no notes and no timbre
JUMP_MEASURES = "jumps_per_minute", "off_beat_jumps", "off_bar_jumps", "layers_off_beat", "layers_together"
LAYER_MEASURES = "copied_harmonic_share", "copied_percussive_share"
LEAST_STEPS = SECOND // 2  # that sound; with fewer, nothing can be copied or click

Values = dict[str, float | None]
"""The values of the measures by name; None where a measure has none."""


@dataclass(frozen=True)
class Measured:
    """A track measured: the values, its joins, and each window of the continuation against the song."""

    values: Values
    joins: list[MeasuredJoin]
    windows: level.Differences


class Reference:
    """A song `(n, channels)` without offset, analysed once, that any tracks at its rate can be measured against.

    Where a track is silent against the song, measures have no value, rather than that of a perfect track.
    """

    def __init__(self, song: Samples, sample_rate: int, tagger: Tagger, *, layout: int = 0) -> None:
        self.sample_rate, self.tagger, self.layout = sample_rate, tagger, layout
        steps = Steps.of(song, sample_rate)
        self._silence = silence(steps.power)
        self._sounds = self._sounding(steps.power)
        sound = Downmix.of(steps).mix(song)
        self._rms = float(np.sqrt(np.square(sound, dtype=np.float64).mean()))
        self._curves = Curves.of(sound, sample_rate, level=self._rms)
        self._tempo = rhythm.tempo(self._curves.flux)
        self.levels = level.Levels.of(song, steps, layout=layout, silence=self._silence)
        self._mono = _resampled(sound, sample_rate)
        self._beats = find_beats(self._mono) if self._sounds else None
        self._layers = copying.layers(self._mono) if self._sounds else None
        self._tuning = harmony.tuning_of(self._mono)
        self._chroma = harmony.chroma(self._mono, tuning=self._tuning) if self._sounds else None
        self._tagging = self._tag(self._mono) if self._sounds else None

    def measure(self, track: Samples, head: int, joins: Sequence[Join], truth: Samples | None = None) -> Measured:
        """Take every measure of a track `(m, channels)` whose first `head` samples are the song's.

        `truth` is what really followed the head, as far as it is known.
        """
        head_seconds = head / self.sample_rate
        mixed = to_mono(track, self.sample_rate)
        curves = Curves.of(mixed, self.sample_rate, level=self._rms)
        sound = _resampled(mixed, self.sample_rate)
        made = sound[round(head_seconds * RATE) :]
        after = slice(round(head_seconds * PER_SECOND), None)
        measured_joins = [self._measure_join(curves, join) for join in joins]
        steps = Steps.of(track[head:], self.sample_rate)
        rest = level.Levels.of(track[head:], steps, layout=self.layout, silence=self._silence)
        windows = level.differences(self.levels, rest)
        audible = self._sounds and int((steps.power > self._silence).sum()) >= LEAST_STEPS
        sounding = self._sounds and self._sounding(steps.power)
        chroma = harmony.chroma(made, tuning=self._tuning) if sounding else None
        repetition = self_repetition(sound, head_seconds)
        copied = copying.copies(self._mono, made) if audible else copying.Copies(np.nan, np.nan)
        tagging, names = self._tag(made) if sounding else None, self.tagger.names
        values: Values = {
            "join_sharpness": _mean([join.sharpness_percentile for join in measured_joins]),
            "join_flux": _mean([join.flux_percentile for join in measured_joins]),
            "join_level_step": _mean([join.level_percentile for join in measured_joins]),
            "clicks_per_minute": self._clicks_per_minute(curves, after, joins) if audible else None,
            "max_loudness_difference": level.largest(windows.loudness),
            "loudness_drift": level.drift(windows.loudness),
            "collapsed_share": 100 * level.collapsed_share(windows.loudness),
            "flatness_drift": level.drift(windows.flatness),
            "rolloff_drift": level.drift(windows.rolloff),
            "chroma_similarity": harmony.chroma_similarity(self._chroma, chroma),
            "key_similarity": harmony.key_similarity(self._chroma, chroma),
            "tempo_ratio": rhythm.tempo_ratio(self._tempo, rhythm.tempo(curves.flux[after])),
            "beat_error": _mean([join.beat_error for join in measured_joins]),
            "bar_continuity": _percent(metre.bar_continuity(find_beats(sound), head_seconds)) if sounding else None,
            **self._jumps(joins, len(track) / self.sample_rate),
            "copied_share": 100 * copied.share,
            **self._copied_layers(made if audible else None),
            "longest_copy_seconds": copied.longest_seconds,
            "repeated_within_minute": 100 * repetition.repeated,
            "median_return_seconds": repetition.median_return_seconds,
            "loop_share": 100 * repetition.looped,
            "longest_loop_seconds": repetition.longest_loop_seconds,
            "timbre_distance": mood.embedding_distance(self._tagging, tagging),
            "tag_distance": 100 * mood.tag_distance(self._tagging, tagging, names),
            "mood_distance": 100 * mood.mood_distance(self._tagging, tagging, names),
            "mean_squared_error": None if truth is None else self._mean_squared_error(track[head:], truth),
        }
        known = {name: None if value is None or np.isnan(value) else value for name, value in values.items()}
        return Measured(known, measured_joins, windows)

    def _sounding(self, power: NDArray[np.float64]) -> bool:
        return float((power > self._silence).mean()) >= SOUNDING

    def _tag(self, sound: NDArray[np.float32]) -> Tagging:
        return self.tagger.tag(sound, RATE, most=MOST_PATCHES)

    def _jumps(self, joins: Sequence[Join], end_seconds: float) -> Values:
        found = None if self._beats is None else jumps.measure_jumps(joins, self._beats, end_seconds)
        if found is None:
            return dict.fromkeys(JUMP_MEASURES)
        shares = found.off_beat, found.off_bar, found.layers_off_beat, found.layers_together
        return dict(zip(JUMP_MEASURES, (found.per_minute, *map(_percent, shares)), strict=True))

    def _copied_layers(self, made: NDArray[np.float32] | None) -> Values:
        """Measure what is copied of each layer; nothing where nothing can be heard."""
        if made is None or self._layers is None:
            return dict.fromkeys(LAYER_MEASURES)
        pairs = zip(self._layers, copying.layers(made), strict=True)
        shares = [100 * copying.copies(song, continuation).share for song, continuation in pairs]
        return dict(zip(LAYER_MEASURES, shares, strict=True))

    def _measure_join(self, curves: Curves, join: Join) -> MeasuredJoin:
        """Rank a join; it has no ranks where the song is silent, or the track on both sides of the join."""
        begin, end = join_moments(join.seconds, join.fade_seconds)
        around = curves.power[max(0, begin - LEVEL_MOMENTS) : end + LEVEL_MOMENTS] * self._rms**2
        if not self._sounds or not (around > self._silence).any():
            return MeasuredJoin(join.seconds, join.fade_seconds, None, None, None, None, join.jump, join.sounds)
        ranks = join_percentiles(self._curves, curves, join.seconds, join.fade_seconds)
        error = rhythm.beat_error(self._tempo, curves.flux, join.seconds, join.seconds + join.fade_seconds)
        return MeasuredJoin(join.seconds, join.fade_seconds, *ranks, error, join.jump, join.sounds)

    def _clicks_per_minute(self, curves: Curves, after: slice, joins: Sequence[Join]) -> float:
        """Count moments, not at joins, that are 6 dB sharper than any in the song."""
        sharp = curves.sharpness > self._curves.sharpness.max() + CLICK_MARGIN_DECIBELS
        for join in joins:
            begin, end = join_moments(join.seconds, join.fade_seconds)
            sharp[max(0, begin) : end] = False
        sharp = sharp[after]
        return float((np.diff(sharp.astype(np.int8), prepend=0) == 1).sum() / len(sharp) * PER_SECOND * 60)

    def _mean_squared_error(self, continuation: Samples, truth: Samples) -> float | None:
        """Compare the next ten seconds in mono, in units of the true ones' variance; None if these are silent."""
        size = min(PREDICTED_SECONDS * self.sample_rate, len(continuation), len(truth))
        steps = Steps.of(truth[:size], self.sample_rate)
        if not (steps.power > self._silence).any():
            return None
        downmix = Downmix.of(steps)
        made, true = (_resampled(downmix.mix(sound[:size]), self.sample_rate) for sound in (continuation, truth))
        return float(np.square(made - true).mean() / true.var())


def mono(samples: Samples, sample_rate: int) -> NDArray[np.float32]:
    """Mix `(n, channels)` down and resample it to 22050 Hz, `(n',)`."""
    return _resampled(to_mono(samples, sample_rate), sample_rate)


def _resampled(sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    return resample(sound[:, None], from_rate=sample_rate, to_rate=RATE)[:, 0]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _mean(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return float(np.mean(measured)) if measured else None
