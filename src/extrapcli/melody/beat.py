"""The beat of a line: its tempo, where the sixteenths and the bars lie, and the tune on that grid."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extrapcli.melody.encoding import DURATIONS, METRES, STEPS_PER_QUARTER, Note
from extrapcli.melody.line import Sung

PER_SECOND = 100  # of the curve that the tempo is found in
SLOWEST, FASTEST, USUAL = 40.0, 240.0, 120.0  # quarters a minute
PARTS = {0.25: 0.3, 0.5: 0.5, 1: 1.0, 2: 0.5, 4: 0.5}  # quarters, and how much a likeness at that lag says
SEARCH = 0.04  # the tempo of a stretch lies within this share of the whole line's
PAUSE_STEPS = 2  # a silence shorter than this after a note belongs to it


class Grid(NamedTuple):
    step: float  # seconds of a sixteenth
    begin: float  # seconds, where a bar begins
    fit: float  # 0 to 1: how near the onsets lie to it


def tempo(line: list[Sung]) -> float:
    """Quarters a minute, 40 to 240: the lag at which the onsets are most like themselves.

    The autocorrelation counts at the lags of a sixteenth, an eighth, a quarter, a half and a whole together, weighted
    by a bell over octaves around 120 (Ellis 2007).
    """
    curve = np.zeros(round(line[-1].begin * PER_SECOND) + PER_SECOND)
    np.add.at(curve, [round(note.begin * PER_SECOND) for note in line], 1)
    curve = np.convolve(curve, np.hanning(9), "same")
    spectrum = np.fft.rfft(curve - curve.mean(), 2 * len(curve))
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)[: len(curve)]
    per_minute = np.geomspace(SLOWEST, FASTEST, 600)
    lags = 60 * PER_SECOND / per_minute
    strengths = sum(w * np.interp(part * lags, np.arange(len(curve)), likeness, right=0) for part, w in PARTS.items())
    return float(per_minute[np.argmax(strengths * np.exp(-0.5 * np.log2(per_minute / USUAL) ** 2))])


def find_grid(line: list[Sung], tempo: float, metre: str) -> Grid:
    """The sixteenths that the onsets of a stretch lie nearest to, and among them the beginning of a bar.

    Steps come from the longest mean of the onsets' phases, surer ones counting for more. A bar begins where the
    strong places of its metre get the longest notes.
    """
    onsets, sure = np.array([note.begin for note in line]), np.array([note.sure for note in line])
    steps = 60 / tempo / STEPS_PER_QUARTER * np.linspace(1 - SEARCH, 1 + SEARCH, 81)
    means = np.exp(2j * np.pi * onsets / steps[:, None]) @ sure / sure.sum()
    best = int(np.abs(means).argmax())
    step, phase = float(steps[best]), float(np.angle(means[best]) / (2 * np.pi))
    places = np.round(onsets / step - phase).astype(int)
    lengths = np.minimum(np.diff(places, append=places[-1] + METRES[metre] // 2), METRES[metre])
    strength = _strength(metre)
    shifts = np.arange(METRES[metre])
    fits = [(strength[(places - shift) % METRES[metre]] * lengths * sure).sum() for shift in shifts]
    return Grid(step, (phase + int(np.argmax(fits))) * step, float(np.abs(means[best])))


def on_grid(line: list[Sung], grid: Grid) -> tuple[int, tuple[Note, ...]]:
    """The step of the first note, counted from where a bar begins, and the notes from there on.

    Onsets go to the nearest step, and of two on the same the surer stays. A note lasts as long as one of DURATIONS
    that leaves room for the next; what is left is rest.
    """
    placed: dict[int, Sung] = {}
    for note in line:
        step = round((note.begin - grid.begin) / grid.step)
        if step not in placed or placed[step].sure < note.sure:
            placed[step] = note
    steps = sorted(placed)
    notes: list[Note] = []
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        note = placed[step]
        length = max(1, round((note.end - grid.begin) / grid.step) - step)
        if after is not None and after - step - length < max(PAUSE_STEPS, length):
            length = after - step
        room = max(DURATIONS) if after is None else after - step
        held = _nearest(length, room)
        notes.append(Note(note.pitch, held))
        rest = room - held if after is not None else 0
        while rest:
            notes.append(Note(None, _nearest(rest, rest)))
            rest -= notes[-1].steps
    return steps[0], tuple(notes)


def _nearest(length: int, room: int) -> int:
    """Of two as near, the longer: notes are played shorter than they are written."""
    return min((d for d in DURATIONS if d <= room), key=lambda d: (abs(d - length), -d))


def _strength(metre: str) -> NDArray[np.floating]:
    """How strong each step of a bar is: the number of levels of the metre that it begins a unit of."""
    above, below = map(int, metre.split("/"))
    bar = METRES[metre]
    levels = {bar, bar if above % 2 else bar // 2, 16 // below, 2}
    return np.array([sum(step % level == 0 for level in levels) for step in range(bar)], float)
