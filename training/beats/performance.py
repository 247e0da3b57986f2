"""Performances: notes in beats become MIDI messages in seconds, with a tempo and the small errors of players."""

from typing import NamedTuple

import mido
import numpy as np
from numpy.typing import NDArray

DRUM_CHANNEL = 9


class Note(NamedTuple):
    """A note: when it begins and how long it lasts, in beats; MIDI pitch, velocity and channel."""

    begin: float
    length: float
    pitch: int
    velocity: int
    channel: int


def clock(beats: int, tempo: float, kind: str, metre: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the times of `beats` beats in seconds, at a tempo that is steady, drifts, is rubato, or changes once."""
    seconds = np.full(beats, 60 / tempo)
    if kind == "drift":
        seconds *= np.exp(0.006 * np.cumsum(rng.normal(size=beats)))
    elif kind == "rubato":
        phrase = metre * int(rng.choice([4, 8]))
        seconds *= np.exp(0.03 * rng.normal(size=beats))
        seconds *= 1 + 0.25 * np.clip((np.arange(beats) % phrase) / phrase - 0.75, 0, None) * 4 * rng.random()
    elif kind == "change":
        bars = beats // metre
        seconds[metre * int(rng.integers(bars // 3, 2 * bars // 3 + 1)) :] *= float(
            rng.choice([0.8, 0.85, 0.9, 1.1, 1.2, 1.3])
        )
    return np.concatenate([[0.0], np.cumsum(seconds)[:-1]])


def perform(
    notes: list[Note], times: NDArray[np.float64], programs: dict[int, int], volumes: dict[int, int],
    rng: np.random.Generator, *, swing: float = 0.5, jitter_seconds: float = 0.005,
) -> list[tuple[float, mido.Message]]:  # fmt: skip
    """Play notes by a clock: `times` `(n,)` are those of beats 0 to n - 1.

    `programs` are the instruments of channels, `volumes` their volumes. `swing` is where in a beat its second half
    begins. Beats before 0 and after the last are as long as the first and the last.
    """
    messages = [(0.0, mido.Message("program_change", channel=c, program=program)) for c, program in programs.items()]
    messages += [(0.0, mido.Message("control_change", channel=c, control=7, value=v)) for c, v in volumes.items()]
    for note in notes:
        begin = _seconds(_swung(note.begin, swing), times) + abs(rng.normal()) * jitter_seconds
        end = max(begin + 0.05, _seconds(_swung(note.begin + note.length, swing), times))
        on = mido.Message("note_on", note=note.pitch, velocity=min(max(note.velocity, 1), 127), channel=note.channel)
        messages += [(max(begin, 0), on), (max(end, 0), on.copy(velocity=0))]
    return messages


def _swung(beat: float, swing: float) -> float:
    whole, part = divmod(beat, 1)
    return whole + (part * 2 * swing if part < 0.5 else swing + (part - 0.5) * 2 * (1 - swing))


def _seconds(beat: float, times: NDArray[np.float64]) -> float:
    last = len(times) - 1
    if beat < 0:
        return float(times[0] + beat * (times[1] - times[0]))
    if beat > last:
        return float(times[-1] + (beat - last) * (times[-1] - times[-2]))
    return float(np.interp(beat, np.arange(last + 1), times))
