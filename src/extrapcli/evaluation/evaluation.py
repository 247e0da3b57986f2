"""What an evaluation says: the readings of every measure beside its controls, and what is known of each join."""

import json
import math
from dataclasses import asdict, dataclass

CONTROLS = ("true continuation", "loop", "silence", "noise")


@dataclass(frozen=True)
class Measure:
    """A measure of a track, as it is told to people; the function that takes it has the definition.

    `better` says what a good value is: "low", "high", or "middle", as near to `ideal` as possible. The `sentence`
    is for a reader who is no engineer, and has one `{}` for the value with its unit.
    """

    name: str
    group: str  # seams, level, harmony and rhythm, copying, timbre and mood, prediction
    title: str
    unit: str
    decimals: int
    better: str
    sentence: str
    ideal: float = 0.0
    orders: tuple[tuple[str, str], ...] = ()  # of two controls the first must come out better

    def told(self, value: float | None) -> str:
        """A value with its unit, as people read it."""
        if value is None:
            return "none"
        return f"{value:.{self.decimals}f} {self.unit}".rstrip()

    def badness(self, value: float | None) -> float:
        """How bad a value is, for comparing two; none at all is as bad as can be."""
        if value is None:
            return math.inf
        return {"low": value, "high": -value, "middle": abs(value - self.ideal)}[self.better]

    def out_of_order(self, controls: dict[str, float | None]) -> list[tuple[str, str]]:
        """The pairs of controls of which the first did not come out better."""
        return [
            (better, worse)
            for better, worse in self.orders
            if not self.badness(controls[better]) < self.badness(controls[worse])
        ]


@dataclass(frozen=True)
class Reading:
    """The value of a measure on a track, and on each control that it can be taken on; None where it has none."""

    measure: Measure
    value: float | None
    controls: dict[str, float | None]


@dataclass(frozen=True)
class JoinReading:
    """A join of the track; percentiles, 0 to 100, are among the song's own moments, beats from 0 to 0.5."""

    seconds: float
    fade_seconds: float
    click_percentile: float
    flux_percentile: float
    level_percentile: float
    beat_error: float | None

    @property
    def stands_out(self) -> bool:
        return max(self.click_percentile, self.flux_percentile, self.level_percentile) > 99


@dataclass(frozen=True)
class Evaluation:
    """A track judged as a continuation of its song.

    `loudness` is in LUFS, one value every second (3 s windows). `tens` has each ten seconds of the continuation
    against the song: `loudness` in LU, `flatness` in decibels, `bandwidth` in octaves, None where it is silent.
    """

    song: str
    track: str
    sample_rate: int
    song_seconds: float
    track_seconds: float
    head_seconds: float
    song_loudness: float
    loudness: list[float | None]
    tens: list[dict[str, float | None]]
    joins: list[JoinReading]
    readings: list[Reading]
    versions: dict[str, str]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, allow_nan=False)
