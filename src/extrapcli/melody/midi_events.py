"""The events of a standard MIDI file, as far as they can be read.

mido refuses a whole file for one wrong event: a key signature of nine sharps, a data byte above 127, a track that is
cut off. Such files are common, and sequencers play them.
Format: RP-001, "Standard MIDI Files 1.0". A file may be wrapped, as in RIFF (RP-029).
"""

from typing import NamedTuple

META = 0xFF
TRACK_NAME, END_OF_TRACK, TIME_SIGNATURE = 0x03, 0x2F, 0x58
_LARGEST_WRAPPER = 256  # bytes before the header


class Event(NamedTuple):
    """A channel message, or a meta event: its `status` is then META, and its data begin with its type."""

    tick: int  # from the beginning of the track
    status: int
    data: bytes


class MidiEvents(NamedTuple):
    ticks_per_quarter: int  # 0 where time isn't counted in quarters
    tracks: list[list[Event]]
    whole: bool  # whether all tracks are there to their ends


def is_midi(data: bytes) -> bool:
    return b"MThd" in data[:_LARGEST_WRAPPER]


def read_events(data: bytes) -> MidiEvents:
    """Read the events of each track, up to where it ends or can't be read on; raise ValueError without a header."""
    start = data.find(b"MThd", 0, _LARGEST_WRAPPER)
    if start < 0 or len(data) < start + 14:
        raise ValueError("it has no MIDI header")
    count, division = (int.from_bytes(data[start + at : start + at + 2]) for at in (10, 12))
    position = start + 8 + int.from_bytes(data[start + 4 : start + 8])
    tracks, whole = [], True
    while (position := data.find(b"MTrk", position)) >= 0:
        length = int.from_bytes(data[position + 4 : position + 8])
        begin = position + 8
        declared = 0 < length <= len(data) - begin
        events, end, ended = _read_track(data, begin, begin + length if declared else len(data))
        tracks.append(events)
        whole = whole and ended
        position = begin + length if declared else end
    return MidiEvents(division if division < 0x8000 else 0, tracks, whole and len(tracks) >= count)


def _read_track(data: bytes, position: int, end: int) -> tuple[list[Event], int, bool]:
    """Return the events, the position behind the last, and whether the track ends there."""
    events: list[Event] = []
    tick = running = 0
    try:
        while position < end:
            wait, position = _read_number(data, position)
            tick += wait
            status = data[position]
            if status >= 0x80:
                position += 1
            else:
                status = running
            if status == META:
                kind = data[position]
                length, position = _read_number(data, position + 1)
                events.append(Event(tick, META, bytes([kind]) + data[position : position + length]))
                position += length
                if kind == END_OF_TRACK:
                    return events, position, position <= end
            elif status in (0xF0, 0xF7):  # system exclusive
                length, position = _read_number(data, position)
                position += length
            elif 0x80 <= status < 0xF0:
                running = status
                size = 1 if 0xC0 <= status < 0xE0 else 2
                events.append(Event(tick, status, bytes(byte & 0x7F for byte in data[position : position + size])))
                position += size
            elif status < 0x80:  # data of no event
                position += 1
    except IndexError:
        return events, len(data), False
    return events, position, position == end


def _read_number(data: bytes, position: int) -> tuple[int, int]:
    """Read a number of at most four bytes, seven bits in each; return the position behind it, too."""
    number = 0
    for _ in range(4):
        byte = data[position]
        position += 1
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return number, position
