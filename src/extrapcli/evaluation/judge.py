"""All measures of one track: the song's own ways are heard once, then each track is held against them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.resample import resample
from extrapcli.audio.song import Samples
from extrapcli.evaluation import copying, harmony, mood, rhythm
from extrapcli.evaluation.circles import RATE, circles
from extrapcli.evaluation.evaluation import JoinReading
from extrapcli.evaluation.level import Levels, departures
from extrapcli.evaluation.seams import AROUND_SECONDS, PER_SECOND, Moments, seam
from extrapcli.evaluation.tagger import Heard, Tagger

Values = dict[str, float | None]
Joins = list[tuple[float, float]]
"""The second at which each crossfade begins, and how long it lasts."""

Sound = NDArray[np.float32]

PREDICTED_SECONDS = 10
MOST_PATCHES = 20  # of three seconds: a minute, spread over the whole, says what it sounds like
CLICK_MARGIN_DECIBELS = 6.0


def mono(samples: Samples, sample_rate: int, rate: int = RATE) -> Sound:
    """Mix `(n, channels)` down to `(n',)` at `rate`."""
    mixed = samples.mean(axis=1, keepdims=True, dtype=np.float32)
    return resample(mixed, from_rate=sample_rate, to_rate=rate)[:, 0]


@dataclass(frozen=True)
class Ways:
    """What a stretch of sound is like as a whole."""

    levels: Levels
    chroma: NDArray[np.float64]
    heard: Heard

    @classmethod
    def of(cls, samples: Samples, sample_rate: int, sound: Sound, tagger: Tagger) -> "Ways":
        """Hear `(n, channels)`; `sound` is the same mixed down."""
        return cls(
            Levels.of(samples, sample_rate), harmony.chroma(sound), tagger.hear(sound, RATE, most=MOST_PATCHES)
        )


class Judge:
    """Holds tracks against a song, `(n, channels)`."""

    def __init__(self, song: Samples, sample_rate: int, tagger: Tagger) -> None:
        self.sample_rate, self.tagger = sample_rate, tagger
        self._sound = song.mean(axis=1, dtype=np.float32)
        self._level = float(np.sqrt(np.square(self._sound, dtype=np.float64).mean()))
        self._mono = mono(song, sample_rate)
        self._moments = Moments.of(self._sound, sample_rate, level=self._level)
        self._tempo = rhythm.tempo(self._moments.flux)
        self.ways = Ways.of(song, sample_rate, self._mono, tagger)

    def judge(
        self, track: Samples, head: int, joins: Joins, truth: Samples | None = None
    ) -> tuple[Values, list[JoinReading]]:
        """Take every measure of a track `(m, channels)` whose first `head` samples are the song's.

        `truth` is what really followed the head, as far as it is known.
        """
        continuation, begin = track[head:], head / self.sample_rate
        moments = Moments.of(track.mean(axis=1, dtype=np.float32), self.sample_rate, level=self._level)
        sound = mono(track, self.sample_rate)
        made_sound = sound[round(begin * RATE) :]
        ways = Ways.of(continuation, self.sample_rate, made_sound, self.tagger)
        readings = [self._join(moments, seconds, fade) for seconds, fade in joins]
        away = departures(self.ways.levels, ways.levels)
        after = slice(round(begin * PER_SECOND), None)
        round_about = circles(sound, begin)
        copied = copying.copies(self._mono, made_sound)
        names = self.tagger.names
        song, made = self.ways.heard, ways.heard
        return {
            "joins_click": _mean([reading.click_percentile for reading in readings]),
            "joins_flux": _mean([reading.flux_percentile for reading in readings]),
            "joins_level": _mean([reading.level_percentile for reading in readings]),
            "clicks": self._clicks(moments, after, joins),
            "loudness_departure": away.largest,
            "loudness_drift": away.loudness_drift,
            "collapsed": 100 * away.collapsed,
            "flatness_drift": away.flatness_drift,
            "bandwidth_drift": away.bandwidth_drift,
            "chroma_similarity": harmony.chroma_similarity(self.ways.chroma, ways.chroma),
            "key_similarity": harmony.key_similarity(self.ways.chroma, ways.chroma),
            "tempo_ratio": rhythm.tempo_ratio(self._tempo, rhythm.tempo(moments.flux[after])),
            "beat_error": _mean([reading.beat_error for reading in readings if reading.beat_error is not None]),
            "copied": 100 * copied.share,
            "longest_copy": copied.longest_run,
            "comes_back": 100 * round_about.comes_back,
            "returns_after": round_about.returns_after,
            "loops": 100 * round_about.loops,
            "longest_loop": round_about.longest_loop,
            "timbre": mood.embedding_distance(song, made),
            "tags": 100 * mood.tag_distance(song, made, names),
            "mood": 100 * mood.mood_distance(song, made, names),
            "squared_error": None if truth is None else self._squared_error(continuation, truth),
        }, readings

    def _join(self, moments: Moments, seconds: float, fade_seconds: float) -> JoinReading:
        found = seam(self._moments, moments, seconds, fade_seconds)
        error = rhythm.beat_error(self._tempo, moments.flux, seconds, seconds + fade_seconds)
        return JoinReading(seconds, fade_seconds, found.click, found.flux, found.level, error)

    def _clicks(self, moments: Moments, after: slice, joins: Joins) -> float:
        """Moments a minute, not at joins, that stand out 6 dB more from linear prediction than any in the song."""
        sharp = moments.clicks > self._moments.clicks.max() + CLICK_MARGIN_DECIBELS
        for seconds, fade in joins:
            begin, end = seconds - AROUND_SECONDS, seconds + fade + AROUND_SECONDS
            sharp[max(0, round(begin * PER_SECOND)) : round(end * PER_SECOND) + 1] = False
        sharp = sharp[after]
        return float((np.diff(sharp.astype(np.int8), prepend=0) == 1).sum() / len(sharp) * PER_SECOND * 60)

    def _squared_error(self, continuation: Samples, truth: Samples) -> float:
        """The mean squared error of the next ten seconds of mono, in units of the true ones' variance."""
        made, true = (
            mono(x[: PREDICTED_SECONDS * self.sample_rate], self.sample_rate) for x in (continuation, truth)
        )
        size = min(len(made), len(true))
        return float(np.square(made[:size] - true[:size]).mean() / max(float(true[:size].var()), 1e-12))


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
