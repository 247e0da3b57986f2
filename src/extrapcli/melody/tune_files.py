"""Files of tunes: ABC, Humdrum kern, MusicXML and MIDI, told apart by their content."""

import io
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from extrapcli.atomic import temporary_folder
from extrapcli.errors import CannotWrite, UnreadableAudio
from extrapcli.melody.abc import UnsupportedAbc, read_piece, read_voice, split_pieces
from extrapcli.melody.encoding import RejectReason, Tune
from extrapcli.melody.midi import read_midi_score, single_voice
from extrapcli.melody.midi_events import is_midi
from extrapcli.melody.optional import load_music21
from extrapcli.melody.score import Score
from extrapcli.melody.text import decode_text
from extrapcli.melody.written import Made, read_written, written_score, written_tune

MIDI_SUFFIXES = (".mid", ".midi")
SUFFIXES = {".abc", ".krn", ".musicxml", ".mxl", ".xml", *MIDI_SUFFIXES}
MOST_BYTES = 15_000_000  # of a file, unpacked
_CONTAINER = "META-INF/container.xml"
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*>")  # whose encoding is that of the bytes
_ABC = re.compile(r"^X:", re.MULTILINE)
_HUGE_NUMBER = re.compile(r"^(?:[LM]:|(?![A-Za-z]:|%))[^%\n]*\d{3}", re.MULTILINE)
"""A number of three digits in the music or the metre of ABC: music21 would make that many notes or beats."""


def read_tunes(path: Path) -> list[Tune | RejectReason]:
    """Read each piece of a file as a tune of one voice, or say why it is none.

    Raises UnreadableAudio where the file holds no music, MissingDependency.
    """
    data = _read(path)
    if is_midi(data):
        return [single_voice(read_midi_score(data, path))]
    text, format = _text_of(data, path)
    if format != "abc":
        return read_written(text, format, path, written_tune) or [RejectReason.empty]
    tunes: list[Tune | RejectReason] = []
    for piece in split_pieces(text):
        try:
            tunes.append(read_piece(piece))
        except UnsupportedAbc:
            try:
                tunes.append(_read_other_abc(piece, path, written_tune)[0])
            except UnreadableAudio:
                tunes.append(RejectReason.durations if _HUGE_NUMBER.search(piece) else RejectReason.damaged)
    return tunes


def read_score(path: Path) -> Score:
    """Read the first piece of a file that has notes, and say which of several it is.

    Raises UnreadableAudio where there is none, which says what is wrong with the first, MissingDependency.
    """
    pieces = _pieces(path)
    fault: UnreadableAudio | None = None
    for number, piece in enumerate(pieces, 1):
        try:
            score = piece()
            if not any(part.notes for part in score.parts):
                raise UnreadableAudio(f"{path}: {RejectReason.drums if score.parts else RejectReason.empty}")
        except UnreadableAudio as error:
            fault = fault or error
        else:
            chosen = (f"tune {number} of {len(pieces)} is used: {score.title}",) if len(pieces) > 1 else ()
            return replace(score, remarks=(*chosen, *score.remarks))
    raise fault or UnreadableAudio(f"{path}: {RejectReason.empty}")


def copy_essen(to: Path) -> int:
    """Copy the Essen folk song collection, which music21 contains, to a new folder; return the number of files."""
    source = Path(load_music21().__file__).parent / "corpus" / "essenFolksong"
    files = [*sorted(source.glob("*.abc")), source / "license.txt"]
    try:
        with temporary_folder(to.parent) as folder:
            whole = folder / to.name
            whole.mkdir()
            for file in files:
                shutil.copyfile(file, whole / file.name)
            whole.rename(to)
    except OSError as error:
        raise CannotWrite(f"{to}: cannot be written: {error.strerror}") from None
    return len(files) - 1


def _pieces(path: Path) -> list[Callable[[], Score]]:
    """Return what reads each piece of a file; of ABC, only when it is called. Raises UnreadableAudio."""
    data = _read(path)
    if is_midi(data):
        return [partial(read_midi_score, data, path)]
    text, format = _text_of(data, path)
    if format == "abc":
        return [partial(_abc_score, piece, path) for piece in split_pieces(text)]
    return [partial(replace, score) for score in read_written(text, format, path, written_score)]


def _abc_score(piece: str, path: Path) -> Score:
    try:
        return read_voice(piece).score()
    except UnsupportedAbc:
        return _read_other_abc(piece, path, written_score)[0]


def _read_other_abc(piece: str, path: Path, make: Callable[[Any, str], Made]) -> list[Made]:
    """Read a piece of ABC with music21; raise UnreadableAudio where it can't."""
    if _HUGE_NUMBER.search(piece):
        raise UnreadableAudio(f"{path}: cannot be read: it has a note length or metre with numbers of three digits")
    return read_written(piece, "abc", path, make)


def _read(path: Path) -> bytes:
    """Read a file, a MusicXML file out of its archive; raise UnreadableAudio where that can't be."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_score_name(archive)) as member:
                data = member.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableAudio(f"{path}: cannot be read: {error.strerror or error}") from None
    except (
        zipfile.BadZipFile,
        EOFError,
        LookupError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        zlib.error,
    ) as error:
        raise UnreadableAudio(f"{path}: its archive cannot be unpacked: {error}") from None
    if len(data) > MOST_BYTES:
        raise UnreadableAudio(f"{path}: holds more than {MOST_BYTES / 1e6:.0f} MB of notes; give a shorter piece")
    return data


def _score_name(archive: zipfile.ZipFile) -> str:
    """Find the score in a compressed MusicXML file: what its container names, or else its first XML file."""
    names = archive.namelist()
    if _CONTAINER in names:
        with archive.open(_CONTAINER) as container:
            named = re.search(r"full-path=[\"']([^\"']+)", decode_text(container.read(10_000)))
        if named and named[1] in names:
            return named[1]
    scores = [name for name in names if name.lower().endswith((".xml", ".musicxml")) and name != _CONTAINER]
    if not scores:
        raise ValueError("it holds no MusicXML")
    return scores[0]


def _text_of(data: bytes, path: Path) -> tuple[str, str]:
    """Decode a text and tell its format by its content; raise UnreadableAudio where it is none of ours."""
    text = decode_text(data)
    first = next((line.strip() for line in text.splitlines() if line.strip() and not line.startswith("!")), "")
    if first.startswith("<"):
        return _XML_DECLARATION.sub("", text, count=1), "musicxml"
    if first.startswith("**"):
        return text, "humdrum"
    if _ABC.search(text) and "\0" not in text:
        return text, "abc"
    raise UnreadableAudio(f"{path}: holds no tune in MIDI, MusicXML, kern or ABC (with a line X:)", hint="recording")
