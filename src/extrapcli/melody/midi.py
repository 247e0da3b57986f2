"""MIDI files to tunes and back. The only user of mido; pretty_midi would turn ticks into seconds and back."""

from collections import defaultdict, deque
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from extrapcli.errors import UnreadableAudio
from extrapcli.melody.abc import build_tune
from extrapcli.melody.encoding import METRES, STEPS_PER_QUARTER, RejectReason, Tune
from extrapcli.melody.optional import needs

DRUM_CHANNEL = 9  # of General MIDI, counted from 0
TICKS_PER_STEP = 120
VELOCITY, ACCENT = 84, 100


class _PlayedNote(NamedTuple):
    begin: Fraction  # in steps
    end: Fraction
    pitch: int


def read_midi(path: Path) -> Tune | RejectReason:
    """Read a MIDI file as a tune, each note rounded to sixteenths; raise UnreadableAudio where it is not MIDI."""
    with needs("mido"):
        import mido
    try:
        file = mido.MidiFile(file=BytesIO(path.read_bytes()))  # given a path, mido allocates the declared size
    except (OSError, EOFError, ValueError, IndexError, KeyError) as error:
        raise UnreadableAudio(f"{path}: not a MIDI file that can be read ({error})") from None
    if file.ticks_per_beat <= 0:
        raise UnreadableAudio(f"{path}: counts time in film frames or not at all; save it with beats")
    ticks_per_step = Fraction(file.ticks_per_beat, STEPS_PER_QUARTER)
    held: dict[tuple[int, int], deque[int]] = defaultdict(deque)
    notes, drums, metre, now = [], False, "", 0
    for message in mido.merge_tracks(file.tracks):
        now += message.time
        if message.type == "time_signature" and not metre:
            metre = f"{message.numerator}/{message.denominator}"
        if message.type not in ("note_on", "note_off"):
            continue
        if message.channel == DRUM_CHANNEL:
            drums = True
            continue
        key = (message.channel, message.note)
        if message.type == "note_on" and message.velocity:
            held[key].append(now)
        elif held[key]:
            notes.append(_PlayedNote(held[key].popleft() / ticks_per_step, now / ticks_per_step, message.note))
    if not notes:
        return RejectReason.drums if drums else RejectReason.empty
    return _single_voice(path.stem, sorted(notes), metre)


def _single_voice(title: str, played: list[_PlayedNote], metre: str) -> Tune | RejectReason:
    """Build a tune of notes in the order of their onsets; reject it where two overlap by half a step or more."""
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
    return build_tune(title, lengths, metre, Fraction(METRES.get(metre, 0)))


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
