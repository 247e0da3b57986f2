"""MIDI files to scores and tunes, and tunes to MIDI files. The only user of mido, which writes them."""

from collections import defaultdict, deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from extrapcli.errors import UnreadableAudio
from extrapcli.melody.abc import build_tune
from extrapcli.melody.encoding import METRES, STEPS_PER_QUARTER, RejectReason, Tune
from extrapcli.melody.midi_events import META, TIME_SIGNATURE, TRACK_NAME, Event, read_events
from extrapcli.melody.optional import needs
from extrapcli.melody.score import Metre, Part, Score, TimedNote, metre_at
from extrapcli.melody.text import decode_text

DRUM_CHANNEL = 9  # of General MIDI, counted from 0
NOTE_OFF, NOTE_ON = 0x80, 0x90
TICKS_PER_STEP = 120
VELOCITY, ACCENT = 84, 100


def read_midi_score(data: bytes, path: Path) -> Score:
    """Read a MIDI file as a score with a part for each channel of each track that has notes.

    A note that nothing ends lasts a quarter. Raises UnreadableAudio, which names `path`, where it is not MIDI.
    """
    try:
        ticks_per_quarter, tracks, whole = read_events(data)
    except ValueError as error:
        raise UnreadableAudio(f"{path}: not a MIDI file that can be read: {error}") from None
    if not ticks_per_quarter:
        raise UnreadableAudio(f"{path}: counts time in film frames or not at all; save it with beats")
    step = Fraction(ticks_per_quarter, STEPS_PER_QUARTER)
    metres = tuple(_metres(tracks, step))
    parts = [part for track in tracks for part in _parts(track, step, metres)]
    remarks = () if whole else ("is cut off or damaged; what can be read of it is used",)
    return Score(path.stem, tuple(parts), remarks)


def single_voice(score: Score) -> Tune | RejectReason:
    """Make a tune of all notes of a MIDI score; reject it where two of them overlap by half a step or more."""
    played = sorted(note for part in score.parts for note in part.notes)
    if not played:
        return RejectReason.drums if score.parts else RejectReason.empty
    lengths: list[tuple[int | None, Fraction]] = []
    now = 0
    for note, following in zip(played, [*played[1:], None], strict=True):
        begin = round(note.begin)
        end = max(round(note.end), begin + 1)
        if following:
            if note.end - following.begin >= Fraction(1, 2):
                return RejectReason.voices
            end = min(end, round(following.begin))
        if begin < now or end <= begin:
            return RejectReason.voices
        if begin > now:
            lengths.append((None, Fraction(begin - now)))
        lengths.append((note.pitch, Fraction(end - begin)))
        now = end
    metre = next((metre.name for part in score.parts for metre in part.metres), "")
    return build_tune(score.title, lengths, metre, Fraction(METRES.get(metre, 0)))


def _metres(tracks: list[list[Event]], step: Fraction) -> Iterator[Metre]:
    """Yield the time signatures of all tracks, but those that can't be."""
    signatures = sorted(
        (event.tick, *event.data[1:3])
        for track in tracks
        for event in track
        if event.status == META and event.data[0] == TIME_SIGNATURE and len(event.data) >= 3
    )
    for tick, above, power in signatures:
        yield from metre_at(tick / step, f"{above}/{2**power}")


def _parts(track: list[Event], step: Fraction, metres: tuple[Metre, ...]) -> Iterator[Part]:
    """Yield a part for each channel of a track that has notes."""
    held: dict[tuple[int, int], deque[int]] = defaultdict(deque)
    notes: dict[int, list[TimedNote]] = defaultdict(list)
    name = ""
    for event in track:
        if event.status == META:
            if event.data[0] == TRACK_NAME and not name:
                name = decode_text(event.data[1:]).strip("\0 ")
            continue
        kind, channel = event.status & 0xF0, event.status & 0x0F
        if kind not in (NOTE_OFF, NOTE_ON) or len(event.data) < 2:
            continue
        pitch, velocity = event.data
        sounding = held[channel, pitch]
        if kind == NOTE_ON and velocity:
            sounding.append(event.tick)
        elif sounding:
            notes[channel].append(TimedNote(sounding.popleft() / step, event.tick / step, pitch))
    for (channel, pitch), begins in held.items():
        for begin in begins:
            notes[channel].append(TimedNote(begin / step, begin / step + STEPS_PER_QUARTER, pitch))
    for channel in sorted(notes):
        called = name if len(notes) == 1 else f"{name} channel {channel + 1}".strip()
        drums = channel == DRUM_CHANNEL
        yield Part(called, () if drums else tuple(sorted(notes[channel])), metres, drums)


def midi_file(tune: Tune, *, tempo: float) -> Any:
    """Make a `mido.MidiFile` of one track, with an accent at the beginning of each bar; save it with its `save`.

    `tempo` is in quarters a minute. Raises MissingDependency.
    """
    with needs("mido"):
        import mido
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_STEP * STEPS_PER_QUARTER)
    track = file.add_track()
    track.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo)))
    if tune.metre:
        above, below = map(int, tune.metre.split("/"))
        track.append(mido.MetaMessage("time_signature", numerator=above, denominator=below))
    step, waited = 0, 0
    for note in tune.notes:
        if note.pitch is None:
            waited += note.steps
        else:
            accented = bool(tune.metre) and (step - tune.upbeat) % METRES[tune.metre] == 0
            velocity = ACCENT if accented else VELOCITY
            track.append(mido.Message("note_on", note=note.pitch, velocity=velocity, time=waited * TICKS_PER_STEP))
            track.append(mido.Message("note_off", note=note.pitch, velocity=0, time=note.steps * TICKS_PER_STEP))
            waited = 0
        step += note.steps
    track.append(mido.MetaMessage("end_of_track", time=waited * TICKS_PER_STEP))
    return file
