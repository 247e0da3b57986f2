"""Beats and bars of a song: a network says how likely a beat is, a decoder finds the beats, and onsets place them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import bar_pointer, networks
from extrapcli.analysis.onsets import to_onsets
from extrapcli.audio.spooled import release
from extrapcli.backends.base import Backend
from extrapcli.spec import BeatsSpec, expect

PULSE = 0.5
"""The least `Beats.confidence` of a song that has a pulse."""

LEAST_BEATS = 4  # in fewer, there is no telling a pulse
SLICE_FRAMES = 200  # what the network is given at once
SILENT_FRAMES = 2  # before the song: until then all that it sees is silence
STRETCH_FRAMES = 2_000  # what is decoded at once: 40 s
OVERLAP_FRAMES = 500  # how far the decoder sees beyond a stretch
FAINT = 1e-4  # power of a frame, against the loudest
SOFTEST, AROUND_FRAMES = 1e-6, 25  # beats are looked for from so long before the first frame of this power on
NEAR_FRAMES = 2  # around a beat: its activation reaches so far
CONTRASTS, CONFIDENCES = (0.1, 0.4, 0.8), (0.0, 0.5, 1.0)  # noise, drones and speech reach 0.34
BAR_MARGINS, BAR_CONFIDENCES = (-0.05, 0.1, 0.15, 0.35, 0.5, 0.9), (0.35, 0.45, 0.68, 0.77, 0.87, 0.9)
SILENT = 1e-10  # power of the loudest frame of a song without sound


@dataclass(frozen=True)
class BarBeat:
    """A beat as musicians count it: the first beat of the first whole bar is 1, 1; bar 0 is an upbeat."""

    bar: int
    beat: int


@dataclass(frozen=True)
class Beats:
    """The beats of a song and their positions in the bar.

    Attributes:
        times: float64 `(n,)`, increasing, in seconds from the beginning of the song.
        positions: `(n,)`; 0 is the first beat of a bar, the downbeat.
        metre: beats in a bar, the most frequent number where it changes; 0 without beats.
        confidence: that there is a pulse, 0 to 1.
        bar_confidence: that the bar lines are right, 0 to 1.
    """

    times: NDArray[np.float64]
    positions: NDArray[np.int_]
    metre: int
    confidence: float
    bar_confidence: float

    @cached_property
    def bpm(self) -> float:
        """The tempo in beats per minute, by the median time between beats; 0 with fewer than two."""
        return 60 / float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0

    @cached_property
    def downbeats(self) -> NDArray[np.float64]:
        """The times of the first beats of bars, in seconds."""
        first: NDArray[np.float64] = self.times[self.positions == 0]
        return first

    def place(self, seconds: float) -> BarBeat:
        """Return the beat that is nearest to a moment; there must be two. After the last, one more would follow."""
        times = np.append(self.times, 2 * self.times[-1] - self.times[-2])
        positions = np.append(self.positions, (self.positions[-1] + 1) % self.metre)
        nearest = int(np.abs(times - seconds).argmin())
        return BarBeat(int((positions[: nearest + 1] == 0).sum()), int(positions[nearest]) + 1)

    @property
    def has_pulse(self) -> bool:
        """Whether the song has a pulse that one can rely on."""
        return len(self.times) > 1 and self.confidence >= PULSE


def find_beats(mono: NDArray[np.float32], network: Backend | None = None) -> Beats:
    """Find the beats in mono sound `(n,)` at 22,050 Hz, of any length; its level makes no difference.

    Without a sound there are no beats. Without a pulse there may be some, but the confidence is low. `network` is a
    model of the kind `beats`, by default the released one.
    """
    network = network or networks.network("beats")
    power = _frame_powers(mono, expect(network.spec, BeatsSpec).hop_samples)
    if power.max(initial=0) < SILENT:
        return Beats(np.zeros(0), np.zeros(0, np.int_), 0, 0.0, 0.0)
    activations = _activations(network, mono, float(np.sqrt(power[power > FAINT * power.max()].mean())))
    sounding = np.flatnonzero(power > SOFTEST * power.max())
    first, last = max(0, int(sounding[0]) - AROUND_FRAMES), int(sounding[-1]) + AROUND_FRAMES
    activations = activations[first:last]
    frames, positions, metre = _decoded(activations)
    times = to_onsets(mono, (first + frames) / bar_pointer.FRAME_RATE)
    bar_confidence = _bar_confidence(activations[frames, 1], positions)
    return Beats(times, positions, metre, _confidence(activations.sum(axis=1), frames), bar_confidence)


def _frame_powers(mono: NDArray[np.float32], hop: int) -> NDArray[np.float64]:
    """Return the mean square of each frame; what is left at the end counts as a frame, filled up with silence."""
    powers = []
    for begin in range(0, len(mono), hop * SLICE_FRAMES):
        part = mono[begin : begin + hop * SLICE_FRAMES]
        squares = np.pad(part, (0, -len(part) % hop)).reshape(-1, hop).astype(np.float64) ** 2
        powers.append(squares.mean(axis=1))
        release(mono)
    return np.concatenate(powers) if powers else np.zeros(0)


def _activations(network: Backend, mono: NDArray[np.float32], level: float) -> NDArray[np.float32]:
    """Compute the activations of sound of a level (its root mean square): `(frames, 2)`, beat and downbeat."""
    spec = expect(network.spec, BeatsSpec)
    hop, gain = spec.hop_samples, np.float32(spec.level / level)
    count = -(-len(mono) // hop)
    state = np.zeros((1, spec.state), np.float32)
    parts = []
    for begin in range(-SILENT_FRAMES, count + spec.delay, SLICE_FRAMES):
        end = min(begin + SLICE_FRAMES, count + spec.delay)
        first, last = (begin - spec.before) * hop, (end + spec.after) * hop
        heard = mono[max(0, first) : last] * gain
        context = np.pad(heard, (max(0, -first), last - max(0, first) - len(heard)))
        outputs = network.run({"context": context.reshape(1, -1, hop), "state": state})
        state = outputs["next_state"]
        parts.append(np.stack([outputs["beat"][0], outputs["downbeat"][0]], axis=1))
        release(mono)
    return np.concatenate(parts)[SILENT_FRAMES + spec.delay :]


def _decoded(activations: NDArray[np.float32]) -> tuple[NDArray[np.int_], NDArray[np.int_], int]:
    """Find the frames of beats, their positions in the bar and the metre, which is the same everywhere.

    A long song is decoded in stretches, each from the last downbeat of the one before, so memory grows little.
    """
    count = len(activations)
    scores = dict.fromkeys(bar_pointer.METRES, 0.0)
    for begin in range(0, count, STRETCH_FRAMES):
        path = bar_pointer.decode(activations[begin : begin + STRETCH_FRAMES])
        scores = {metre: scores[metre] + score for metre, score in path.scores.items()}
    if count <= STRETCH_FRAMES:
        return path.frames, path.positions, path.metre
    metre = max(scores, key=lambda each: scores[each])
    frames, positions, begin = [], [], 0
    while True:
        stretch = activations[begin : begin + STRETCH_FRAMES + OVERLAP_FRAMES]
        path = bar_pointer.decode(stretch, {metre: 0.0}, from_downbeat=begin > 0)
        is_last = begin + len(stretch) == count
        downbeats = np.flatnonzero((path.positions == 0) & (path.frames < STRETCH_FRAMES))
        kept = len(path.frames) if is_last else int(downbeats[-1])
        frames.append(begin + path.frames[:kept])
        positions.append(path.positions[:kept])
        if is_last:
            return np.concatenate(frames), np.concatenate(positions), metre
        begin += int(path.frames[kept])


def _confidence(activation: NDArray[np.float32], frames: NDArray[np.int_]) -> float:
    """Return how sure the pulse is: how much higher the activation of any beat is at the beats than between them."""
    between = np.ones(len(activation), bool)
    between[np.clip(frames[:, None] + np.arange(-NEAR_FRAMES, NEAR_FRAMES + 1), 0, len(activation) - 1)] = False
    if len(frames) < LEAST_BEATS or not between.any():
        return 0.0
    return float(np.interp(activation[frames].mean() - activation[between].mean(), CONTRASTS, CONFIDENCES))


def _bar_confidence(downbeat: NDArray[np.float32], positions: NDArray[np.int_]) -> float:
    """Return the share of bar lines that are likely right, from the activations of a downbeat at each beat.

    The margin is that of their mean at the first beats of bars over their mean at the best of the other positions;
    what it says was measured on rendered music of families that the network wasn't trained on.
    """
    means = [float(downbeat[positions == position].mean()) for position in np.unique(positions)]
    if len(means) < 2:
        return 0.0
    margin = means[0] - max(means[1:])
    return float(np.interp(margin, BAR_MARGINS, BAR_CONFIDENCES))
