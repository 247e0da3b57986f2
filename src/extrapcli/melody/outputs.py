"""What a tune is written as: MIDI, and sound and a score where they are asked for, each whole or not at all."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from extrapcli.atomic import STDOUT, atomic_file, refuse_existing
from extrapcli.audio.formats import FORMATS, format_of
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import Tune
from extrapcli.melody.engrave import engrave, load_verovio
from extrapcli.melody.keys import Key
from extrapcli.melody.midi import write_midi
from extrapcli.melody.musicxml import musicxml

MIDI_SUFFIXES = (".mid", ".midi")
SCORE_SUFFIXES = (".svg", ".musicxml")


@dataclass(frozen=True)
class Outputs:
    midi: Path  # - for standard output
    audio: Path | None = None
    score: Path | None = None
    soundfont: Path | None = None
    overwrite: bool = False

    @property
    def paths(self) -> list[Path]:
        """The files, the MIDI first."""
        return [path for path in (self.midi, self.audio, self.score) if path and path != STDOUT]


def prepare(outputs: Outputs) -> bytes:
    """Refuse what can't be written, before there is anything to write; gives the sound font, empty for no sound.

    Raises UsageError for suffixes that mean nothing and for two outputs of one name, CannotWrite for what is there
    already, MissingDependency, and UnreadableAudio for a sound font that is none.
    """
    if outputs.midi != STDOUT:
        _check_suffix("-o", outputs.midi, MIDI_SUFFIXES)
    if outputs.audio:
        _check_suffix("--audio", outputs.audio, tuple(s for format in FORMATS.values() for s in format.suffixes))
    if outputs.score:
        _check_suffix("--score", outputs.score, SCORE_SUFFIXES)
    if outputs.soundfont and not outputs.audio:
        raise UsageError("--soundfont is what --audio is played from; name a file for it, as --audio tune.wav")
    if len({path.resolve() for path in outputs.paths}) < len(outputs.paths):
        raise UsageError(f"{outputs.paths[-1]}: is named for two outputs; give each a name of its own")
    for path in outputs.paths:
        refuse_existing(path, outputs.overwrite)
    if outputs.score and outputs.score.suffix.lower() == ".svg":
        load_verovio()
    if not outputs.audio:
        return b""
    from extrapcli.melody.sound import load_font

    return load_font(outputs.soundfont)


def write(outputs: Outputs, tune: Tune, key: Key, *, tempo: float, font: bytes, source: Path) -> None:
    """Write a tune, its notes as they sound; `font` is what `prepare` gave. None of the files appears unless all can.

    Raises UsageError where `source` would be overwritten or the tune is too long for a sound, CannotWrite.
    """
    with ExitStack() as stack:

        def enter(path: Path) -> Path:
            return stack.enter_context(atomic_file(path, source=source, overwrite=outputs.overwrite))

        write_midi(enter(outputs.midi), tune.notes, tempo=tempo, metre=tune.metre, upbeat=tune.upbeat)
        if outputs.audio:
            from extrapcli.melody.sound import play, write_sound

            sound = play(tune, font, tempo=tempo)
            write_sound(enter(outputs.audio), format_of(outputs.audio) or "wav", sound)
        if outputs.score:
            score = musicxml(tune, key, tempo=tempo)
            score = engrave(score) if outputs.score.suffix.lower() == ".svg" else score
            enter(outputs.score).write_bytes(score)


def _check_suffix(option: str, path: Path, known: tuple[str, ...]) -> None:
    if path.suffix.lower() not in known:
        raise UsageError(
            f"{path}: {option} writes {', '.join(known)}, not {path.suffix or 'a name without a suffix'!r}"
        )
