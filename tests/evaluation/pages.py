"""Pages of reports for tests, and a real browser without a network to open them in."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Page

from extrapcli.audio.song import Song
from extrapcli.evaluation.measures import CONTROLS, Measure
from extrapcli.evaluation.report.page import page
from extrapcli.evaluation.results import Evaluation, MeasuredJoin, MeasureResult

MEASURES = [
    MeasureResult(
        Measure("drift", "level", "Drift", "LU", 1, "low", "The loudness drifts by {}."),
        1.25,
        dict(zip(CONTROLS, (0.5, 1.0, 40.0, None), strict=True)),
    ),
    MeasureResult(Measure("loops", "copying", "Loops", "%", 0, "middle", "It spends {} in loops.", 7.0), 12.0, {}),
    MeasureResult(Measure("error", "prediction", "Error", "dB", 2, "high", "It errs by {}."), None, {}),
]


@dataclass(frozen=True)
class Example:
    evaluation: Evaluation
    song: Song
    track: Song

    def html(self, **changes: Any) -> str:
        return page(replace(self.evaluation, **changes), self.song, self.track)


def example(song: Song, track: Song, head_seconds: float, joins: list[MeasuredJoin]) -> Example:
    loudness: list[float | None] = [-14.0 - k % 5 for k in range(int(track.seconds))]
    loudness[3:5] = [None, None]
    evaluation = Evaluation(
        song=song.name,
        track=track.name,
        sample_rate=song.sample_rate,
        song_seconds=song.seconds,
        track_seconds=track.seconds,
        head_seconds=head_seconds,
        song_loudness=-15.2,
        short_term_loudness=loudness,
        windows=[],
        joins=joins,
        measures={result.measure.name: result for result in MEASURES},
        versions={"extrap": "0.1.0"},
    )
    return Example(evaluation, song, track)


@dataclass
class Opened:
    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def time(self) -> float:
        return float(self.page.evaluate("document.getElementById('track').currentTime"))

    def note_starts(self) -> None:
        """Keep the positions that the track is sent to, however late anyone looks."""
        self.page.evaluate(
            "() => { window.starts = []; const track = document.getElementById('track');"
            " track.addEventListener('seeking', () => starts.push(track.currentTime)); }"
        )

    def starts(self) -> list[float]:
        return [float(position) for position in self.page.evaluate("starts")]

    def wait(self, condition: str) -> None:
        self.page.wait_for_function(
            f"() => {{ const track = document.getElementById('track'); return {condition}; }}"
        )


class Open(Protocol):
    """Opens a page in a window of some width, in pixels."""

    def __call__(self, path: Path = ..., width: int = ...) -> Opened: ...
