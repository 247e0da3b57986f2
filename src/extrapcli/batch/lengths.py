"""The lengths of single songs, from a table: a CSV file with a song and a length in each line."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from extrapcli.continuation import Length
from extrapcli.errors import UsageError
from extrapcli.ranges import minutes_of


def read_lengths(path: Path, like: Length) -> Mapping[str, Length]:
    """Read lengths by the paths of their songs; each is a length as `like` one. A first line of words is a header.

    Raises UsageError where the file can't be read, and for a line without a song and a length.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(field.strip() for field in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "is no text with commas"
        raise UsageError(f"{path}: cannot be read: {reason}") from None
    if rows and len(rows[0]) > 1 and not any(c.isdigit() for c in rows[0][1]):
        rows = rows[1:]
    lengths: dict[str, Length] = {}
    for number, row in enumerate(rows, start=1):
        if len(row) < 2:
            raise UsageError(f"{path}: row {number} of its songs needs a song and a length, as song.mp3,1:30")
        song = PurePosixPath(row[0].strip().replace("\\", "/")).as_posix()
        if song in lengths:
            raise UsageError(f"{path}: has {song} twice")
        try:
            lengths[song] = replace(like, minutes=minutes_of(row[1].strip()))
        except UsageError as error:
            raise UsageError(f"{path}: {song}: {error}") from None
    return lengths
