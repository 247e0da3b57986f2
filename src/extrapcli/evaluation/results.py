"""The result of an evaluation: the value of every measure beside its controls, and how audible each join is."""

import json
from dataclasses import asdict, dataclass

from extrapcli.evaluation.measures import Measure
from extrapcli.extrapolators.base import ALL, Jump, Sound
from extrapcli.mood.meter import Mood


@dataclass(frozen=True)
class MeasureResult:
    """The value of a measure for the track and for each control; None where it has none."""

    measure: Measure
    value: float | None
    controls: dict[str, float | None]


@dataclass(frozen=True)
class MeasuredJoin:
    """A join of the track, whose crossfade begins at `seconds`.

    The percentiles, 0 to 100, rank its sharpest sample, its spectral flux and its step of level among all moments of
    the song; None where both sides are silent. `beat_error` is the phase error in beats, 0 to 0.5; None where no beat
    is clear. `jump` says where in the song it goes, if that is known, and `sounds` what is played after it.
    """

    seconds: float
    fade_seconds: float
    sharpness_percentile: float | None
    flux_percentile: float | None
    level_percentile: float | None
    beat_error: float | None
    jump: Jump | None = None
    sounds: tuple[Sound, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether the song never played what follows."""
        return any(sound.layer != ALL for sound in self.sounds)

    @property
    def stands_out(self) -> bool:
        """Whether one of the percentiles is above 99."""
        return max(self.sharpness_percentile or 0, self.flux_percentile or 0, self.level_percentile or 0) > 99


@dataclass(frozen=True)
class Evaluation:
    """A track measured as a continuation of its song.

    `measures` has the results by name: `evaluation.measures["loop_share"].value`. `song_loudness` is the integrated
    loudness of the song in LUFS, `short_term_loudness` that of the 3 s around each second of the track. `windows`
    compares each ten seconds of the continuation with the song: `loudness` in LU, `flatness` in decibels, `rolloff`
    in octaves; None where it is silent. `mood` is the mood that was wanted and reached, if one was asked for.
    """

    song: str
    track: str
    sample_rate: int
    song_seconds: float
    track_seconds: float
    head_seconds: float
    song_loudness: float
    short_term_loudness: list[float | None]
    windows: list[dict[str, float | None]]
    joins: list[MeasuredJoin]
    measures: dict[str, MeasureResult]
    versions: dict[str, str]
    mood: Mood | None = None

    def to_json(self) -> str:
        """Write all of it as a JSON object with the same keys."""
        return json.dumps(asdict(self), indent=2, allow_nan=False)
