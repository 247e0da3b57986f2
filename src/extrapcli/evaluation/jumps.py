"""Jumps: how many there are, and whether they keep the beat and the bar, and the layers together.

All of it comes from the joins, which say where in the song each layer plays, and from the beats of the song. In the
sound of a track, one layer covers the beat of the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Beats
from extrapcli.continuation import Join, positions_of

Array = NDArray[np.float64]

OFF_BEAT, OFF_BAR = 0.12, 0.25  # beats by which a jump misses the same moment of the beat, or of the bar
STEP_SECONDS = 0.1
SAME_POSITION_SECONDS = 0.01
LEAST_BEATS = 8
LEAST_BAR_CONFIDENCE = 0.5


@dataclass(frozen=True)
class JumpMeasures:
    """What the jumps of a track do to the metre of its song.

    Attributes:
        per_minute: how many moments of a minute there are at which something jumps.
        off_beat: the share of jumps, 0 to 1, that land more than 0.12 beat from where in the beat they leave.
        off_bar: the share of jumps that land more than 0.25 beat from where in the bar they leave.
        layers_off_beat: the share of the time in which the beats of two layers are more than 0.12 beat apart.
        layers_together: the share of the time in which all layers play one position of the song.

    Where the song has no clear pulse or no clear bars, what needs them is None.
    """

    per_minute: float
    off_beat: float | None
    off_bar: float | None
    layers_off_beat: float | None
    layers_together: float


def measure_jumps(joins: Sequence[Join], beats: Beats, end_seconds: float) -> JumpMeasures | None:
    """Measure the jumps of a track of `end_seconds` from its joins and the beats of its song; None without jumps."""
    jumped = [(join, join.jump) for join in joins if join.jump is not None]
    if not jumped:
        return None
    begin = jumped[0][0].seconds
    times = np.arange(begin + STEP_SECONDS / 2, end_seconds, STEP_SECONDS)
    positions = positions_of(joins, times)
    off_beat = off_bar = layers_off_beat = None
    if beats.has_pulse and len(beats.times) >= LEAST_BEATS:
        left = np.array([jump.from_seconds for _, jump in jumped])
        landed = np.array([jump.to_seconds for _, jump in jumped])
        off_beat = _share_beyond(OFF_BEAT, _beats(beats, landed) - _beats(beats, left), 1)
        playing = _beats(beats, positions)
        layers_off_beat = _share_beyond(OFF_BEAT, playing[:, None] - playing, 1)
        if beats.bar_confidence >= LEAST_BAR_CONFIDENCE:
            off_bar = _share_beyond(OFF_BAR, _in_bar(beats, landed) - _in_bar(beats, left), beats.metre)
    return JumpMeasures(
        per_minute=60 * len({join.seconds for join, _ in jumped}) / (end_seconds - begin),
        off_beat=off_beat,
        off_bar=off_bar,
        layers_off_beat=layers_off_beat,
        layers_together=float((np.ptp(positions, axis=0) <= SAME_POSITION_SECONDS).mean()),
    )


def _beats(beats: Beats, seconds: Array) -> Array:
    """Count the beats up to moments of the song, with fractions; beyond the ends it goes on at the tempo there."""
    before = np.clip(np.searchsorted(beats.times, seconds, side="right") - 1, 0, len(beats.times) - 2)
    begin = beats.times[before]
    counted: Array = before + (seconds - begin) / (beats.times[before + 1] - begin)
    return counted


def _in_bar(beats: Beats, seconds: Array) -> Array:
    """Return where in their bars moments of the song are, in beats."""
    count = _beats(beats, seconds)
    whole = np.clip(np.floor(count).astype(np.int_), 0, len(beats.times) - 1)
    place: Array = beats.positions[whole] + count - whole
    return place


def _share_beyond(limit: float, distances: Array, cycle: int) -> float:
    """Return the share of moments, the last axis, at which some distance, modulo a cycle, is beyond a limit."""
    away = np.abs((distances + cycle / 2) % cycle - cycle / 2) > limit
    return float(away.reshape(-1, away.shape[-1]).any(axis=0).mean())
