"""The files of a tune: MIDI, and sound and a score where they are asked for. All of them appear, or none."""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from extrapcli.atomic import STDOUT, atomic_file, destination, is_special, refuse_existing
from extrapcli.audio.formats import FORMATS, format_of
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import Tune
from extrapcli.melody.engrave import engrave, load_verovio
from extrapcli.melody.keys import Key
from extrapcli.melody.midi import midi_file
from extrapcli.melody.musicxml import musicxml
from extrapcli.melody.optional import load_music21
from extrapcli.melody.tune_files import MIDI_SUFFIXES

AUDIO_SUFFIXES = tuple(suffix for format in FORMATS.values() for suffix in format.suffixes)
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

    @property
    def engraved(self) -> bool:
        """Whether the score is a picture."""
        return self.score is not None and self.score.suffix.lower() == ".svg"


def prepare(outputs: Outputs) -> bytes:
    """Refuse what can't be written before any work is done; return the sound font, empty where there is no sound.

    Raises UsageError for unknown suffixes and two outputs of one name, CannotWrite for a file that exists,
    MissingDependency, and UnreadableAudio for a sound font that can't be played.
    """
    if outputs.midi != STDOUT:
        _check_suffix("MIDI", outputs.midi, MIDI_SUFFIXES)
    if outputs.audio:
        _check_suffix("sound", outputs.audio, AUDIO_SUFFIXES)
    if outputs.score:
        _check_suffix("a score", outputs.score, SCORE_SUFFIXES)
    if outputs.soundfont and not outputs.audio:
        raise UsageError(f"{outputs.soundfont}: a sound font is for sound, and none is asked for", hint="audio")
    if len({os.path.realpath(path) for path in outputs.paths}) < len(outputs.paths):
        raise UsageError(f"{outputs.paths[-1]}: is named for two outputs; give each a name of its own")
    for path in outputs.paths:
        refuse_existing(path, outputs.overwrite)
    if outputs.score:
        load_music21()
    if outputs.engraved:
        load_verovio()
    if not outputs.audio:
        return b""
    from extrapcli.melody.synthesis import load_soundfont

    return load_soundfont(outputs.soundfont)


def write(outputs: Outputs, tune: Tune, key: Key, *, tempo: float, font: bytes, source: Path | None) -> None:
    """Write a tune at its pitch; `font` is what `prepare` returned. If one file can't be written, none is.

    `source` is the file of the seed. Raises UsageError where that would be overwritten or the tune is too long for
    sound, CannotWrite.
    """
    with ExitStack() as stack:

        def enter(path: Path) -> Path:
            return stack.enter_context(atomic_file(path, source=source, overwrite=outputs.overwrite))

        midi_file(tune, tempo=tempo).save(enter(outputs.midi))
        if outputs.audio:
            from extrapcli.audio.encode import write_song
            from extrapcli.audio.song import Song
            from extrapcli.melody.synthesis import SAMPLE_RATE, synthesize

            sound = Song("tune", synthesize(tune, font, tempo=tempo), SAMPLE_RATE, "s16", None)
            write_song(enter(outputs.audio), sound, format=format_of(outputs.audio) or "wav")
        if outputs.score:
            score = musicxml(tune, key, tempo=tempo)
            enter(outputs.score).write_bytes(engrave(score) if outputs.engraved else score)


def _check_suffix(what: str, path: Path, suffixes: tuple[str, ...]) -> None:
    if path.suffix.lower() not in suffixes and not (is_special(path) and destination(path) != STDOUT):
        ending = repr(path.suffix) if path.suffix else "a name without a suffix"
        raise UsageError(f"{path}: {what} is written as {', '.join(suffixes)}, not {ending}")
