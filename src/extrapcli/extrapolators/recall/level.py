"""Keep a track at the level of its song."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.extrapolators.recall.playhead import Playhead

GAIN_SECONDS = 1.0  # in which the gain of one block becomes that of the next


class TrackLevel:
    """Gives each block of a track gains that bring it to the level of the song."""

    def __init__(self, analysis: Analysis) -> None:
        self._song, self._power = analysis.song, analysis.power
        self._gain = 0.0  # decibels, at the end of what was rendered
        self._change = (
            0,
            0.0,
            0.0,
        )  # from which sample of the track on it changed, from what to what

    def gains(
        self,
        made: NDArray[np.floating],
        count: int,
        playheads: Sequence[Playhead],
        departure: int,
        end: int,
        steady: int,
        *,
        lands: bool,
    ) -> NDArray[np.float32]:
        """Return gains, `(count, 1)`, for a block that ends with the sound `made` from `departure` to `end`.

        They bring it to the level that the song has where the playheads play and, within 1.5 dB, as a whole. The next
        block is expected to begin at sample `steady` of the track.
        """
        song = self._song.samples
        powers = [_power_of(song[p.song_sample(departure) : p.song_sample(end)]) for p in playheads]
        there = sum(powers) / len(powers)
        wanted = (
            0.0 if lands else _decibels(there / _power_of(made), 3.0) + _decibels((self._power / there) ** 0.5, 1.5)
        )
        change = round(GAIN_SECONDS * self._song.sample_rate)
        decibels = self._gain + (wanted - self._gain) * np.arange(min(change, count)) / change
        gains = np.full((count, 1), 10 ** (wanted / 20), np.float32)
        gains[: len(decibels), 0] = 10 ** (decibels / 20)
        last = max(0, steady - departure - 1)
        self._change = departure, self._gain, wanted
        self._gain = float(decibels[last]) if last < len(decibels) else wanted
        return gains

    def cut_off(self, at: int) -> None:
        """Let the last block end at a sample of the track, earlier than was expected."""
        begin, before, after = self._change
        gone = (at - begin) / (GAIN_SECONDS * self._song.sample_rate)
        self._gain = before + (after - before) * min(1.0, max(0.0, gone))


def _power_of(samples: NDArray[np.floating]) -> float:
    flat = samples.ravel()
    return float(np.vdot(flat, flat)) / max(1, len(flat)) + 1e-12


def _decibels(ratio: float, most: float) -> float:
    return float(np.clip(10 * np.log10(max(ratio, 1e-12)), -most, most))
