"""MIDI files of games: their beats and bars are those that the file declares.

As the format has it, a file without a time signature is in 4/4. In 6/8, 9/8 and 12/8 a beat is a dotted quarter.

A file is left out where that is in doubt: it declares no tempo, or one outside of 55 to 215 beats a minute; its notes
don't begin on beats clearly more often than between them, or on bar lines than on other beats.
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from training.beats.piece import Messages

SLOWEST, FASTEST = 55.0, 215.0  # beats a minute
NEAR = 0.05  # of a beat: so near to it a note counts as beginning with it
ON_BEATS, ON_BARS = (
    2.0,
    1.1,
)  # by which factor notes must begin on beats, and those on bar lines, oftener than by chance


def wad_songs(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of the MIDI files in a WAD file of Doom."""
    data = path.read_bytes()
    count, directory = struct.unpack("<II", data[4:12])
    for number in range(count):
        begin, size, name = struct.unpack_from("<II8s", data, directory + 16 * number)
        if name.startswith(b"D_") and data[begin : begin + 4] == b"MThd":
            yield name.rstrip(b"\0").decode().lower(), data[begin : begin + size]


def read_midi(data: bytes) -> tuple[Messages, NDArray[np.float64], NDArray[np.bool_]] | str:
    """Read messages, times of beats `(n,)` in seconds and which of them begin bars; or say why those are in doubt."""
    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except (OSError, ValueError, EOFError, IndexError, KeyError, mido.KeySignatureError) as error:
        return f"cannot be read ({error})"
    timed = [(tick, message) for track in file.tracks for tick, message in _absolute(track)]
    timed.sort(key=lambda one: one[0])
    tempos = [(tick, message.tempo) for tick, message in timed if message.type == "set_tempo"]
    if not tempos:
        return "no tempo"
    clock = _Clock(tempos, file.ticks_per_beat)
    ticks, positions, metres = _grid(timed, file.ticks_per_beat)
    times = clock.seconds(ticks)
    tempo = 60 / float(np.median(np.diff(times)))
    if not SLOWEST <= tempo <= FASTEST:
        return f"a tempo of {tempo:.0f}"
    notes = np.array([tick for tick, message in timed if message.type == "note_on" and message.velocity])
    beat = np.clip(np.searchsorted(ticks, notes + (ticks[1] - ticks[0]) * NEAR, side="right") - 1, 0, None)
    on_beat = np.abs(notes - ticks[beat]) < NEAR * (ticks[1] - ticks[0])
    on_bar = on_beat & (positions[beat] == 0)
    if on_beat.mean() < 2 * NEAR * ON_BEATS or on_bar.sum() * metres[beat].mean() < ON_BARS * on_beat.sum():
        return "no more notes on beats or bar lines than elsewhere"
    seconds = clock.seconds(np.array([tick for tick, _ in timed]))
    messages = [(time, m) for time, (_, m) in zip(seconds.tolist(), timed, strict=True) if not m.is_meta]
    return messages, times, positions == 0


def _grid(
    timed: list[tuple[int, mido.Message]], ticks_per_quarter: int
) -> tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.int_]]:
    """Return the tick of each beat, its position in its bar, and the metre of that, by a file's time signatures."""
    changes = {0: (4, 4)} | {t: (m.numerator, m.denominator) for t, m in timed if m.type == "time_signature"}
    ends = [*list(changes)[1:], timed[-1][0]]
    ticks, positions, metres = [], [], []
    for begin, end in zip(changes, ends, strict=True):
        numerator, denominator = changes[begin]
        compound = denominator >= 8 and numerator % 3 == 0
        metre = numerator // 3 if compound else numerator
        beat_ticks = ticks_per_quarter * 4 * (3 if compound else 1) // denominator
        begins = np.arange(begin, end, beat_ticks)
        ticks.append(begins)
        positions.append(np.arange(len(begins)) % metre)
        metres.append(np.full(len(begins), metre))
    return np.concatenate(ticks), np.concatenate(positions), np.concatenate(metres)


class _Clock:
    """Converts ticks to seconds."""

    def __init__(self, tempos: list[tuple[int, int]], ticks_per_beat: int) -> None:
        changes = dict([(0, tempos[0][1]), *tempos])
        self.ticks = np.array(list(changes))
        self.rates = np.array(list(changes.values())) / 1e6 / ticks_per_beat  # seconds a tick
        self.begins = np.concatenate([[0.0], np.cumsum(np.diff(self.ticks) * self.rates[:-1])])

    def seconds(self, ticks: NDArray[np.int_]) -> NDArray[np.float64]:
        index = np.searchsorted(self.ticks, ticks, side="right") - 1
        times: NDArray[np.float64] = self.begins[index] + (ticks - self.ticks[index]) * self.rates[index]
        return times


def _absolute(track: mido.MidiTrack) -> Iterator[tuple[int, mido.Message]]:
    tick = 0
    for message in track:
        tick += message.time
        yield tick, message
