"""A song as the reference that tracks are measured against: it is analysed once, then each track compared with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.resample import resample
from extrapcli.audio.song import Samples
from extrapcli.continuation import Join
from extrapcli.evaluation import copying, harmony, level, mood, rhythm
from extrapcli.evaluation.join_audibility import PER_SECOND, Curves, join_moments, join_percentiles
from extrapcli.evaluation.results import MeasuredJoin
from extrapcli.evaluation.self_repetition import RATE, self_repetition
from extrapcli.evaluation.tagger import Tagger, Tagging

PREDICTED_SECONDS = 10
MOST_PATCHES = 20  # of three seconds: a minute, spread over the whole, says what it sounds like
CLICK_MARGIN_DECIBELS = 6.0

Values = dict[str, float | None]
"""The values of the measures by name; None where a measure has none."""


@dataclass(frozen=True)
class Measured:
    """A track measured: the values, its joins, and each window of the continuation against the song."""

    values: Values
    joins: list[MeasuredJoin]
    windows: level.Differences


class Reference:
    """A song `(n, channels)`, analysed once, that any number of tracks at the same rate can be measured against."""

    def __init__(self, song: Samples, sample_rate: int, tagger: Tagger, *, layout: int = 0) -> None:
        self.sample_rate, self.tagger, self.layout = sample_rate, tagger, layout
        sound = song.mean(axis=1, dtype=np.float32)
        self._rms = float(np.sqrt(np.square(sound, dtype=np.float64).mean()))
        self._curves = Curves.of(sound, sample_rate, level=self._rms)
        self._tempo = rhythm.tempo(self._curves.flux)
        self.levels = level.Levels.of(song, sample_rate, layout=layout)
        self._mono = mono(song, sample_rate)
        self._tuning = harmony.tuning_of(self._mono)
        self._chroma = harmony.chroma(self._mono, tuning=self._tuning)
        self._tagging = self._tag(self._mono)

    def measure(self, track: Samples, head: int, joins: Sequence[Join], truth: Samples | None = None) -> Measured:
        """Take every measure of a track `(m, channels)` whose first `head` samples are the song's.

        `truth` is what really followed the head, as far as it is known.
        """
        head_seconds = head / self.sample_rate
        curves = Curves.of(track.mean(axis=1, dtype=np.float32), self.sample_rate, level=self._rms)
        sound = mono(track, self.sample_rate)
        made = sound[round(head_seconds * RATE) :]
        after = slice(round(head_seconds * PER_SECOND), None)
        measured_joins = [self._measure_join(curves, join) for join in joins]
        windows = level.differences(self.levels, level.Levels.of(track[head:], self.sample_rate, layout=self.layout))
        chroma = harmony.chroma(made, tuning=self._tuning)
        repetition = self_repetition(sound, head_seconds)
        copied = copying.copies(self._mono, made)
        tagging, names = self._tag(made), self.tagger.names
        values = {
            "join_sharpness": _mean([join.sharpness_percentile for join in measured_joins]),
            "join_flux": _mean([join.flux_percentile for join in measured_joins]),
            "join_level_step": _mean([join.level_percentile for join in measured_joins]),
            "clicks_per_minute": self._clicks_per_minute(curves, after, joins),
            "max_loudness_difference": float(np.abs(windows.loudness).max()),
            "loudness_drift": level.drift(windows.loudness),
            "collapsed_share": 100 * level.collapsed_share(windows.loudness),
            "flatness_drift": level.drift(windows.flatness),
            "rolloff_drift": level.drift(windows.rolloff),
            "chroma_similarity": harmony.chroma_similarity(self._chroma, chroma),
            "key_similarity": harmony.key_similarity(self._chroma, chroma),
            "tempo_ratio": rhythm.tempo_ratio(self._tempo, rhythm.tempo(curves.flux[after])),
            "beat_error": _mean([join.beat_error for join in measured_joins if join.beat_error is not None]),
            "copied_share": 100 * copied.share,
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
        return Measured(values, measured_joins, windows)

    def _tag(self, sound: NDArray[np.float32]) -> Tagging:
        return self.tagger.tag(sound, RATE, most=MOST_PATCHES)

    def _measure_join(self, curves: Curves, join: Join) -> MeasuredJoin:
        ranks = join_percentiles(self._curves, curves, join.seconds, join.fade_seconds)
        error = rhythm.beat_error(self._tempo, curves.flux, join.seconds, join.seconds + join.fade_seconds)
        return MeasuredJoin(join.seconds, join.fade_seconds, *ranks, error)

    def _clicks_per_minute(self, curves: Curves, after: slice, joins: Sequence[Join]) -> float:
        """Count moments, not at joins, that are 6 dB sharper than any in the song."""
        sharp = curves.sharpness > self._curves.sharpness.max() + CLICK_MARGIN_DECIBELS
        for join in joins:
            begin, end = join_moments(join.seconds, join.fade_seconds)
            sharp[max(0, begin) : end] = False
        sharp = sharp[after]
        return float((np.diff(sharp.astype(np.int8), prepend=0) == 1).sum() / len(sharp) * PER_SECOND * 60)

    def _mean_squared_error(self, continuation: Samples, truth: Samples) -> float:
        """Compare the next ten seconds in mono, in units of the variance of the true ones."""
        size = PREDICTED_SECONDS * self.sample_rate
        made, true = mono(continuation[:size], self.sample_rate), mono(truth[:size], self.sample_rate)
        size = min(len(made), len(true))
        return float(np.square(made[:size] - true[:size]).mean() / max(float(true[:size].var()), 1e-12))


def mono(samples: Samples, sample_rate: int) -> NDArray[np.float32]:
    """Mix `(n, channels)` down and resample it to 22050 Hz, `(n',)`."""
    mixed = samples.mean(axis=1, keepdims=True, dtype=np.float32)
    return resample(mixed, from_rate=sample_rate, to_rate=RATE)[:, 0]


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
