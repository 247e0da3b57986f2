"""Tunes from files: ABC, Humdrum kern, MusicXML and MIDI. The only user of music21."""

import re
import shutil
import tempfile
import warnings
import zipfile
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any

from extrapcli.errors import CannotWrite, MissingDependency, UnreadableAudio
from extrapcli.melody.abc import BeyondAbc, as_tune, pieces, read_piece
from extrapcli.melody.encoding import METRES, Tune
from extrapcli.melody.midi import INSTALL, read_midi
from extrapcli.melody.patience import TookTooLong, within
from extrapcli.melody.unfit import Unfit

SUFFIXES = {".abc", ".krn", ".musicxml", ".mxl", ".xml", ".mid", ".midi"}
MOST_BYTES = 5_000_000  # of a score, unpacked
MOST_SECONDS = 5  # of computing, for the first piece of a file
_ENDLESS = re.compile(r"^(?:[LM]:|(?![A-Za-z]:|%))[^%\n]*\d{3}", re.MULTILINE)
"""A number of three digits in a line of ABC that is no text: music21 would make as many notes or beats."""
_one_at_a_time = Lock()  # music21 keeps state of its own


def read_tunes(path: Path) -> list[Tune | Unfit]:
    """Each piece of a file as a tune, or why it is none; raises UnreadableAudio where there is no music in it."""
    if path.suffix.lower() not in SUFFIXES:
        raise UnreadableAudio(f"{path}: no file of tunes; give one of {', '.join(sorted(SUFFIXES))}")
    if path.suffix.lower() in (".mid", ".midi"):
        return [read_midi(path)]
    if path.suffix.lower() != ".abc":
        return _read_score(path)
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise UnreadableAudio(f"{path}: cannot be read: {error.strerror}") from None
    found = [_read_abc_piece(piece, path) for piece in pieces(text)]
    if not found:
        raise UnreadableAudio(f"{path}: no ABC: it has no line that begins with X:")
    return found


def read_tune(path: Path) -> Tune:
    """The first piece of a file; raises UnreadableAudio, which says why, where that is no tune or endless work."""
    try:
        found = within(MOST_SECONDS, lambda: read_tunes(path))[0]
    except TookTooLong:
        raise UnreadableAudio(f"{path}: takes more than {MOST_SECONDS} s to read; give a shorter piece") from None
    if isinstance(found, Unfit):
        raise UnreadableAudio(f"{path}: {found}; give a tune of one voice in notes from sixteenths to wholes")
    return found


def copy_essen(to: Path) -> int:
    """Put the Essen folk song collection that music21 has into a folder, and say of how many files it is."""
    source = Path(_music21().__file__).parent / "corpus" / "essenFolksong"
    files = [*sorted(source.glob("*.abc")), source / "license.txt"]
    try:
        with tempfile.TemporaryDirectory(dir=to.parent, prefix=".partial-") as folder:
            whole = Path(folder) / to.name
            whole.mkdir()
            for file in files:
                shutil.copyfile(file, whole / file.name)
            whole.rename(to)
    except OSError as error:
        raise CannotWrite(f"{to}: cannot be written: {error.strerror}") from None
    return len(files) - 1


def _read_abc_piece(piece: str, path: Path) -> Tune | Unfit:
    try:
        return read_piece(piece)
    except BeyondAbc:
        if _ENDLESS.search(piece):
            return Unfit.durations
        try:
            return _read_with_music21(piece, path, "abc")[0]
        except UnreadableAudio:
            return Unfit.damaged


def _read_score(path: Path) -> list[Tune | Unfit]:
    if not path.is_file():
        raise UnreadableAudio(f"{path}: there is no such file")
    if _unpacked_bytes(path) > MOST_BYTES:
        raise UnreadableAudio(f"{path}: holds more than {MOST_BYTES / 1e6:.0f} MB of notes; give a shorter piece")
    return _read_with_music21(path, path, None)


def _unpacked_bytes(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        return path.stat().st_size
    except (OSError, ValueError, NotImplementedError) as error:
        raise UnreadableAudio(f"{path}: cannot be read: {error}") from None


def _read_with_music21(source: str | Path, path: Path, format: str | None) -> list[Tune | Unfit]:
    music21 = _music21()
    with _one_at_a_time, warnings.catch_warnings(action="ignore"):  # what it warns of it also raises, or mends
        try:
            # By default it would load what lies pickled in a temporary folder that everyone may write to.
            whole = music21.converter.parse(source, format=format, forceSource=True, storePickle=False)
            scores = list(whole.scores) if hasattr(whole, "scores") else [whole]
            return [_from_score(score, path.stem) for score in scores] or [Unfit.empty]
        except Exception as error:  # music21 raises whatever the damaged part raises
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise UnreadableAudio(f"{path}: cannot be read: {reason}") from None


def _from_score(score: Any, name: str) -> Tune | Unfit:
    parts = [part for part in (score.parts or [score]) if part.recurse().notes]
    if not parts:
        return Unfit.empty
    pitched = [part for part in parts if not part.recurse().getElementsByClass(("Unpitched", "PercussionChord"))]
    if not pitched:
        return Unfit.drums
    if len(pitched) > 1 or pitched[0].recurse().getElementsByClass(("Voice",)):
        return Unfit.voices
    part = pitched[0].stripTies()
    notes = list(part.flatten().notesAndRests)
    if any(note.isChord and not _is_symbol(note) for note in notes):
        return Unfit.voices
    lengths: list[tuple[int | None, Fraction]] = []
    for note in notes:
        if not note.quarterLength or _is_symbol(note):  # grace notes, chord symbols
            continue
        lengths.append((None if note.isRest else note.pitch.midi, Fraction(note.quarterLength) * 4))
    return as_tune(_title(score, name), lengths, *_bars(part))


def _is_symbol(note: Any) -> bool:
    return "ChordSymbol" in note.classes


def _title(score: Any, name: str) -> str:
    return (score.metadata and score.metadata.title) or name


def _bars(part: Any) -> tuple[str, Fraction]:
    """The metre and the length of the first bar, in steps."""
    found = part.flatten().getElementsByClass("TimeSignature")
    metres = {signature.ratioString for signature in found}
    first = part.getElementsByClass("Measure").first()
    if len(metres) != 1 or (metre := metres.pop()) not in METRES or first is None:
        return "", Fraction(0)
    return metre, Fraction(first.duration.quarterLength) * 4


def _music21() -> Any:
    try:
        import music21
    except ModuleNotFoundError:
        raise MissingDependency(INSTALL.format("music21")) from None
    music21.environment.Environment.warn = _say_nothing  # type: ignore[method-assign]  # nothing turns it off
    return music21


def _say_nothing(*_: Any, **__: Any) -> None: ...
