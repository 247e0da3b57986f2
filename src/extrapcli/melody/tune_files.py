"""Files of tunes: ABC, Humdrum kern, MusicXML and MIDI."""

import re
import shutil
import tempfile
import warnings
import zipfile
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any

from extrapcli.errors import CannotWrite, UnreadableAudio
from extrapcli.melody.abc import UnsupportedAbc, build_tune, read_piece, split_pieces
from extrapcli.melody.encoding import METRES, RejectReason, Tune
from extrapcli.melody.midi import read_midi
from extrapcli.melody.optional import load_music21
from extrapcli.melody.time_limit import TimeLimitExceeded, run_with_time_limit

MIDI_SUFFIXES = (".mid", ".midi")
SUFFIXES = {".abc", ".krn", ".musicxml", ".mxl", ".xml", *MIDI_SUFFIXES}
MOST_BYTES = 5_000_000  # of a score, unpacked
MOST_SECONDS = 5  # of processor time for a file
_HUGE_NUMBER = re.compile(r"^(?:[LM]:|(?![A-Za-z]:|%))[^%\n]*\d{3}", re.MULTILINE)
"""A number of three digits in the music or the metre of ABC: music21 would make that many notes or beats."""
_one_at_a_time = Lock()  # music21 has global state


def read_tunes(path: Path) -> list[Tune | RejectReason]:
    """Read each piece of a file as a tune, or say why it is none.

    Raises UnreadableAudio where the file holds no music, MissingDependency.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnreadableAudio(f"{path}: not a file of tunes; give one of {', '.join(sorted(SUFFIXES))}")
    if suffix in MIDI_SUFFIXES:
        return [read_midi(path)]
    if suffix != ".abc":
        return _read_score(path)
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise UnreadableAudio(f"{path}: cannot be read: {error.strerror}") from None
    tunes = [_read_abc_piece(piece, path) for piece in split_pieces(text)]
    if not tunes:
        raise UnreadableAudio(f"{path}: not ABC: it has no line that begins with X:")
    return tunes


def read_tune(path: Path) -> Tune:
    """Read the first piece of a file; raise UnreadableAudio, which says why, where that is not a tune."""
    try:
        tune = run_with_time_limit(MOST_SECONDS, lambda: read_tunes(path))[0]
    except TimeLimitExceeded:
        raise UnreadableAudio(f"{path}: takes more than {MOST_SECONDS} s to read; give a shorter piece") from None
    if isinstance(tune, RejectReason):
        raise UnreadableAudio(f"{path}: {tune}; give a tune of one voice in notes from sixteenths to wholes")
    return tune


def copy_essen(to: Path) -> int:
    """Copy the Essen folk song collection, which music21 contains, to a new folder; return the number of files."""
    source = Path(load_music21().__file__).parent / "corpus" / "essenFolksong"
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


def _read_abc_piece(piece: str, path: Path) -> Tune | RejectReason:
    try:
        return read_piece(piece)
    except UnsupportedAbc:
        if _HUGE_NUMBER.search(piece):
            return RejectReason.durations
        try:
            return _read_with_music21(piece, path, "abc")[0]
        except UnreadableAudio:
            return RejectReason.damaged


def _read_score(path: Path) -> list[Tune | RejectReason]:
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


def _read_with_music21(source: str | Path, path: Path, format: str | None) -> list[Tune | RejectReason]:
    music21 = load_music21()
    with _one_at_a_time, warnings.catch_warnings(action="ignore"):  # it raises or repairs whatever it warns of
        try:
            # By default it would load pickles from a temporary folder that everyone may write to.
            whole = music21.converter.parse(source, format=format, forceSource=True, storePickle=False)
            scores = list(whole.scores) if hasattr(whole, "scores") else [whole]
            return [_from_score(score, path.stem) for score in scores] or [RejectReason.empty]
        except Exception as error:  # music21 raises whatever the damaged part raises
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise UnreadableAudio(f"{path}: cannot be read: {reason}") from None


def _from_score(score: Any, name: str) -> Tune | RejectReason:
    """Read a music21 score of one pitched voice as a tune."""
    parts = [part for part in (score.parts or [score]) if part.recurse().notes]
    if not parts:
        return RejectReason.empty
    pitched = [part for part in parts if not part.recurse().getElementsByClass(("Unpitched", "PercussionChord"))]
    if not pitched:
        return RejectReason.drums
    if len(pitched) > 1 or pitched[0].recurse().getElementsByClass(("Voice",)):
        return RejectReason.voices
    part = pitched[0].stripTies(matchByPitch=False)  # it takes E and E natural for different pitches
    notes = [note for note in part.flatten().notesAndRests if "ChordSymbol" not in note.classes]
    if any(note.isChord for note in notes):
        return RejectReason.voices
    lengths = [
        (None if note.isRest else note.pitch.midi, Fraction(note.quarterLength) * 4)
        for note in notes
        if note.quarterLength  # grace notes have none
    ]
    title = (score.metadata and score.metadata.bestTitle) or name
    return build_tune(title, lengths, *_metre(part))


def _metre(part: Any) -> tuple[str, Fraction]:
    """Return the metre, empty where there is none or several, and the length of the first bar in steps."""
    metres = {signature.ratioString for signature in part.flatten().getElementsByClass("TimeSignature")}
    first = part.getElementsByClass("Measure").first()
    if len(metres) != 1 or (metre := metres.pop()) not in METRES or first is None:
        return "", Fraction(0)
    return metre, Fraction(first.duration.quarterLength) * 4
