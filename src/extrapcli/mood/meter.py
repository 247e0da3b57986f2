"""The mood that a track has, measured while it is made, beside the one that was wanted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import RATE, Analysis
from extrapcli.analysis.spectra import MOMENTS_PER_SECOND
from extrapcli.analysis.summary import clock
from extrapcli.audio.downmix import to_mono
from extrapcli.audio.resample import resample
from extrapcli.mood import Curve, energy_of_music, extremes

AT_ONCE_SECONDS = 10
REACH_SECONDS = 2  # before and after each second, over which the mood of a track is averaged
NEAR, SHORT = 0.2, 0.25  # levels that count as the highest or lowest; that a track may fall short of those
ENDING_SECONDS = 5  # by which an arc may go on beyond where it can be followed: tracks fade out

Sound = NDArray[np.floating]


@dataclass(frozen=True)
class Mood:
    """The mood of a track on the scale of its song: 0 is calm, 1 lively.

    Attributes:
        calm_energy: the energy at 0, from 0 to 1.
        lively_energy: the energy at 1.
        from_seconds: the second of the track from which on it was measured.
        wanted: the level that was wanted in each second, up to where the track begins to end.
        reached: the level that was reached in each second; it may be below 0 and above 1.
    """

    calm_energy: float
    lively_energy: float
    from_seconds: int
    wanted: list[float]
    reached: list[float]

    @property
    def distance(self) -> float | None:
        """How far the track was from the wanted level on average; None for one too short to tell."""
        return float(np.abs(np.subtract(self.wanted, self.reached)).mean()) if self.wanted else None


class Meter:
    """Measures the mood of a track while it is made."""

    def __init__(self, curve: Curve, analysis: Analysis) -> None:
        self.curve, self.analysis = curve, analysis
        self._begin = int(np.ceil(curve.begin))
        self._energy: list[NDArray[np.float64]] = []

    def hear(self, pieces: Iterable[Sound]) -> Iterator[Sound]:
        """Pass the pieces of a track on, `(n, channels)` at the song's rate."""
        rate = self.analysis.song.sample_rate
        before, context = self._begin * rate, 0
        heard: Sound = np.zeros((0, self.analysis.song.channels), np.float32)
        for piece in pieces:
            yield piece
            heard = np.concatenate([heard, piece[min(before, len(piece)) :]])
            before -= min(before, len(piece))
            while len(heard) >= (AT_ONCE_SECONDS + 2) * rate:
                self._measure(heard[: (AT_ONCE_SECONDS + 2) * rate], context, AT_ONCE_SECONDS + 1)
                heard, context = heard[AT_ONCE_SECONDS * rate :], 1
        self._measure(heard, context, len(heard) // rate)

    def _measure(self, samples: Sound, first: int, last: int) -> None:
        """Measure the seconds from `first` to `last` of some samples; those around them matter, too."""
        rate = self.analysis.song.sample_rate
        if first < last:
            mono = resample(to_mono(samples, rate)[:, None], from_rate=rate, to_rate=RATE)[:, 0]
            self._energy.append(self.analysis.energy_of(mono, np.arange(first, last + 1.0)))

    def mood(self, joined: float) -> Mood:
        """Return the mood of the track that was heard, from its first join on, `joined` in seconds of the track."""
        scale, begin = self.curve.scale, max(self._begin, int(np.ceil(joined)))
        end = None if self.curve.end is None else max(0, int(self.curve.end) - self._begin)
        energy = np.concatenate([np.zeros(0), *self._energy])[begin - self._begin : end]
        energy = np.array(
            [energy[max(0, at - REACH_SECONDS) : at + REACH_SECONDS + 1].mean() for at in range(len(energy))]
        )
        seconds = begin + np.arange(len(energy))
        return Mood(
            round(scale.calm, 3),
            round(scale.lively, 3),
            begin,
            np.round(self.curve.at(seconds + 0.5), 3).tolist(),
            np.round(scale.levels(energy), 3).tolist(),
        )

    def notes(self, mood: Mood) -> list[str]:
        """Say in sentences what of a track's mood is not as it was asked for."""
        return [note for note in (self._times(), self._shortfall(mood)) if note]

    def _times(self) -> str | None:
        begin, end, asked = self.curve.begin, self.curve.end, self.curve.arc.seconds
        if asked and asked[0] < begin:
            which = "all" if asked[-1] < begin else "some"
            return f"{which} times of the arc are before {clock(begin)}, where the song is left; they count from 0:00"
        if asked and end is not None and asked[-1] > end + ENDING_SECONDS:
            return f"the arc goes on to {clock(asked[-1])}, but the mood can be changed up to {clock(end)} only"
        return None

    def _shortfall(self, mood: Mood) -> str | None:
        """Say what was missed by most, the calmest or the liveliest level that was asked for."""
        wanted, reached = np.array(mood.wanted), np.array(mood.reached)
        if not len(wanted):
            return None
        calmest, liveliest = extremes(self.analysis, self.curve.scale)
        short = []
        for sign, word, name, stretch in ((-1, "calm", "calmest", calmest), (1, "lively", "liveliest", liveliest)):
            most = sign * wanted >= (sign * wanted).max() - NEAR
            asked, got = float(wanted[most].mean()), float(reached[most].mean())
            there = self._seconds(sign, asked)
            note = (
                f"it reaches {got:.2f} where you asked for {asked:.2f} (0 is calm, 1 lively); the song is that "
                f"{word} for {there} s, and its {name} {stretch.seconds:.0f} s, from {clock(stretch.begin)} on, are "
                f"at {stretch.level:.2f}"
            )
            short.append((sign * (asked - got), note))
        by, note = max(short)
        return note if by > SHORT else None

    def _seconds(self, sign: int, level: float) -> int:
        """Count the seconds of the song that are at a level or beyond it, in the direction of `sign`."""
        levels = self.curve.scale.levels(energy_of_music(self.analysis))
        return round(np.count_nonzero(sign * levels >= sign * level) / MOMENTS_PER_SECOND)
