"""MIDI files to tunes and back. The only user of mido."""

from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from extrapcli.errors import MissingDependency, UnreadableAudio
from extrapcli.melody.abc import as_tune
from extrapcli.melody.encoding import METRES, STEPS_PER_QUARTER, Note, Tune
from extrapcli.melody.unfit import Unfit

DRUMS = 9  # the channel that General MIDI gives them, counted from 0
TICKS_PER_STEP = 120
VELOCITY, ACCENT = 84, 100
INSTALL = 'tunes need {}: pip install "extrapcli[melody]"'


class _Sound(NamedTuple):
    begin: Fraction  # in steps
    end: Fraction
    pitch: int


def read_midi(path: Path) -> Tune | Unfit:
    """The tune of a MIDI file, its onsets and ends at the nearest sixteenth; raises UnreadableAudio for no MIDI."""
    mido = _mido()
    try:
        file = mido.MidiFile(path)
    except (OSError, EOFError, ValueError, IndexError, KeyError) as error:
        raise UnreadableAudio(f"{path}: not a MIDI file that can be read ({error})") from None
    ticks_per_step = Fraction(file.ticks_per_beat, STEPS_PER_QUARTER)
    held: dict[tuple[int, int], list[int]] = defaultdict(list)
    sounds, drums, metre, now = [], False, "", 0
    for message in mido.merge_tracks(file.tracks):
        now += message.time
        if message.type == "time_signature" and not metre:
            metre = f"{message.numerator}/{message.denominator}"
        if message.type not in ("note_on", "note_off"):
            continue
        if message.channel == DRUMS:
            drums = True
            continue
        key = (message.channel, message.note)
        if message.type == "note_on" and message.velocity:
            held[key].append(now)
        elif held[key]:
            sounds.append(_Sound(held[key].pop(0) / ticks_per_step, now / ticks_per_step, message.note))
    if not sounds:
        return Unfit.drums if drums else Unfit.empty
    return one_voice(path.stem, sorted(sounds), metre)


def one_voice(title: str, sounds: list[_Sound], metre: str) -> Tune | Unfit:
    """A tune of sounds in the order of their beginnings; Unfit where two of them overlap by half a step or more."""
    lengths: list[tuple[int | None, Fraction]] = []
    now = 0
    for sound, after in zip(sounds, [*sounds[1:], None], strict=True):
        begin = round(sound.begin)
        end = max(round(sound.end), begin + 1)
        if after:
            if sound.end - after.begin >= Fraction(1, 2):
                return Unfit.voices
            end = min(end, round(after.begin))
        if begin < now or end <= begin:
            return Unfit.voices
        if begin > now:
            lengths.append((None, Fraction(begin - now)))
        lengths.append((sound.pitch, Fraction(end - begin)))
        now = end
    return as_tune(title, lengths, metre, Fraction(METRES.get(metre, 0)))


def write_midi(path: Path, notes: tuple[Note, ...], *, tempo: float, metre: str = "", upbeat: int = 0) -> None:
    """Write notes as a MIDI file, as `midi_file` has it. Raises OSError."""
    midi_file(notes, tempo=tempo, metre=metre, upbeat=upbeat).save(path)


def midi_file(notes: tuple[Note, ...], *, tempo: float, metre: str = "", upbeat: int = 0) -> Any:
    """A mido.MidiFile of one track, bars stressed; `tempo` is in quarters a minute."""
    mido = _mido()
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_STEP * STEPS_PER_QUARTER)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo)))
    if metre:
        above, below = map(int, metre.split("/"))
        track.append(mido.MetaMessage("time_signature", numerator=above, denominator=below))
    step, waited = 0, 0
    for note in notes:
        if note.pitch is None:
            waited += note.steps
        else:
            first = bool(metre) and (step - upbeat) % METRES[metre] == 0
            velocity = ACCENT if first else VELOCITY
            track.append(mido.Message("note_on", note=note.pitch, velocity=velocity, time=waited * TICKS_PER_STEP))
            track.append(mido.Message("note_off", note=note.pitch, velocity=0, time=note.steps * TICKS_PER_STEP))
            waited = 0
        step += note.steps
    track.append(mido.MetaMessage("end_of_track", time=waited * TICKS_PER_STEP))
    return file


def _mido() -> Any:
    try:
        import mido
    except ModuleNotFoundError:
        raise MissingDependency(INSTALL.format("mido")) from None
    return mido
