"""The rhythm of a melody heard in a recording: its tempo, where sixteenths and bars lie, and its notes on that grid.

The tempo is found here rather than with librosa, whose estimates are right less often for the onsets of one voice
and whose first call compiles for a quarter of a minute: docs/melody.md has the figures.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extrapcli.melody.encoding import DURATIONS, METRES, STEPS_PER_QUARTER, Note
from extrapcli.melody.extraction import NoteEvent

CURVE_RATE = 100  # Hz, of the onset curve
SLOWEST, FASTEST, USUAL = 40.0, 240.0, 120.0  # quarters a minute
LAG_WEIGHTS = {0.25: 0.3, 0.5: 0.5, 1: 1.0, 2: 0.5, 4: 0.5}  # by the length of the lag in quarters
TEMPO_RANGE = 0.04  # the tempo of an excerpt differs from that of the whole melody by no more than this share
PAUSE_STEPS = 2  # a shorter silence after a note is counted as part of it


class BeatGrid(NamedTuple):
    step: float  # length of a sixteenth in seconds
    bar_start: float  # where a bar begins, in seconds
    alignment: float  # 0 to 1: how close the onsets are to the grid


def estimate_tempo(melody: list[NoteEvent]) -> float:
    """Estimate the tempo in quarters a minute, 40 to 240, from the autocorrelation of the onsets.

    A tempo scores the weighted sum of the autocorrelation at the lags of its sixteenth, eighth, quarter, half and
    whole note, times a bell curve over octaves around 120 (Ellis 2007, doi 10.1080/09298210701653344).
    """
    curve = np.zeros(round(melody[-1].begin * CURVE_RATE) + CURVE_RATE)
    np.add.at(curve, [round(note.begin * CURVE_RATE) for note in melody], 1)
    curve = np.convolve(curve, np.hanning(9), "same")
    spectrum = np.fft.rfft(curve - curve.mean(), 2 * len(curve))
    autocorrelation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(curve)]
    tempi = np.geomspace(SLOWEST, FASTEST, 600)
    lags = 60 * CURVE_RATE / tempi
    scores = sum(
        weight * np.interp(quarters * lags, np.arange(len(curve)), autocorrelation, right=0)
        for quarters, weight in LAG_WEIGHTS.items()
    )
    return float(tempi[np.argmax(scores * np.exp(-0.5 * np.log2(tempi / USUAL) ** 2))])


def fit_grid(melody: list[NoteEvent], tempo: float, metre: str) -> BeatGrid:
    """Fit a grid of sixteenths to the onsets of an excerpt, and choose where its bars begin.

    Each onset is a unit vector whose angle is its phase within a step, weighted by its confidence. The step near
    `tempo` whose vectors have the longest mean is taken. A bar begins where the strong beats get the longest notes.
    """
    onsets, confidence = np.array([note.begin for note in melody]), np.array([note.confidence for note in melody])
    steps = 60 / tempo / STEPS_PER_QUARTER * np.linspace(1 - TEMPO_RANGE, 1 + TEMPO_RANGE, 81)
    means = np.exp(2j * np.pi * onsets / steps[:, None]) @ confidence / confidence.sum()
    best = int(np.abs(means).argmax())
    step, phase = float(steps[best]), float(np.angle(means[best]) / (2 * np.pi))
    positions = np.round(onsets / step - phase).astype(int)
    lengths = np.minimum(np.diff(positions, append=positions[-1] + METRES[metre] // 2), METRES[metre])
    weights = _metrical_weights(metre)
    scores = [
        (weights[(positions - shift) % METRES[metre]] * lengths * confidence).sum() for shift in range(METRES[metre])
    ]
    return BeatGrid(step, (phase + int(np.argmax(scores))) * step, float(np.abs(means[best])))


def quantize(melody: list[NoteEvent], grid: BeatGrid) -> tuple[int, tuple[Note, ...]]:
    """Round note events to the grid; give the step of the first, counted from a bar's beginning, and the notes.

    Onsets go to the nearest step; of two on one step the more confident stays. A note gets the length in DURATIONS
    that is nearest and leaves room for the next; the remaining steps are rests.
    """
    by_step: dict[int, NoteEvent] = {}
    for note in melody:
        step = round((note.begin - grid.bar_start) / grid.step)
        if step not in by_step or by_step[step].confidence < note.confidence:
            by_step[step] = note
    steps = sorted(by_step)
    notes: list[Note] = []
    for step, next_step in zip(steps, [*steps[1:], None], strict=True):
        note = by_step[step]
        length = max(1, round((note.end - grid.bar_start) / grid.step) - step)
        if next_step is not None and next_step - step - length < max(PAUSE_STEPS, length):
            length = next_step - step
        room = max(DURATIONS) if next_step is None else next_step - step
        notes.append(Note(note.pitch, _nearest_duration(length, room)))
        rest = room - notes[-1].steps if next_step is not None else 0
        while rest:
            notes.append(Note(None, _nearest_duration(rest, rest)))
            rest -= notes[-1].steps
    return steps[0], tuple(notes)


def _nearest_duration(length: int, room: int) -> int:
    """Of two that are equally near, take the longer: notes are played shorter than they are written."""
    return min((d for d in DURATIONS if d <= room), key=lambda d: (abs(d - length), -d))


def _metrical_weights(metre: str) -> NDArray[np.floating]:
    """Weigh each step of a bar by the number of levels of the metre that have a unit beginning there."""
    above, below = map(int, metre.split("/"))
    bar = METRES[metre]
    levels = {bar, bar if above % 2 else bar // 2, 16 // below, 2}
    return np.array([sum(step % level == 0 for level in levels) for step in range(bar)], float)
