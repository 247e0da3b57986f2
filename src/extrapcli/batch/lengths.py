"""The lengths of single songs, from a table: a CSV file with a song and a length in each line."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from extrapcli.audio.formats import is_audio_name
from extrapcli.continuation import Length
from extrapcli.errors import UsageError
from extrapcli.ranges import minutes_of


def read_lengths(path: Path, like: Length) -> Mapping[str, Length]:
    """Read lengths by the paths of their songs; each is a length as `like` one. The first line may be a heading.

    Raises UsageError where the file can't be read or names no song, and for a line without a song and a length.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            rows = [(lines.line_num, row) for row in lines if any(field.strip() for field in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "is no text with commas"
        raise UsageError(f"{path}: cannot be read: {reason}") from None
    if rows and _is_heading(rows[0][1]):
        rows = rows[1:]
    if not rows:
        raise UsageError(f"{path}: names no song; write a song and a length in each line, such as song.mp3,1:30")
    lengths: dict[str, Length] = {}
    for number, row in rows:
        if len(row) < 2:
            raise UsageError(f"{path}, line {number}: write a song and a length, such as song.mp3,1:30")
        song = PurePosixPath(row[0].strip().replace("\\", "/")).as_posix()
        if song in lengths:
            raise UsageError(f"{path}: has {song} twice")
        try:
            lengths[song] = replace(like, minutes=minutes_of(row[1].strip()))
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {song}: {error}") from None
    return lengths


def _is_heading(row: list[str]) -> bool:
    """Tell whether a row has words in the places of a song and a length."""
    has_length = len(row) < 2 or any(character.isdigit() for character in row[1])
    return not has_length and not is_audio_name(PurePosixPath(row[0].strip()))
