"""Tracker modules: played by libopenmpt, with beats and bars from the rows of their patterns.

How a module is labelled:

- A row's time is when libopenmpt begins to play it, so speed, tempo and pattern delays count as they sound.
- A beat has 3, 4, 6, 8, 12 or 16 rows: of those with 3 as a factor, and of those without, the one that gives the
  tempo nearest to 120 beats a minute. Notes decide which of the two: more of them begin on its beats and bar lines.
- A bar has 4 beats or 3; again notes decide. Every pattern begins with a bar line, and has whole bars: the longest
  run of such patterns is used.
- A module is left out where one of these is in doubt: the tempo is outside of 86 to 164 (so that half or twice of it
  is as likely), two kinds of bar are nearly as good as each other, the run is shorter than half a minute, no more
  notes begin on beats than elsewhere, or on bar lines than on other beats.
"""

import ctypes
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from training.beats.piece import SAMPLE_RATE, SYNTHESIS_RATE

CHUNK = 64  # samples, 1.5 ms: how exactly the times of rows are known
SLOWEST, FASTEST = 86.0, 164.0  # beats a minute
NOTE, NOTE_COMMAND, HIGHEST_NOTE = 0, 0, 120
BINARY, TERNARY = (4, 8, 16), (3, 6, 12)  # rows of a beat
CLEARER = 1.1  # by which factor more notes must begin on beats and bar lines of one kind than of another
SHORTEST_SECONDS = 30.0


@dataclass(frozen=True)
class Played:
    """What a module sounds like, and where its rows are.

    `times` `(rows,)` are when rows begin, in seconds; `notes` `(rows,)` how many notes begin with them; `numbers`
    `(rows,)` each row's number, counted from the beginning of its pattern.
    """

    sound: NDArray[np.float32]
    times: NDArray[np.float64]
    notes: NDArray[np.int_]
    numbers: NDArray[np.int_]


def play(path: Path, seconds: float) -> Played:
    """Play a module's first subsong once, for `seconds` at most, as mono at 22,050 Hz."""
    library = ctypes.CDLL("libopenmpt.so.0")
    library.openmpt_module_create_from_memory2.restype = ctypes.c_void_p
    library.openmpt_module_read_mono.restype = ctypes.c_size_t
    data = path.read_bytes()
    module = library.openmpt_module_create_from_memory2(data, ctypes.c_size_t(len(data)), *[None] * 7)
    if not module:
        raise ValueError(f"{path}: not a module")
    module = ctypes.c_void_p(module)
    channels = library.openmpt_module_get_num_channels(module)
    buffer = (ctypes.c_int16 * CHUNK)()
    sound: list[NDArray[np.int16]] = []
    times, notes, rows, orders = [], [], [], []
    before = None
    while len(sound) * CHUNK < seconds * SYNTHESIS_RATE:
        count = library.openmpt_module_read_mono(module, SYNTHESIS_RATE, ctypes.c_size_t(CHUNK), buffer)
        if count < CHUNK:
            break
        order, row = library.openmpt_module_get_current_order(module), library.openmpt_module_get_current_row(module)
        if (order, row) != before:
            before = order, row
            pattern = library.openmpt_module_get_current_pattern(module)
            cells = (
                library.openmpt_module_get_pattern_row_channel_command(module, pattern, row, channel, NOTE_COMMAND)
                for channel in range(channels)
            )
            times.append(len(sound) * CHUNK / SYNTHESIS_RATE)
            notes.append(sum(0 < cell <= HIGHEST_NOTE for cell in cells))
            rows.append(row)
            orders.append(order)
        sound.append(np.array(buffer))
    library.openmpt_module_destroy(module)
    begins = np.flatnonzero(np.diff(orders, prepend=-1))
    numbers = np.arange(len(rows)) - begins[np.searchsorted(begins, np.arange(len(rows)), side="right") - 1]
    mono = soxr.resample(np.concatenate(sound).astype(np.float32) / 2**15, SYNTHESIS_RATE, SAMPLE_RATE)
    return Played(mono, np.array(times), np.array(notes), numbers)


def beats_of(played: Played) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | str:
    """Find beat times `(n,)` and which of them begin bars `(n,)`; or say why that is in doubt."""
    row_seconds = float(np.median(np.diff(played.times)))
    kinds = [min(kind, key=lambda rows: abs(np.log(120 * rows * row_seconds / 60))) for kind in (BINARY, TERNARY)]
    found = []
    for rows, metre in itertools.product(kinds, (4, 3)):
        part = _regular(played, rows * metre)
        if len(part.times) and part.times[-1] - part.times[0] >= SHORTEST_SECONDS:
            found.append((_share(part, rows) * _share(part, rows * metre), rows, metre, part))
    if not found:
        return "patterns that end within a bar"
    (best, rows, metre, part), *others = sorted(found, key=lambda one: -one[0])
    if others and best < CLEARER * others[0][0]:
        return f"{metre} beats of {rows} rows, or {others[0][2]} of {others[0][1]}"
    tempo = 60 / (rows * row_seconds)
    if not SLOWEST <= tempo <= FASTEST:
        return f"a tempo of {tempo:.0f}"
    if not 1 < _share(part, rows) <= _share(part, rows * metre):
        return "no more notes on beats or bar lines than elsewhere"
    on_beat = part.numbers % rows == 0
    return part.times[on_beat], part.numbers[on_beat] % (rows * metre) == 0


def _regular(played: Played, bar: int) -> Played:
    """Cut to the longest run of patterns that have a whole number of bars of so many rows."""
    begins = [*np.flatnonzero(played.numbers == 0).tolist(), len(played.numbers)]
    longest = first = begins[0], begins[0]
    for begin, end in itertools.pairwise(begins):
        whole = (end - begin) % bar == 0 or end == len(played.numbers)
        first = (first[0], end) if whole else (end, end)
        longest = max(longest, first, key=lambda run: run[1] - run[0])
    run = slice(*longest)
    return Played(played.sound, played.times[run], played.notes[run], played.numbers[run])


def _share(played: Played, rows: int) -> float:
    """How many notes begin with every so many rows, relative to all rows."""
    return float(played.notes[played.numbers % rows == 0].mean() / max(played.notes.mean(), 1e-9))
